#!/usr/bin/env bash
# mergeable.sh PULL_REQUEST HEAD prints merge=COMMIT: what main would be with the pull request, if that is reviewed, green and up to
# date, and its head is still HEAD. Anything else ends it with a sentence.
# Takes GITHUB_REPOSITORY and, as a JSON list, REQUIRED_CHECKS.
set -euo pipefail

pull_request=$1 head=$2
refuse() { echo "Pull request $pull_request $1" >&2; exit 2; }

# GitHub computes the merge on demand.
for _ in 1 2 3 4 5 6; do
  facts=$(gh api graphql -F owner="${GITHUB_REPOSITORY%/*}" -F name="${GITHUB_REPOSITORY#*/}" -F number="$pull_request" -f query='
    query($owner: String!, $name: String!, $number: Int!) {
      repository(owner: $owner, name: $name) {
        defaultBranchRef { name target { oid } }
        pullRequest(number: $number) {
          state isDraft mergeable reviewDecision headRefOid baseRefName
          potentialMergeCommit { oid parents(first: 2) { nodes { oid } } }
        }
      }
    }' --jq .data.repository)
  if [ "$(jq -r .pullRequest.mergeable <<< "$facts")" != UNKNOWN ]; then break; fi
  sleep "${POLL_DELAY:-5}"
done
fact() { jq -r "$1 // \"\"" <<< "$facts"; }

[ "$(fact .pullRequest.state)" = OPEN ] || refuse "is not open. Open one for what is to be promoted."
[ "$(fact .pullRequest.isDraft)" != true ] || refuse "is a draft. Mark it as ready for review."
[ "$(fact .pullRequest.baseRefName)" = "$(fact .defaultBranchRef.name)" ] ||
  refuse "does not go to $(fact .defaultBranchRef.name). Only what goes there is promoted."
[ "$(fact .pullRequest.headRefOid)" = "$head" ] || refuse "was pushed to after the label was put on. Put the label on again."
[ "$(fact .pullRequest.mergeable)" = MERGEABLE ] || refuse "has conflicts with $(fact .defaultBranchRef.name). Resolve them."
[ "$(fact .pullRequest.reviewDecision)" = APPROVED ] ||
  refuse "is not approved by a code owner. Have it reviewed; the branch's protection must require that."

merge=$(fact .pullRequest.potentialMergeCommit.oid)
[ "$(fact '[.pullRequest.potentialMergeCommit.parents.nodes[].oid] | join(" ")')" = "$(fact .defaultBranchRef.target.oid) $head" ] ||
  refuse "is not merged with the newest $(fact .defaultBranchRef.name) yet. Put the label on again in a minute."

# Checks ran on the head: they have seen the merge only if the head has all of main.
behind=$(gh api "repos/$GITHUB_REPOSITORY/compare/$(fact .defaultBranchRef.target.oid)...$head" --jq .behind_by)
[ "$behind" = 0 ] ||
  refuse "is $behind commits behind $(fact .defaultBranchRef.name): its checks have not seen what would run. Update its branch."

checks=$(gh api --paginate "repos/$GITHUB_REPOSITORY/commits/$head/check-runs" --jq '.check_runs[]' | jq -s .)
missing=$(jq -r --argjson required "$REQUIRED_CHECKS" \
  '[.[] | select(.conclusion == "success") | .name] as $green | $required - $green | join(", ")' <<< "$checks")
[ -z "$missing" ] || refuse "is not green: $missing. Wait for the checks, or mend what fails."

printf 'merge=%s\n' "$merge"
