#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Make one archive out of others: all of the first one and what it needs of the
# rest. Only the names of a version script can be seen in it, so that who links
# it may use all others for himself.
#
#     archive.sh OUT MAP ARCHIVE...
#
# CC, AR and OBJCOPY of the environment are used.
set -eu

out=$1
map=$2
first=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -n 's/^ *\([a-z][a-z0-9_]*\);$/\1/p' "$map" >"$work/names"
# shellcheck disable=SC2086,SC2046 # a command and its options, one a name
$CC -r -nostdlib -o "$work/mikey.o" $(sed 's/^/-Wl,-u,/' "$work/names") \
    -Wl,--whole-archive "$first" -Wl,--no-whole-archive "$@"
"$OBJCOPY" --keep-global-symbols="$work/names" "$work/mikey.o"
rm -f "$out"
"$AR" rcsD "$out" "$work/mikey.o"
