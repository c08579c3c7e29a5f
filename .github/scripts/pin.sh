#!/usr/bin/env bash
# pin.sh IMAGE@DIGEST writes the migrator's new digest into the stacks' files that run an older one of the same repository, and
# opens a pull request with that, or makes the open one anew. Stacks of finalized tenants have no migrator. Takes GH_TOKEN.
set -euo pipefail

image=$1 branch=images/migrator
[[ "$image" =~ ^[a-z0-9./_-]+@sha256:[0-9a-f]{64}$ ]] || { echo "That is no image by digest: $image" >&2; exit 2; }
repository=${image%@*}

for file in Pulumi.*.yaml platform/Pulumi.*.yaml; do
  if [ ! -f "$file" ] || grep -Eq '^ +tenant:finalized: *"?true"?' "$file"; then continue; fi
  sed -i -E "s#^( +(tenant|platform):migratorImage: *)${repository//./\\.}@sha256:[0-9a-f]{64}\$#\1$image#" "$file"
done
if git diff --quiet; then echo "Every stack has $image."; exit 0; fi

body="Built, scanned and signed from ${GITHUB_SHA}: \`$image\`.

GitHub starts no checks for a pull request that a workflow opens. Close and reopen this one, and its checks run."
git config user.name "github-actions[bot]"
git config user.email "41898282+github-actions[bot]@users.noreply.github.com"
git switch --quiet --create "$branch"
git commit --quiet --all --message "Run the migrator that main has built" --message "$image"
git push --quiet --force "https://x-access-token:$GH_TOKEN@${GITHUB_SERVER_URL#https://}/$GITHUB_REPOSITORY.git" "$branch"
if [ -z "$(gh pr list --head "$branch" --state open --json number --jq '.[].number')" ]; then
  gh pr create --head "$branch" --title "Run the migrator that main has built" --body "$body"
else
  gh pr edit "$branch" --body "$body"
fi
