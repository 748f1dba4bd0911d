#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Make the keys, certificates and CRLs of this folder anew, and the start inputs
# of fuzz_cert that go with them, by certtool and openssl. They are checked in,
# so that tests and fuzz targets need no time for keys and always see the same
# octets; run this to add one. Existing keys stay.
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
key ec521 --key-type ecdsa --curve secp521r1

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
user erin ca ec521 'uri = "sip:erin@example.org"'
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

# --- fuzz/corpus/cert, in the layout of fuzz/fuzz_cert.c ---

octets()
{
    for value in "$@"; do
        # shellcheck disable=SC2059 # an octal escape is the format
        printf "\\$(printf %03o "$value")"
    done
}

unhex()
{
    python3 -c 'import sys
sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))'
}

der()
{
    openssl x509 -in "$1.crt" -outform der -out "$temp/der"
    size=$(wc -c <"$temp/der")
    octets 0 $((size / 256)) $((size % 256))
    cat "$temp/der"
}

# NAME CLAIM S-TYPE KEY-AND-OPTIONS CERTIFICATES...
seed()
{
    name=$1 claim=$2 s_type=$3 how=$4
    shift 4
    {
        octets "$claim" $#
        for certificate in "$@"; do
            der "$certificate"
        done
        octets "$s_type"
        # shellcheck disable=SC2086 # several options
        printf 'a message' | openssl dgst -sign $how >"$temp/sig"
        if [ "$s_type" = 15 ]; then # r and s out of their DER
            openssl asn1parse -inform der -in "$temp/sig" |
                sed -n 's/.*INTEGER *:/0000000000/p' |
                sed "s/.*\(.\{$width\}\)$/\1/" | unhex
        else
            cat "$temp/sig"
        fi
    } >"$corpus/$name"
}

corpus=../../fuzz/corpus/cert
pss='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest'
mkdir -p "$corpus"
seed rsa 1 0 'user.key -sha256' alice sub
seed rsa-sha1 0 0 'user.key -sha1' alice sub ca
seed rsa-pss 0 1 "user.key -sha512 $pss" nousage
seed pss-key 0 1 "pss.key -sha256 $pss" dave
width=64
seed p256 0 15 'ec256.key -sha256' bob
width=96
seed p384 0 15 'ec384.key -sha384' carol
seed revoked 0 0 'user.key -sha256' revoked sub
seed no-ca 0 0 'user.key -sha256' fake alice sub
seed deep 0 0 'user.key -sha256' deep sub2 sub
seed critical 1 0 'user.key -sha256' critical
seed two 0 0 'user.key -sha256' two
seed sha1 1 0 'user.key -sha256' sha1
octets 1 0 0 >"$corpus/none"
