#!/usr/bin/env bash
# health.sh URL... asks each URL until it answers with success; fails with the first that does not within ATTEMPTS.
set -euo pipefail

# One curl a URL: the exit code of several is the last one's.
for url in "$@"; do
  curl --fail --silent --show-error --output /dev/null --max-time 10 \
    --retry "${ATTEMPTS:-30}" --retry-delay "${DELAY:-10}" --retry-all-errors "$url" ||
    { echo "$url does not answer with success." >&2; exit 1; }
done
