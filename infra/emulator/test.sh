#!/usr/bin/env bash
# Everything that needs the emulator, one after the other, each on a clean account where
# it matters: `make test` runs it. It says how long each part took.
set -euo pipefail
here=$(dirname "$0")
"$here/tools.sh"
. "$here/env.sh"
cd "$root"

part() {
  local name=$1 began=$SECONDS
  shift
  "$@"
  echo "ok  $name  $((SECONDS - began)) s"
}

contracts() {
  OPSGUARD_TEST_DYNAMODB=$AWS_ENDPOINT_URL OPSGUARD_TEST_STATES=$AWS_ENDPOINT_URL go test -race -count=1 ./pkg/dynamo ./pkg/stepfn
  OPSGUARD_TEST_TARGETS=$AWS_ENDPOINT_URL go test -race -count=1 -run Emulator ./pkg/executor/internal/awsapi
}

senders() {
  mkdir -p "$OPSGUARD_SENDERS"
  go test ./infra/e2e -run TestWriteSenders -count=1
}

export OPSGUARD_INCIDENTS_PER_HOUR=0   # the suites open many incidents of one service
export OPSGUARD_GROUP_WINDOW=0s         # and look for the message of each
export OPSGUARD_SENDERS="$run/senders"
trap '"$here/down.sh"' EXIT
"$here/down.sh"
part "start the emulator" "$here/up.sh"
part "contracts of store and workflow, roles of AWS targets" contracts
part "semantics of the state machine" "$here/semantics.sh"
part "what senders send" senders
part "deploy" "$here/deploy.sh" >"$run/printed"
tail -n 1 "$run/printed"
part "black-box suite" "$here/e2e.sh"
part "scenarios" "$here/scenarios.sh"
part "real fixes" "$here/targets.sh"
part "least privilege" "$here/least-privilege.sh"
part "black-box suite with faults" "$here/faulted.sh"
