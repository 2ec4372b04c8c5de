#!/usr/bin/env bash
# Runs what only a deployed stack shows (see scenarios.py) on the running emulator.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
exec "$tools/bin/python" infra/emulator/scenarios.py
