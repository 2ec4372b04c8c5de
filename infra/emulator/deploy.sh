#!/usr/bin/env bash
# Builds the stack for this machine's architecture, deploys it to the emulator with
# the real, unchanged SAM CLI, and prints on standard output what somebody needs who
# wants to try it. Everything else goes to standard error and .tools/emulator/deploy.log.
#
# More parameters of template.yaml may follow, as Name=value. The wait for approval,
# in seconds, is APPROVAL_SECONDS. Where OPSGUARD_SENDERS names a folder that
# TestWriteSenders wrote, the stack is deployed with its services.yaml and secrets.
set -euo pipefail
here=$(dirname "$0")
"$here/up.sh"
. "$here/env.sh"
cd "$root"
umask 077   # keys are written
log="$run/deploy.log"
fail() { echo "deploy failed; the end of $log:" >&2; tail -n 30 "$log" >&2; exit 1; }
account() { "$tools/bin/python" infra/emulator/account.py "$@"; }

case $(uname -m) in
  x86_64) architecture=x86_64 ;;
  *) architecture=arm64 ;;
esac
export ARCHITECTURE=$architecture   # the build asks for it; GOARCH follows from it
unset GOARCH
seconds=${APPROVAL_SECONDS:-14400}

# Deployed again, it keeps its keys: whoever has one, or a link, goes on using it.
[ ! -f "$deployed" ] || . "$deployed"
if [ -f "$deployed" ] && account holds "/$stack/api-keys" "$INGEST_KEY" "$OPERATE_KEY" "$READ_KEY"; then
  ingest=$INGEST_KEY operate=$OPERATE_KEY read=$READ_KEY
else
  entries=""
  for role in ingest operate read; do
    made=$(go run ./cmd/opsguard keys new --name "local-$role" --role "$role")
    printf -v "$role" '%s' "$(sed -n 's/^key=//p' <<<"$made")"
    entries+="$(sed -n 's/^entry=//p' <<<"$made")"$'\n'
  done
  account secret "/$stack/api-keys" <<<"$entries"
  "$tools/bin/python" -c 'import secrets; print(secrets.token_hex(32))' | account secret "/$stack/link-keys"
fi

if [ -n "${OPSGUARD_SENDERS:-}" ]; then
  account secrets /opsguard/secrets/sources <"$OPSGUARD_SENDERS/secrets.json"
  # services.yaml is built in: the build reads the other one in its place.
  printf '{"Replace": {"%s": "%s"}}\n' "$root/infra/services.yaml" "$OPSGUARD_SENDERS/services.yaml" >"$run/overlay.json"
  export GOFLAGS="${GOFLAGS:-} -overlay=$run/overlay.json"
  set -- 'ReconcileSchedule="rate(1 minute)"' "$@"   # or a recovery would take five minutes to resolve an incident
fi

if [ -n "${OPSGUARD_BUILT_IN:-}" ]; then   # another services.yaml, of targets on the emulator
  printf '{"Replace": {"%s": "%s"}}\n' "$root/infra/services.yaml" "$OPSGUARD_BUILT_IN" >"$run/overlay.json"
  export GOFLAGS="${GOFLAGS:-} -overlay=$run/overlay.json"
fi

deploy() {
  "$tools/bin/sam" deploy --config-env local --stack-name "$stack" --parameter-overrides "Architecture=$architecture" StageName=local \
    ThrottleRate=10000 ThrottleBurst=5000 "ApiKeysParameter=/$stack/api-keys" "LinkKeysParameter=/$stack/link-keys" "ApprovalTimeout=${seconds}s" "IncidentsPerHour=${OPSGUARD_INCIDENTS_PER_HOUR:-20}" "GroupWindow=${OPSGUARD_GROUP_WINDOW:-5m}" "$@" >>"$log" 2>&1
}
: >"$log"
echo "building for $architecture and deploying the stack $stack to $AWS_ENDPOINT_URL, about half a minute" >&2
"$tools/bin/sam" build --config-env local >>"$log" 2>&1 || fail
"$tools/bin/python" infra/emulator/built.py .aws-sam/build/template.yaml 2>>"$log" || fail
deploy "$@" || fail
# The API's address is known only now; links have to begin with it.
url="$AWS_ENDPOINT_URL/restapis/$(account output "$stack" ApiId)/local/_user_request_"
deploy "PublicUrl=$url" "$@" || fail
account api "$stack" template.yaml
account timeout "$(account output "$stack" StateMachineArn)" "$seconds"

printf 'API_URL=%s\nINGEST_KEY=%s\nOPERATE_KEY=%s\nREAD_KEY=%s\n' "$url" "$ingest" "$operate" "$read" | tee "$deployed"
[ ! -t 2 ] || cat >&2 <<SAY   # to a person, not to a script

Set these with \`. ${deployed#"$root"/}\`; then send an alert:
  curl -X POST "\$API_URL/ingest-alert" -H "Authorization: Bearer \$INGEST_KEY" -H "Content-Type: application/json" -d '{"serverName": "prod-api-01", "errorLogs": "JavaScript heap out of memory"}'
and decide:
  curl -H "Authorization: Bearer \$OPERATE_KEY" "\$API_URL/approve-fix?incidentId=INC-..."
SAY
