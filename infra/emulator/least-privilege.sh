#!/usr/bin/env bash
# Takes one permission from each function of what deploy.sh deployed, and sees it missed.
set -euo pipefail
. "$(dirname "$0")/env.sh"
exec "$tools/bin/python" "$root/infra/emulator/least_privilege.py" "$stack" "$run/log" <"$deployed"
