#!/usr/bin/env bash
# restore-drill.sh INSTANCE DATABASE clones a Cloud SQL instance to an hour ago, asks the clone for the database, prints how long that
# took and deletes the clone, however it ends. Takes PROJECT.
set -euo pipefail

instance=$1 database=$2
clone="drill-$(date -u +%Y%m%d-%H%M%S)"
where=(--project "$PROJECT" --quiet)

remove() {
  # A clone is protected like its original, and may never have been made.
  if gcloud sql instances describe "$clone" "${where[@]}" > /dev/null 2>&1; then
    gcloud sql instances patch "$clone" --no-deletion-protection "${where[@]}" > /dev/null
    gcloud sql instances delete "$clone" "${where[@]}" > /dev/null
  fi
}
trap remove EXIT

started=$(date +%s)
gcloud sql instances clone "$instance" "$clone" --point-in-time "$(date -u -d '1 hour ago' +%FT%TZ)" "${where[@]}" > /dev/null
state=$(gcloud sql instances describe "$clone" "${where[@]}" --format 'value(state)')
[ "$state" = RUNNABLE ] || { echo "The clone of $instance is $state." >&2; exit 1; }
gcloud sql databases list --instance "$clone" "${where[@]}" --format 'value(name)' | grep -qxF "$database" ||
  { echo "The clone of $instance has no database $database." >&2; exit 1; }
echo "$instance: restored to an hour ago in $(($(date +%s) - started)) seconds."
