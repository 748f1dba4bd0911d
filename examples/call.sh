#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A whole call among caller, callee and KMS, each a process of its own, over
# named pipes. Shows that both have the same keys.
#
#     call.sh [FOLDER-OF-THE-PROGRAMS]
set -eu

programs=$(cd "${1:-$(dirname "$0")}" && pwd)
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || :; rm -rf "$work"' EXIT
cd "$work"
umask 077

key()
{
    od -A n -t x1 -N 32 /dev/urandom | tr -d ' \n'
}

# What is agreed beforehand: a key between each user and the KMS.
key >alice.key
key >bob.key
key >ticket.key
cat >users <<END
alice-1 sip:alice@example.org $(cat alice.key)
bob-1 sip:bob@example.org $(cat bob.key)
END

mkfifo caller-kms kms-caller callee-kms kms-callee caller-callee callee-caller
kms="timeout 20 $programs/kms sip:kms@example.org ticket.key users"
$kms <caller-kms >kms-caller &
$kms <callee-kms >kms-callee &
timeout 20 "$programs/callee" sip:bob@example.org bob-1 bob.key >bob.srtp &
bob=$!
timeout 20 "$programs/caller" sip:alice@example.org alice-1 alice.key \
    sip:bob@example.org >alice.srtp
wait "$bob"

cmp alice.srtp bob.srtp
echo "caller and callee have the same keys for $(wc -l <alice.srtp) sessions"
