#!/usr/bin/env bash
# Runs the black-box suite against what deploy.sh deployed. Arguments go to go test.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
set -a
. "$deployed"
OPSGUARD_URL=$API_URL OPSGUARD_INGEST_KEY=$INGEST_KEY OPSGUARD_OPERATE_KEY=$OPERATE_KEY OPSGUARD_READ_KEY=$READ_KEY
set +a
exec go test ./infra/e2e -run TestDeployment -count=1 "$@"
