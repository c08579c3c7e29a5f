#!/usr/bin/env bash
# Prints the tenants' stacks as stacks=["acme-corp"]: the committed files that 'pulumi stack init' has written its key into. The others
# are examples, and are named in the run's summary.
set -euo pipefail

git ls-files 'Pulumi.*.yaml' | while read -r file; do
  if ! grep -qE '^(encryptedkey|encryptionsalt):' "$file"; then
    echo "$file is an example and passed over: it has no key, which 'pulumi stack init' writes into a stack's file." |
      tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}" >&2
    continue
  fi
  sed -nE 's/^Pulumi\.([a-z0-9]+(-[a-z0-9]+)*)\.yaml$/\1/p' <<< "$file"
done | jq -Rnc '[inputs]' | sed 's/^/stacks=/'
