#!/usr/bin/env bash
# Reads the paths that changed, one a line, and prints the stacks to preview as stacks=["acme-corp"]: all of them when the program, its
# settings or its packages changed, else those whose own file did. The platform's stack prod is platform.prod, which is no slug.
set -euo pipefail

changed=$(cat)
touched() { grep -qE "^($1|Directory\.[^/]+\.props$|global\.json$)" <<< "$changed"; }
names() { sed -nE 's/^(platform\/)?Pulumi\.([a-z0-9]+(-[a-z0-9]+)*)\.yaml$/\2/p'; }

all=$(git ls-files 'Pulumi.*.yaml')
if touched 'infra/|migrator/Model/Slug\.cs$|Pulumi\.yaml$'; then
  files=$all
else
  # A deleted file is no stack any more.
  files=$(grep -Fxf <(printf '%s\n' "$changed") <<< "$all" || true)
fi
stacks=$(names <<< "$files")

# The platform reads its settings as the tenants do.
if touched 'platform/|infra/ConfigReader\.cs$'; then
  platform=$(git ls-files 'platform/Pulumi.*.yaml' | names)
  # A fresh copy of the repository has no platform yet; its program is previewed with made-up settings.
  stacks+=$'\n'$(sed 's/^/platform./' <<< "${platform:-prod}")
fi

sed '/^$/d' <<< "$stacks" | jq -Rnc '[inputs]' | sed 's/^/stacks=/'
