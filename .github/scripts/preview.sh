#!/usr/bin/env bash
# preview.sh STACK FILE prints a preview as Markdown. Indented, not fenced: a pull request's program cannot end the quotation.
set -euo pipefail

stack=$1 file=$2
printf '### Preview of `%s`\n\n' "$stack"
if [ -f "$file" ]; then
  tail -c 40000 "$file" | sed 's/^/    /'
else
  echo "It did not run; the job's log says why."
fi
