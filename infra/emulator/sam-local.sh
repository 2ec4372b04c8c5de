#!/usr/bin/env bash
# Runs every function on its sample event with `sam local invoke`, and one alert through
# `sam local start-api`. The containers share a stack of their own on the emulator, which
# is deployed if it is not there: together they play one incident from its alert to
# RESOLVED and another one to its ticket. Fails when a function did not start or answered
# with an error. Needs a Docker engine on this machine, and Linux; says so where there is
# no engine. IMAGE names a runtime image that is there already (none is pulled then).
set -euo pipefail
here=$(dirname "$0")
export OPSGUARD_STACK=opsguard-sam-local
. "$here/env.sh"
cd "$root"
if ! docker info >/dev/null 2>&1; then
  echo "sam-local needs a running Docker engine (docker info fails); everything else runs without: make deploy-local" >&2
  exit 0
fi
"$here/tools.sh"
logs="$run/sam-local"
mkdir -p "$logs"
# SAM takes the template's default for the architecture, whatever the machine is, and a
# function of another one is waited for until its timeout.
architecture=$(docker version -f '{{.Server.Arch}}')
architecture=${architecture/amd64/x86_64}
export ARCHITECTURE=$architecture   # the build asks for it
unset GOARCH
if [ -s "$deployed" ] && "$tools/bin/python" infra/emulator/account.py output "$stack" TableName >/dev/null 2>&1; then
  "$tools/bin/sam" build --config-env local >"$logs/build.log" 2>&1 || { cat "$logs/build.log" >&2; exit 1; }
else
  echo "deploying $stack to the emulator" >&2
  "$here/deploy.sh" >/dev/null
fi
. "$deployed"

# The emulator listens on loopback; to a container this machine is the bridge's gateway.
# An engine that has just been set up names the subnet only: the gateway is its first
# address. The proxy passes calls on from there; it is never let fail one.
gateway=$(docker network inspect bridge -f '{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}')
[[ $gateway != *.0/* ]] || gateway=${gateway%0/*}1
inside=http://$gateway:$port
started=()
trap '[ ${#started[@]} = 0 ] || kill "${started[@]}" 2>/dev/null; wait' EXIT
if ! AWS_ENDPOINT_URL=$inside healthy; then
  go build -o "$run/proxy" ./infra/emulator/faults/proxy
  "$run/proxy" -listen "$gateway:$port" -target "$AWS_ENDPOINT_URL" -every 1000000000 2>"$logs/proxy.log" &
  started+=($!)
  for _ in $(seq 50); do AWS_ENDPOINT_URL=$inside healthy && break; sleep 0.1; done
  AWS_ENDPOINT_URL=$inside healthy || { echo "containers cannot reach the emulator on $inside: $(cat "$logs/proxy.log")" >&2; exit 1; }
fi

# `sam local` puts logical ids where the template refers to something, and passes no
# variable that the template does not declare. So it gets a copy of what was built, with
# the settings of the deployed functions. The stack's executions are made to do nothing,
# or they would be ahead of the containers.
copy=.aws-sam/build/sam-local.json   # beside the original, since paths in it are relative
"$tools/bin/python" - "$inside" "$architecture" "$stack" >"$copy" <<'PY'
import json, sys
import boto3
from samcli.yamlhelper import yaml_parse

endpoint, architecture, stack = sys.argv[1:]
stacks, functions, states = (boto3.client(s) for s in ("cloudformation", "lambda", "stepfunctions"))


def deployed(logical):
    return stacks.describe_stack_resource(StackName=stack, LogicalResourceId=logical)["StackResourceDetail"]["PhysicalResourceId"]


idle = {"StartAt": "Idle", "States": {"Idle": {"Type": "Wait", "Seconds": 3600, "End": True}}}
states.update_state_machine(stateMachineArn=deployed("IncidentStateMachine"), definition=json.dumps(idle))
template = yaml_parse(open(".aws-sam/build/template.yaml").read())
for logical, resource in template["Resources"].items():
    if resource["Type"] == "AWS::Serverless::Function":
        variables = functions.get_function_configuration(FunctionName=deployed(logical))["Environment"]["Variables"]
        variables["AWS_ENDPOINT_URL"] = endpoint
        resource["Properties"].update(Architectures=[architecture], Environment={"Variables": variables})
print(json.dumps(template))
PY
# A variable of the shell goes before the template's, and sam's own calls come here too.
sam=(env AWS_ENDPOINT_URL="$inside" "$tools/bin/sam" local)
options=(--template "$copy" ${IMAGE:+--skip-pull-image --invoke-image "$IMAGE"})

failed=0
table=""
now() { date +%s%3N; }
# report NAME BEGAN ANSWER [VERDICT]: a handler's error ends `sam local` with 0 too, and
# an HTTP function never fails, so it is the answer that is looked at.
report() {
  local verdict=${4:-ok}
  if [ "$verdict" = ok ] && [ -z "$3" ]; then
    verdict="no answer"
  elif [[ $3 =~ \"errorType\"|\"statusCode\":\ ?[45] ]]; then
    verdict=error
  fi
  table+=$(printf '%-20s  %-9s  %6d ms' "$1" "$verdict" $(($(now) - $2)))$'\n'
  printf '== %s\n%s\n' "$1" "$3"
  [ "$verdict" = ok ] || { failed=1; cat "$logs/$1.log" >&2; }
}
# invoke NAME [KEY]: the sample event, with the incident that is played, the key, and a
# wait that begins now, since its deadline counts from there.
invoke() {
  local began logical
  began=$(now)
  logical=$(sed -E 's/(^|-)([a-z])/\U\2/g' <<<"$1")Function
  answer=$(sed -E "s/INC-01ARZ3NDEKTSV4RRFFQ69G5FAV/$incident/; s/Bearer KEY/Bearer ${2:-}/; s/(\"enteredTime\": )\"[^\"]*/\1\"$(date -u +%FT%TZ)/" "infra/events/$1.json" |
    timeout --foreground --signal INT 300 "${sam[@]}" invoke "$logical" -e - "${options[@]}" 2>"$logs/$1.log") || answer=""
  report "$1" "$began" "$answer"
}
opened() { grep -o 'INC-[0-9A-Z]\{26\}' <<<"$answer" | head -n 1 || true; }

incident=none
invoke ingest-alert "$INGEST_KEY"
incident=$(opened)
invoke investigate
invoke analyze
invoke plan-fix
invoke wait-for-approval
invoke query-incidents "$READ_KEY"
invoke approve-fix "$OPERATE_KEY"
invoke reconcile
invoke execute-fix
invoke verify-fix
invoke log-resolution
invoke hourly-health-check

"${sam[@]}" start-api --port 3001 --warm-containers LAZY "${options[@]}" >"$logs/start-api.log" 2>&1 &
api=$!
started+=($api)
for _ in $(seq 100); do
  (: </dev/tcp/127.0.0.1/3001) 2>/dev/null && break
  kill -0 $api 2>/dev/null || break
  sleep 0.2
done
began=$(now)
answer=$(curl -sS --fail-with-body -m 120 http://127.0.0.1:3001/ingest-alert -H "Authorization: Bearer $INGEST_KEY" -H 'Content-Type: application/json' \
  -d '{"serverName": "prod-api-01", "errorLogs": "ECONNREFUSED: connection refused"}') && verdict=ok || verdict=error
report start-api "$began" "$answer" "$verdict"
incident=$(opened)
invoke create-ticket

for event in infra/events/*.json; do   # a function may have been added
  name=$(basename "$event" .json)
  grep -q "^$name " <<<"$table" || { table+="$name: not run"$'\n'; failed=1; }
done
printf '\n%s' "$table"
exit $failed
