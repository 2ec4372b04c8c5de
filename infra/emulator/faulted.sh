#!/usr/bin/env bash
# Deploys to a fresh emulator that the functions reach through a proxy which lets one
# of EVERY calls fail (throttled, 500, cut, made but the answer lost), and runs the
# black-box suite: nothing may be lost, and nobody may notice. (One of 7 is too many for
# that: five attempts in a row fail once in 17,000 calls then, and the caller is told
# 503, rightly.)
set -euo pipefail
here=$(dirname "$0")
. "$here/env.sh"
cd "$root"
mkdir -p "$run"
"$here/down.sh"
go build -o "$run/proxy" ./infra/emulator/faults/proxy
"$run/proxy" -listen 127.0.0.1:4567 -target "$AWS_ENDPOINT_URL" -every "${EVERY:-20}" 2>"$run/proxy.log" &
proxy=$!
trap 'kill $proxy; "$here/down.sh"' EXIT
FUNCTIONS_ENDPOINT=http://127.0.0.1:4567 "$here/up.sh"
"$here/deploy.sh" >/dev/null
"$here/e2e.sh" "$@"
