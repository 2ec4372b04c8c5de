#!/usr/bin/env bash
# Starts the AWS emulator on loopback and waits until it answers. Its state is in
# memory: down and up again is a clean account.
set -euo pipefail
here=$(dirname "$0")
"$here/tools.sh"
. "$here/env.sh"
mkdir -p "$run"
if healthy; then
  echo "an emulator answers on $AWS_ENDPOINT_URL already" >&2
  exit 0
fi
# A clean environment, because the functions inherit the emulator's own. Without
# AWS_ENDPOINT_URL in it they would call the real AWS, without BIND_HOST it would
# listen on every interface, without AUTH it would let every function do everything.
env -i PATH="$PATH" HOME="$run" TMPDIR="$run" AUTH=true BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" \
  AWS_ENDPOINT_URL="${FUNCTIONS_ENDPOINT:-$AWS_ENDPOINT_URL}" AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \
  MINISTACK_REGION=us-east-1 IOT_MTLS_ENABLED=false LOG_LEVEL="${EMULATOR_LOG_LEVEL:-INFO}" \
  nohup "$tools/bin/python" "$here/run_ministack.py" >"$run/log" 2>&1 </dev/null &
pid=$!
echo "$pid" >"$run/pid"
for _ in $(seq 150); do
  if healthy; then
    exec "$tools/bin/python" "$here/testrole.py"
  fi
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.2
done
echo "the emulator did not start; its last words:" >&2
tail -n 20 "$run/log" >&2
exit 1
