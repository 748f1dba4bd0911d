#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Make the keys, certificates and CRLs of this folder anew, with certtool and
# openssl. They are checked in, so that tests and fuzz targets need no time for
# keys and always see the same octets; run this to add one. Existing keys stay.
#
#     ca -> sub -> alice, revoked under sub, sub2 -> deep
#     ca -> all others
set -eu
cd "$(dirname "$0")"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

key()
{
    name=$1
    shift
    [ -e "$name.key" ] || certtool --no-text --generate-privkey "$@" \
        --outfile "$name.key" 2>/dev/null
}

# Lines of a template, from all arguments, and the usual dates.
template()
{
    printf '%s\n' "$@" >"$temp/t"
    grep -q activation_date "$temp/t" ||
        printf '%s\n' 'activation_date = "2024-01-01 00:00:00 UTC"' \
            'expiration_date = "2099-12-31 00:00:00 UTC"' >>"$temp/t"
}

self_signed()
{
    name=$1 key=$2
    shift 2
    template "$@"
    certtool --no-text --generate-self-signed --hash SHA256 \
        --template "$temp/t" --load-privkey "$key.key" \
        --outfile "$name.crt" 2>/dev/null
}

# NAME ISSUER KEY LINES...; HASH from the environment
issued()
{
    name=$1 issuer=$2 key=$3
    shift 3
    template "$@"
    certtool --no-text --generate-certificate --hash "${HASH:-SHA256}" \
        --template "$temp/t" --load-privkey "$key.key" \
        --load-ca-certificate "$issuer.crt" \
        --load-ca-privkey "${ISSUER_KEY:-$issuer}.key" \
        --outfile "$name.crt" 2>/dev/null
}

user()
{
    name=$1 issuer=$2 key=$3
    shift 3
    issued "$name" "$issuer" "$key" "cn = $name" signing_key "$@"
}

# NAME CA-CERTIFICATE CA-KEY NEXT-UPDATE [REVOKED]
crl()
{
    template 'crl_this_update_date = "2024-01-01 00:00:00 UTC"' \
        "crl_next_update_date = \"$4\"" 'crl_number = 1' \
        'crl_revocation_date = "2024-01-01 00:00:00 UTC"'
    certtool --no-text --generate-crl --hash "${HASH:-SHA256}" \
        --template "$temp/t" ${5:+--load-certificate "$5.crt"} \
        --load-ca-certificate "$2.crt" --load-ca-privkey "$3.key" \
        --outfile "$1.crl" 2>/dev/null
}

# A CRL for some reasons only, which certtool cannot make.
partial_crl()
{
    printf '%s\n' '[ca]' 'default_ca = x' '[x]' "database = $temp/index" \
        'default_md = sha256' 'default_crl_days = 27000' '[e]' \
        'issuingDistributionPoint = critical,@i' '[i]' \
        'onlysomereasons = keyCompromise' >"$temp/conf"
    : >"$temp/index"
    openssl ca -config "$temp/conf" -gencrl -crlexts e -cert ca.crt \
        -keyfile ca.key -out "$1.crl" 2>/dev/null
}

for name in ca sub user kms kms2; do
    key "$name" --key-type rsa --bits 2048
done
[ -e locked.key ] || certtool --no-text --to-p8 --pkcs-cipher aes-128 \
    --load-privkey kms.key --password tessera --outfile locked.key
key weak --key-type rsa --bits 1024
key pss --key-type rsa-pss --bits 2048 --hash sha256 --salt-size 32
key ec256 --key-type ecdsa --curve secp256r1
key ec384 --key-type ecdsa --curve secp384r1

own='cert_signing_key crl_signing_key ca'
# shellcheck disable=SC2086 # one line a word
self_signed ca ca 'cn = Tessera test CA' $own path_len=1 \
    'activation_date = "2000-01-01 00:00:00 UTC"' \
    'expiration_date = "2099-12-31 00:00:00 UTC"'
# the same name with another key
# shellcheck disable=SC2086
self_signed forger user 'cn = Tessera test CA' $own
self_signed stranger user 'cn = alice' signing_key \
    'uri = "sip:alice@example.org"'
# the CA renewed its key's certificate: an old one, out of its period
# shellcheck disable=SC2086
self_signed oldca ca 'cn = Tessera test CA' $own \
    'activation_date = "2000-01-01 00:00:00 UTC"' \
    'expiration_date = "2024-01-01 00:00:00 UTC"'
# shellcheck disable=SC2086
self_signed weakca weak 'cn = weak CA' $own

# shellcheck disable=SC2086
issued sub ca sub 'cn = sub' 'serial = 77' $own path_len=0
# shellcheck disable=SC2086
issued sub2 sub kms2 'cn = sub2' $own

user alice sub user 'uri = "sip:alice@example.org"' \
    'email = "alice@Example.org"'
user revoked sub user 'serial = 66' 'uri = "sip:revoked@example.org"'
ISSUER_KEY=kms2 user deep sub2 user 'uri = "sip:deep@example.org"'
ISSUER_KEY=user user fake alice user 'uri = "sip:mallory@example.org"'
user bob ca ec256 'uri = "sip:bob@example.org"'
user carol ca ec384 'uri = "tel:+49301234"'
user dave ca pss 'uri = "sip:dave@example.org"'
user two ca user 'uri = "sip:two@example.org"' 'uri = "sip:2@example.org"'
user noname ca user
user weak ca weak 'uri = "sip:weak@example.org"'
ISSUER_KEY=weak user weakling weakca user 'uri = "sip:alice@example.org"'
user past ca user 'uri = "sip:past@example.org"' \
    'activation_date = "2001-01-01 00:00:00 UTC"' \
    'expiration_date = "2002-01-01 00:00:00 UTC"'
user critical ca user 'uri = "sip:alice@example.org"' \
    'add_critical_extension = "1.2.3.4 0x0500"'
HASH=SHA1 user sha1 ca user 'uri = "sip:alice@example.org"'
issued nousage ca user 'cn = nousage' 'uri = "sip:nousage@example.org"'
issued encr ca user 'cn = encr' encryption_key 'uri = "sip:encr@example.org"'
for name in kms kms2; do
    issued "$name" ca "$name" "cn = $name" encryption_key \
        "uri = \"sip:$name.example.org\""
done

crl ca ca ca '2099-12-31 00:00:00 UTC'
crl stale ca ca '2024-02-01 00:00:00 UTC'
crl nosub ca ca '2099-12-31 00:00:00 UTC' sub
crl sub sub sub '2099-12-31 00:00:00 UTC' revoked
crl forged forger user '2099-12-31 00:00:00 UTC'
HASH=SHA1 crl sha1 ca ca '2099-12-31 00:00:00 UTC'
partial_crl partial
