#!/usr/bin/env bash
# comment.sh PULL_REQUEST MARKER FILE writes the file as a comment, or over the comment that it wrote there before.
set -euo pipefail

pull_request=$1 marker="<!-- $2 -->" file=$3
body=$(mktemp)
# GitHub takes 65,536 characters.
{ printf '%s\n' "$marker"; head -c 60000 "$file"; } > "$body"

# Only our own comments: anybody can write the marker.
id=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$pull_request/comments" |
  jq -r --arg marker "$marker" '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith($marker))) | .id' | head -n 1)
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$body" > /dev/null
else
  gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$pull_request/comments" --field "body=@$body" > /dev/null
fi
