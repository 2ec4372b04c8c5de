#!/bin/bash
# Runs every fuzz target of the tree for TIME each (2s by default) and says how
# many there were. What a run finds lands in the package's testdata/fuzz, as a
# case for the next test run.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-2s}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
corpus=$(go env GOCACHE)/fuzz
targets=0
built=
while IFS=: read -r file name; do
  dir=$(dirname "$file")
  if [ "$dir" != "$built" ]; then
    go test -c -fuzz . -o "$work/fuzz.test" "./$dir"
    built=$dir
  fi
  if ! out=$(cd "$dir" && "$work/fuzz.test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$time" -test.fuzzcachedir "$corpus/opsguard/$dir" 2>&1); then
    # At the end of the time Go's coordinator can take its own deadline for a failure;
    # a real finding writes its input down or panics.
    if grep -q 'Failing input\|panic:' <<<"$out" || ! grep -q 'context deadline exceeded' <<<"$out"; then
      printf '%s %s\n%s\n' "$dir" "$name" "$out" >&2
      exit 1
    fi
  fi
  targets=$((targets + 1))
  runs=$(grep -o 'execs: [0-9]*' <<<"$out" | tail -1 || true)
  printf '%-24s %-20s %s\n' "$dir" "$name" "$runs"
done < <(git ls-files --cached --others --exclude-standard '*_test.go' | xargs grep -Eo '^func Fuzz[A-Za-z0-9_]+' /dev/null | sed 's/:func /:/' | sort)
[ "$targets" -gt 0 ] || { echo "no fuzz target was found" >&2; exit 1; }
echo "$targets fuzz targets, $time each: nothing found"
