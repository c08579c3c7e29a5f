#!/usr/bin/env bash
# run-migrator.sh JOB LOG [ARGUMENT...] executes a Cloud Run job, with other arguments than its own if there are any, waits for it
# and writes what it logged to LOG, one entry of Cloud Logging a line. Ends as the job ended. Takes PROJECT and REGION.
set -euo pipefail

job=$1 log=$2
shift 2
where=(--project "$PROJECT" --region "$REGION")
overrides=()
if (($#)); then overrides=("--args=$(IFS=,; echo "$*")"); fi

status=0
gcloud run jobs execute "$job" "${where[@]}" "${overrides[@]}" --wait || status=$?

execution=$(gcloud run jobs executions list --job "$job" "${where[@]}" --sort-by='~metadata.creationTimestamp' --limit 1 --format 'value(metadata.name)')
mkdir -p "$(dirname "$log")"
# Entries arrive some seconds after they were written.
sleep "${LOG_DELAY:-20}"
gcloud logging read "resource.type=\"cloud_run_job\" AND labels.\"run.googleapis.com/execution_name\"=\"$execution\"" \
  --project "$PROJECT" --order asc --limit 10000 --format json | jq -c '.[] | {timestamp, severity, textPayload, jsonPayload}' > "$log"
exit "$status"
