# Sourced by the other scripts: where the tools and the emulator are, and what
# every AWS client needs to reach it. Nothing here is a secret: the emulator's
# root key is a word that it knows.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools="$root/.tools/aws"                       # a Python venv, ignored by git
run="$root/.tools/emulator"                    # pid, log and what a deployment printed
port=${EMULATOR_PORT:-4566}                    # LocalStack's too
[[ ${AWS_ENDPOINT_URL:-} != *:[0-9]* ]] || { port=${AWS_ENDPOINT_URL##*:}; port=${port%/}; }
stack=${OPSGUARD_STACK:-opsguard}
deployed="$run/$stack.env"                      # what deploy.sh printed

export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:$port}
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
unset AWS_SESSION_TOKEN AWS_PROFILE
export AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1
export SAM_CLI_TELEMETRY=0 AWS_EC2_METADATA_DISABLED=true

healthy() { python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2)' "$AWS_ENDPOINT_URL/_localstack/health" 2>/dev/null; }
