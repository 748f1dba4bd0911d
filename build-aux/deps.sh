#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install the packages of packages.txt that are missing, as root or by sudo.
# Silent when all are there. Needs nothing but a Debian base system.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
policy=/usr/sbin/policy-rc.d

die()
{
    echo "deps: $*" >&2
    exit 1
}

wanted()
{
    sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/packages.txt" | tr -d ' \t'
}

missing()
{
    installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' |
        sed -n 's/^installed //p' | tr '\n' ' ')"
    for package in $(wanted); do
        case $installed in
        *" $package "*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# Package scripts start their daemons (kamailio): not here.
forbid_daemons()
{
    [ -e "$policy" ] && return
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

apt()
{
    DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@"
}

update()
{
    echo "deps: apt-get update"
    apt update || die "apt-get update failed; check the network and" \
        "/etc/apt/sources.list, then run make deps again"
}

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die "this is not Debian; install what $here/packages.txt names by hand"

packages=$(missing)
[ -n "$packages" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "not root and no sudo; run as root:" \
        "apt-get install --no-install-recommends $packages"
    echo "deps: sudo $0"
    sudo -- "$0" || die "sudo failed; run as root:" \
        "apt-get install --no-install-recommends $packages"
    exit 0
fi

echo "deps: installing $packages"
forbid_daemons
updated=no
# shellcheck disable=SC2086 # one word a package
if ! apt-cache show $packages >/dev/null 2>&1; then
    update
    updated=yes
fi
# shellcheck disable=SC2086
if ! apt install --no-install-recommends $packages; then
    [ "$updated" = no ] || die "apt-get install failed; see above"
    update
    apt install --no-install-recommends $packages ||
        die "apt-get install failed; see above"
fi
[ -z "$(missing)" ] || die "still missing: $(missing)"
echo "deps: done"
