#!/usr/bin/env bash
# earlier.sh TIMELINE NAME=STEP... prints NAME=done for each step that an earlier attempt of this job has ended well, by its timeline
# (of timed.sh). A lost runner may leave no timeline, or half a line of it: what is not known to be done is done again.
set -euo pipefail

timeline=$1
shift
[ -f "$timeline" ] || exit 0
for pair in "$@"; do
  ended=$(jq -Rn --arg step "${pair#*=}" \
    'any(inputs | fromjson? | select(type == "object"); .name == $step and .status == 0)' "$timeline")
  if [ "$ended" = true ]; then
    printf '%s=done\n' "${pair%%=*}"
  fi
done
