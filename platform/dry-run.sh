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

exec "${0%/*}/migrator" promote "--tenant-slug=$1" --dry-run --log-format json
