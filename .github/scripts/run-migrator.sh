#!/usr/bin/env bash
# run-migrator.sh JOB LOG [ARGUMENT...] executes a Cloud Run job, with other arguments than its own if there are any, waits for it
# and writes what it logged to LOG, one entry of Cloud Logging a line. Fails if the job failed. Takes PROJECT and REGION.
set -euo pipefail

job=$1 log=$2
shift 2
where=(--project "$PROJECT" --region "$REGION")
overrides=()
if (($#)); then overrides=("--args=$(IFS=,; echo "$*")"); fi

# Not --wait: it tells no name, and "the latest execution" may be another tenant's.
execution=$(gcloud run jobs execute "$job" "${where[@]}" "${overrides[@]}" --async --format 'value(metadata.name)')
until completed=$(gcloud run jobs executions describe "$execution" "${where[@]}" --format json |
  jq -er '.status.conditions[]? | select(.type == "Completed" and .status != "Unknown") | .status'); do
  sleep "${POLL_DELAY:-10}"
done

mkdir -p "$(dirname "$log")"
# Entries arrive some seconds after they were written.
sleep "${LOG_DELAY:-20}"
gcloud logging read "resource.type=\"cloud_run_job\" AND labels.\"run.googleapis.com/execution_name\"=\"$execution\"" \
  --project "$PROJECT" --order asc --limit 10000 --format json | jq -c '.[] | {timestamp, severity, textPayload, jsonPayload}' > "$log"
[ "$completed" = True ]
