#!/bin/sh
# dry-run.sh SLUG is all that the platform's dry-run job runs: the preflight and the plan of one tenant. Whoever may start the job may
# say other arguments, and none but a slug is taken; the program that runs is the job's and cannot be overridden.
set -eu

refuse() {
  echo "This job takes one tenant's slug and does a dry run of its promotion, nothing else." >&2
  exit 2
}

[ $# = 1 ] || refuse
case $1 in
  "" | -* | *- | *--* | *[!a-z0-9-]*) refuse ;;
esac
[ ${#1} -le 56 ] || refuse

# Nor are other variables than these: some make a program run code that is not its own. pg_dump, as Debian has it, is started by a
# script in Perl, which obeys PERL5OPT.
slug=$1
set --
for name in DB_HOST DB_PORT DB_NAME DB_USER DB_PASSWORD DB_SSLMODE DB_SSLROOTCERT; do
  eval "value=\${$name-}"
  [ -z "$value" ] || set -- "$@" "$name=$value"
done

exec /usr/bin/env -i PATH=/usr/bin:/bin HOME=/home/migrator MIGRATOR_DRY_RUN_ONLY=1 "$@" \
  "${0%/*}/migrator" promote "--tenant-slug=$slug" --dry-run --log-format json
