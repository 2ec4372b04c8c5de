#!/usr/bin/env bash
# Checks template.yaml and the state machine's definition, each with what it takes:
# the lint, the search that the lint does not make, and the definition's validator.
set -euo pipefail
here=$(dirname "$0")
"$here/tools.sh"
. "$here/env.sh"
cd "$root"
if ! cmp -s infra/emulator/package-lock.json .tools/asl/package-lock.json; then
  mkdir -p .tools/asl
  cp infra/emulator/package.json infra/emulator/package-lock.json .tools/asl/
  (cd .tools/asl && npm ci --silent --no-audit --no-fund)
fi
"$tools/bin/sam" validate --lint
"$tools/bin/sam" validate --lint -t infra/target-role.yaml
"$tools/bin/python" infra/emulator/template.py template.yaml
(cd infra/emulator && "$tools/bin/python" -B -m unittest -q template_test)
# The definition as each partition gets it: the validator takes no placeholder in an ARN.
for partition in aws aws-cn aws-us-gov; do
  sed "s/\${Partition}/$partition/" statemachine/incident.asl.json >".tools/asl/$partition.asl.json"
  .tools/asl/node_modules/.bin/asl-validator --json-path ".tools/asl/$partition.asl.json"
done
