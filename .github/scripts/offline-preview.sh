#!/usr/bin/env bash
# offline-preview.sh FOLDER STACK OUT declares a stack of the program in FOLDER on an empty state in a temporary folder, with made-up
# secrets and without any identity, and writes the preview to OUT as JSON. FOLDER is a checkout to be thrown away. The platform's stack
# prod is platform.prod, which is no slug; where the repository has no platform yet, its settings are made up too.
set -euo pipefail

folder=$1 stack=$2 out=$3 project=tenant secrets=(databasePassword signingKey)
if [[ $stack == platform.* ]]; then
  folder=$folder/platform stack=${stack#platform.} project=platform secrets=(sharedDatabasePassword sharedDatabaseCa)
fi
file="$folder/Pulumi.$stack.yaml"
if [ "$project" = platform ] && [ -f "$folder/Pulumi.yaml" ] && ! [ -f "$file" ]; then
  echo "config:" > "$file"
fi
if ! [ -f "$file" ]; then
  echo "There is no $file: nothing is declared." >&2
  exit 0
fi

state=$(mktemp -d)
# The provider takes any token as long as it asks nobody.
export PULUMI_BACKEND_URL="file://$state" PULUMI_CONFIG_PASSPHRASE=none GOOGLE_OAUTH_ACCESS_TOKEN=none PULUMI_GCP_SKIP_REGION_VALIDATION=true
node "$(dirname "$0")/offline-settings.mjs" "$file" "$project"
pulumi -C "$folder" stack init "$stack" --secrets-provider passphrase --non-interactive > /dev/null
for secret in "${secrets[@]}"; do
  pulumi -C "$folder" config set --secret "$project:$secret" "Made-up-secret-0-of-a-preview-that-nobody-uses" --stack "$stack"
done
pulumi -C "$folder" preview --stack "$stack" --json --non-interactive > "$out"
