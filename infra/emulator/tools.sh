#!/usr/bin/env bash
# Installs the emulator and the SAM CLI, pinned, into .tools; does nothing when
# they are there already.
set -euo pipefail
. "$(dirname "$0")/env.sh"
wanted="$root/infra/emulator/requirements.txt"
if ! cmp -s "$wanted" "$tools/requirements.txt"; then
  echo "installing the emulator and the SAM CLI into ${tools#"$root"/}, once: 450 MB, about a minute" >&2
  python3 -m venv "$tools"
  "$tools/bin/pip" install -q --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$tools/requirements.txt"
fi
