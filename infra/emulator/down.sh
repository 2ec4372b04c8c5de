#!/usr/bin/env bash
# Stops the emulator that up.sh started. Everything deployed to it is gone.
set -euo pipefail
. "$(dirname "$0")/env.sh"
if [ ! -f "$run/pid" ]; then
  ! healthy || echo "what answers on $AWS_ENDPOINT_URL was not started from here, and stays" >&2
  exit 0
fi
rm -f "$run"/*.env   # the keys of what is gone
pid=$(cat "$run/pid")
rm -f "$run/pid"
# The pid may have been given to another process since.
if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q ministack; then
  kill "$pid"
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || exit 0
    sleep 0.2
  done
  kill -9 "$pid"
fi
