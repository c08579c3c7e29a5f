#!/usr/bin/env bash
# forecast.sh LOG SUMMARY takes what the migrator forecast of the pause out of its log (of run-migrator.sh), appends a sentence to
# SUMMARY and prints forecast=... for the name of the job that is to be approved.
set -euo pipefail

forecast=$(jq -rs '[.[].jsonPayload.message? // empty | capture("pause its writes for (?<ms>[0-9]+ to [0-9]+ ms)").ms] | last // empty' "$1")
: "${forecast:=no forecast}"
printf 'Copied and verified. The tenant works on. Forecast of the pause when it is cut over: **%s**.\n' "$forecast" >> "$2"
echo "forecast=$forecast"
