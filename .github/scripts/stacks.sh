#!/usr/bin/env bash
# Reads the paths that changed, one a line, and prints the stacks to preview as stacks=["acme-corp"]:
# all of them when the program, its settings or its packages changed, else those whose own file did.
set -euo pipefail

all=$(git ls-files 'Pulumi.*.yaml')
changed=$(cat)
if grep -qE '^(infra/|migrator/Model/Slug\.cs$|Pulumi\.yaml$|Directory\.[^/]+\.props$|global\.json$)' <<< "$changed"; then
  files=$all
else
  # A deleted file is no stack any more.
  files=$(grep -Fxf <(printf '%s\n' "$changed") <<< "$all" || true)
fi

sed -nE 's/^Pulumi\.([a-z0-9]+(-[a-z0-9]+)*)\.yaml$/\1/p' <<< "$files" | jq -Rnc '[inputs]' | sed 's/^/stacks=/'
