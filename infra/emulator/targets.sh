#!/usr/bin/env bash
# Real fixes on a deployed stack, with the roles of infra/target-role.yaml (see targets.py).
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
unset OPSGUARD_SENDERS
exec "$tools/bin/python" -B infra/emulator/targets.py
