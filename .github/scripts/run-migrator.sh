#!/usr/bin/env bash
# run-migrator.sh JOB LOG [ARGUMENT...] executes a Cloud Run job, with other arguments than its own if there are any, waits for it
# and writes what it logged to LOG, one entry of Cloud Logging a line. What failed on the way is run again, for it goes on where it
# stopped; a refusal is not. Ends with the migrator's own exit code. Takes PROJECT, REGION and, where the job's log is kept in a bucket of
# its own, LOG_BUCKET (projects/P/locations/R/buckets/B).
set -euo pipefail

job=$1 log=$2
shift 2
where=(--project "$PROJECT" --region "$REGION")
logs=(--project "$PROJECT")
if [ -n "${LOG_BUCKET:-}" ]; then
  IFS=/ read -r _ owner _ location _ bucket <<< "$LOG_BUCKET"
  logs=(--project "$owner" --location "$location" --bucket "$bucket" --view _AllLogs)
fi
overrides=()
if (($#)); then overrides=("--args=$(IFS=,; echo "$*")"); fi
errors=$(mktemp)
mkdir -p "$(dirname "$log")"
: > "$log"

# Prints the execution's end, True or False. What cannot be read for minutes never will be.
await() {
  local execution=$1 description silence=0
  while true; do
    if description=$(gcloud run jobs executions describe "$execution" "${where[@]}" --format json 2> "$errors"); then
      silence=0
      jq -er '.status.conditions[]? | select(.type == "Completed" and .status != "Unknown") | .status' <<< "$description" && return
    elif ((++silence >= ${MAX_SILENCE:-18})); then
      echo "Execution $execution was started and cannot be read: $(tail -n 1 "$errors")" >&2
      echo "It may be running. See it with: gcloud run jobs executions describe $execution ${where[*]}" >&2
      return 1
    fi
    sleep "${POLL_DELAY:-10}"
  done
}

for attempt in 1 2 3; do
  # Not --wait: it tells no name, and "the latest execution" may be another tenant's.
  execution=$(gcloud run jobs execute "$job" "${where[@]}" "${overrides[@]}" --async --format 'value(metadata.name)')
  completed=$(await "$execution")
  # Entries arrive some seconds after they were written.
  sleep "${LOG_DELAY:-20}"
  gcloud logging read "resource.type=\"cloud_run_job\" AND labels.\"run.googleapis.com/execution_name\"=\"$execution\"" \
    "${logs[@]}" --order asc --limit 10000 --format json |
    jq -c '.[] | {timestamp, severity, textPayload, jsonPayload}' >> "$log"
  if [ "$completed" = True ]; then exit 0; fi

  code=$(gcloud run jobs executions tasks list --execution "$execution" "${where[@]}" --format json |
    jq -r 'first(.[].status.lastAttemptResult.exitCode // empty) // 1' || echo 1)
  echo "Execution $execution of $job ended with exit code $code." >&2
  case $code in
    # Wrong words, refused by the preflight, a difference found, another run holds the tenant: the answer would be the same.
    2 | 3 | 4 | 5) exit "$code" ;;
  esac
  if ((attempt < 3)); then sleep "${RETRY_DELAY:-30}"; fi
done
exit "$code"
