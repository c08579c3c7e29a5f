#!/usr/bin/env bash
# drift.sh STACK ends with 1 if what is declared, the stack's state and the cloud are not the same.
set -euo pipefail

preview() { pulumi preview --stack "$1" --expect-no-changes --diff --non-interactive --color never "${@:2}"; }

status=0
# What is declared against the state: values of secrets too.
preview "$1" || status=1
# Against the cloud, but for the values of secrets: a version's value cannot change there, and to ask for it takes the right to read it.
preview "$1" --refresh --exclude '**gcp:secretmanager/secretVersion:SecretVersion::*' || status=1
exit "$status"
