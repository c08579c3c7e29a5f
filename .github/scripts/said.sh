#!/usr/bin/env bash
# said.sh COMMAND... runs the command and, if it refuses (exit code 2), notes its last sentence as the step's output 'refusal'.
set -euo pipefail

errors=$(mktemp)
status=0
"$@" 2> "$errors" || status=$?
cat "$errors" >&2
if [ "$status" = 2 ]; then
  printf 'refusal=%s\n' "$(tail -n 1 "$errors" | tr -d '\r' | cut -c 1-400)" >> "$GITHUB_OUTPUT"
fi
exit "$status"
