#!/usr/bin/env bash
# Runs the table of small state machines on the running emulator; `go test` runs the
# same table on the local engine.
set -euo pipefail
. "$(dirname "$0")/env.sh"
exec "$tools/bin/python" "$root/infra/emulator/semantics/semantics.py" "$root/infra/emulator/semantics/cases.json"
