#!/usr/bin/env bash
# timed.sh NAME COMMAND... runs the command and notes in $TIMELINE when it began, when it ended and how.
set -euo pipefail

name=$1
shift
mkdir -p "$(dirname "$TIMELINE")"
started=$(date -u +%FT%T.%3NZ)
status=0
"$@" || status=$?
jq -nc --arg name "$name" --arg started "$started" --arg ended "$(date -u +%FT%T.%3NZ)" --argjson status "$status" \
  '{$name, $started, $ended, $status}' >> "$TIMELINE"
exit "$status"
