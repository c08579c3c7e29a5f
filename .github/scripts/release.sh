#!/usr/bin/env bash
# release.sh VERSION FOLDER builds what people install: the tool package and one file for each platform, with their checksums.
set -euo pipefail

version=$1 folder=$2
[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || { echo "'$version' is no version. A release is tagged v1.2.3." >&2; exit 2; }
mkdir -p "$folder"
dotnet pack migrator --configuration Release --output "$folder" -p:Version="$version" -v quiet --nologo
for runtime in ${RUNTIMES:-linux-x64 linux-arm64 osx-arm64 win-x64}; do
  work=$(mktemp -d)
  dotnet publish migrator --configuration Release --runtime "$runtime" --self-contained --output "$work" -v quiet --nologo \
    -p:Version="$version" -p:PublishSingleFile=true -p:EnableCompressionInSingleFile=true -p:DebugType=embedded
  program=$(ls "$work")
  mv "$work/$program" "$folder/migrator-$version-$runtime${program#migrator}"
  rmdir "$work"
done
cd "$folder"
sha256sum -- * > SHA256SUMS
