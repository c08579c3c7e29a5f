#!/usr/bin/env bash
# owners.sh refuses a deployment where CODEOWNERS names owners that GitHub does not know, such as those of the repository that this one
# was copied from: it passes over them, and whoever may write could then approve. Takes GITHUB_REPOSITORY.
set -euo pipefail

refuse() { echo "$1 Put owners that may write to $GITHUB_REPOSITORY into .github/CODEOWNERS on main." >&2; exit 2; }

foreign=$(grep -v '^#' .github/CODEOWNERS | grep -o '@[A-Za-z0-9-]*/[A-Za-z0-9._-]*' | sort -u |
  grep -vi "^@${GITHUB_REPOSITORY%/*}/" | paste -sd ' ' || true)
[ -z "$foreign" ] || refuse "CODEOWNERS names teams of another organisation, $foreign, so that no owner has to approve."
errors=$(gh api "repos/$GITHUB_REPOSITORY/codeowners/errors" --jq '[.errors[] | "line \(.line): \(.kind)"] | join(", ")')
[ -z "$errors" ] || refuse "GitHub does not understand CODEOWNERS ($errors)."
