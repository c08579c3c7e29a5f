#!/usr/bin/env bash
# outputs.sh FOLDER STACK NAME=OUTPUT... prints NAME=value of a stack's outputs, for GITHUB_ENV; a missing or unreadable output ends it.
set -euo pipefail

folder=$1 stack=$2
shift 2
for pair in "$@"; do
  if ! value=$(pulumi -C "$folder" stack output "${pair#*=}" --stack "$stack" --non-interactive) || [ -z "$value" ]; then
    echo "Stack $stack has no output '${pair#*=}' that can be read. Has 'pulumi up' ended well for it?" >&2
    exit 1
  fi
  printf '%s=%s\n' "${pair%%=*}" "$value"
done
