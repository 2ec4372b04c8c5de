#!/usr/bin/env bash
# Cold starts, and how long people wait on the deployed stack (see bench.py). Ends the
# emulator if it started it.
set -euo pipefail
here=$(dirname "$0")
"$here/tools.sh"
. "$here/env.sh"
cd "$root"
go run ./infra/emulator/coldstart
echo
healthy || trap '"$here/down.sh"' EXIT
"$here/up.sh"
"$tools/bin/python" infra/emulator/bench.py "$@"
