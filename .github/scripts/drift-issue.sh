#!/usr/bin/env bash
# drift-issue.sh FOLDER opens an issue about the stacks whose preview differs, or writes over the open one; closes it when none does.
# FOLDER holds one Markdown file for each of them. Takes COMPARED: anything but success means that some could not be compared.
set -euo pipefail

title="The cloud is not what is declared"
repository="repos/$GITHUB_REPOSITORY"
id=$(gh api --paginate "$repository/issues?state=open&creator=github-actions%5Bbot%5D" |
  jq -r --arg title "$title" '.[] | select(.title == $title) | .number' | head -n 1)
body=$(mktemp)
mkdir -p "$1"
find "$1" -name '*.md' | sort | xargs -r cat | head -c 60000 > "$body"

if [ -s "$body" ]; then
  printf '\nSee docs/infrastructure.md, Drift.\n' >> "$body"
  if [ -n "$id" ]; then
    gh api --method PATCH "$repository/issues/$id" --field "body=@$body" > /dev/null
  else
    gh api --method POST "$repository/issues" --raw-field "title=$title" --field "body=@$body" > /dev/null
  fi
elif [ -n "$id" ] && [ "$COMPARED" = success ]; then
  gh api --method PATCH "$repository/issues/$id" --raw-field state=closed > /dev/null
fi
