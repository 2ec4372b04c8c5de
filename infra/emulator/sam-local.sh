#!/usr/bin/env bash
# Runs every function on its sample event with `sam local invoke`, and one alert through
# `sam local start-api`, in containers. Needs a Docker engine; says so where there is
# none. IMAGE names a runtime image that is there already (none is pulled then).
set -euo pipefail
here=$(dirname "$0")
. "$here/env.sh"
cd "$root"
if ! docker info >/dev/null 2>&1; then
  echo "sam-local needs a running Docker engine (docker info fails); everything else runs without: make deploy-local" >&2
  exit 0
fi
"$here/tools.sh"
[ -d .aws-sam/build ] || "$tools/bin/sam" build --config-env local
image=()
[ -z "${IMAGE:-}" ] || image=(--skip-pull-image --invoke-image "$IMAGE")
# The emulator as a container sees it; !Ref values arrive as logical ids there, so
# what they stand for is told.
gateway=$(docker network inspect bridge -f '{{(index .IPAM.Config 0).Gateway}}')
"$tools/bin/python" - "$gateway" "$port" "$stack" >"$run/sam-local.json" <<'PY'
import json, sys
import boto3
gateway, port, stack = sys.argv[1:]
seen = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
outputs = {o["OutputKey"]: o["OutputValue"] for o in seen}
shared = {
    "AWS_ENDPOINT_URL": f"http://{gateway}:{port}", "OPSGUARD_TABLE": outputs["TableName"], "OPSGUARD_STATE_MACHINE_ARN": outputs["StateMachineArn"],
    "OPSGUARD_PUBLIC_URL": "http://127.0.0.1:3000", "OPSGUARD_API_KEYS_PARAM": f"/{stack}/api-keys", "OPSGUARD_LINK_KEYS_PARAM": f"/{stack}/link-keys",
    "OPSGUARD_APPROVAL_TIMEOUT": "4h", "OPSGUARD_LOG_LEVEL": "info",
}
print(json.dumps({"Parameters": shared}))
PY
failed=0
for event in infra/events/*.json; do
  name=$(basename "$event" .json)
  logical=$(sed -E 's/(^|-)([a-z])/\U\2/g' <<<"$name")Function
  answer=$("$tools/bin/sam" local invoke "$logical" -e "$event" --env-vars "$run/sam-local.json" "${image[@]}" 2>"$run/sam-local.log") || failed=1
  # A handler's error exits 0 too: an incident that is not there is the answer that the
  # sample events of steps have to get, a function that did not start is not.
  if [ -z "$answer" ] || grep -q "cannot start" "$run/sam-local.log"; then failed=1; fi
  printf '%-22s %s\n' "$name" "${answer:-(no answer: see $run/sam-local.log)}"
done
"$tools/bin/sam" local start-api --port 3001 --warm-containers LAZY --env-vars "$run/sam-local.json" "${image[@]}" >"$run/start-api.log" 2>&1 &
api=$!
trap 'kill $api' EXIT
for _ in $(seq 100); do curl -fsS -m 1 -o /dev/null "http://127.0.0.1:3001/healthz" 2>/dev/null && break; sleep 0.3; done
ingest=$(sed -n 's/^INGEST_KEY=//p' "$deployed")
curl -fsS -X POST http://127.0.0.1:3001/ingest-alert -H "Authorization: Bearer $ingest" -H 'Content-Type: application/json' \
  -d '{"serverName": "prod-api-01", "errorLogs": "JavaScript heap out of memory"}' || failed=1
exit $failed
