#!/usr/bin/env bash
# said.sh COMMAND... runs the command and, if it refuses (exit code 2), notes its last sentence as the step's output 'refusal'.
set -euo pipefail

errors=$(mktemp)
status=0
"$@" 2> >(tee "$errors" >&2) || status=$?
# What was written is complete once the pipe's reader has ended.
wait
if [ "$status" = 2 ]; then
  printf 'refusal=%s\n' "$(tail -n 1 "$errors" | tr -d '\r' | cut -c 1-400)" >> "$GITHUB_OUTPUT"
fi
exit "$status"
