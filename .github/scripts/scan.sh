#!/usr/bin/env bash
# scan.sh IMAGE asks Google's On-Demand Scanning about an image that lies on this machine, prints what it found as Markdown, and
# ends with 1 if something critical has a fix. Takes PROJECT.
set -euo pipefail

image=$1
scan=$(gcloud artifacts docker images scan "$image" --project "$PROJECT" --location europe --format 'value(response.scan)')
[ -n "$scan" ] || { echo "The scan of $image has no result." >&2; exit 1; }
found=$(gcloud artifacts docker images list-vulnerabilities "$scan" --project "$PROJECT" --location europe --format json)

jq -r '
  def rank: {CRITICAL: 0, HIGH: 1, MEDIUM: 2, LOW: 3}[.] // 4;
  [.[] | .vulnerability | {severity: .effectiveSeverity, name: .shortDescription, fixable: (.fixAvailable // false),
    packages: ([.packageIssue[]?.affectedPackage] | unique | join(", "))}]
  | sort_by(.severity | rank)
  | "\(length) known vulnerabilities, \([.[] | select(.fixable)] | length) of them with a fix.",
    if any(.[]; .severity | rank < 2) then "\n| severity | name | packages | fix |\n|---|---|---|---|" else empty end,
    (.[] | select(.severity | rank < 2) | "| \(.severity) | \(.name) | \(.packages) | \(if .fixable then "yes" else "none yet" end) |")
' <<< "$found"

critical=$(jq -r '[.[].vulnerability | select(.effectiveSeverity == "CRITICAL" and .fixAvailable) | .shortDescription] | unique | join(", ")' <<< "$found")
[ -z "$critical" ] || {
  echo "The image is not pushed: $critical can be mended. Take a newer base image (Dependabot proposes it), or wait for the package." >&2
  exit 1
}
