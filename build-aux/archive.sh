#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Make one archive out of others, in which only the names of a version script
# can be seen: who links it may use all others for himself.
#
#     archive.sh OUT MAP ARCHIVE...
#
# CC, AR and OBJCOPY of the environment are used.
set -eu

out=$1
map=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -n 's/^ *\([a-z][a-z0-9_]*\);$/\1/p' "$map" >"$work/names"
# shellcheck disable=SC2086 # a command and its options
$CC -r -nostdlib -o "$work/mikey.o" \
    -Wl,--whole-archive "$@" -Wl,--no-whole-archive
"$OBJCOPY" --keep-global-symbols="$work/names" "$work/mikey.o"
rm -f "$out"
"$AR" rcsD "$out" "$work/mikey.o"
