#!/usr/bin/env bash
# Accepts a slug that was typed twice and is a committed stack; anything else ends the workflow.
set -euo pipefail

slug=$1 confirmation=$2
if ! [[ $slug =~ ^[a-z0-9]+(-[a-z0-9]+)*$ && ${#slug} -le 56 ]]; then
  echo "That is no slug. Lower-case letters, digits and single hyphens inside, at most 56 characters." >&2
  exit 2
fi
if [[ $slug != "$confirmation" ]]; then
  echo "The confirmation is not the slug. Start again and type '$slug' in both fields." >&2
  exit 2
fi
if ! git ls-files --error-unmatch "Pulumi.$slug.yaml" > /dev/null 2>&1; then
  echo "There is no stack of tenant '$slug': Pulumi.$slug.yaml is not in this commit." >&2
  exit 2
fi
