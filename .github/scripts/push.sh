#!/usr/bin/env bash
# push.sh IMAGE:TAG pushes the image and prints image=IMAGE@DIGEST: the digest that the registry gave it.
set -euo pipefail

tagged=$1 image=${1%:*}
gcloud auth configure-docker "${image%%/*}" --quiet >&2
docker push --quiet "$tagged" >&2
digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$tagged" | grep -F "$image@sha256:" | head -n 1)
[[ "$digest" =~ @sha256:[0-9a-f]{64}$ ]] || { echo "The registry gave $tagged no digest." >&2; exit 1; }
printf 'image=%s\n' "$digest"
