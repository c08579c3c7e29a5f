#!/usr/bin/env bash
# exists.sh STACK prints exists=true or, with a sentence in the run's summary, exists=false: whether the bucket of the states has the
# tenant's stack. A bucket that cannot be read ends it.
set -euo pipefail

stack=$1
stacks=$(pulumi stack ls --json --non-interactive)
if jq -e --arg stack "$stack" 'any(.[]; .name | split("/") | last == $stack)' <<< "$stacks" > /dev/null; then
  echo "exists=true"
else
  echo "There is no stack $stack, and nothing to look at. Delete Pulumi.$stack.yaml if the tenant is gone." |
    tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}" >&2
  echo "exists=false"
fi
