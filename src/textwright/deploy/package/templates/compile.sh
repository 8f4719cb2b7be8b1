#!/usr/bin/env bash
# Leaves out what is never imported (trim.txt), then compiles: a read-only root cannot keep compiled files, and without
# them each start takes twice as long. Unchecked hashes, so that no time stamp enters the layer.
set -euo pipefail
shopt -s globstar nullglob dotglob
folder=$1
while read -r pattern; do
  # The pattern is to be expanded.
  # shellcheck disable=SC2206
  matches=("$folder"/$pattern)
  [ ${#matches[@]} -eq 0 ] || rm -rf -- "${matches[@]}"
done < trim.txt
python3 -m compileall -q --invalidation-mode unchecked-hash "$folder"
