#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build libmikey for another architecture and run its unit tests there.

    build-aux/foreign.py s390x      64 bits, big-endian, in qemu
    build-aux/foreign.py i386       32 bits, on this processor

Everything is in build-ARCH: a sysroot out of Debian's packages for ARCH, which
apt-get downloads with a state of its own, so that the system's architectures
stay as they are; a cross file for Meson; the build. The compiler comes from the
system: --install gets it, as root. Without it, or without a mirror that has the
architecture, the exit code is 77 and the last line says what is missing.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIP = 77
LIMIT = 15 * 60  # seconds for one command

PACKAGES = """libc6 libc6-dev linux-libc-dev libgcc-s1 libgcc-12-dev libgmp10
    nettle-dev libnettle8 libhogweed6 libgmp-dev libcmocka-dev libcmocka0
    libjansson-dev libjansson4 libinih-dev libinih1""".split()

CROSS = """[binaries]
c = {compiler}
ar = '{ar}'
strip = '{strip}'
objcopy = '{objcopy}'
pkgconfig = 'pkg-config'
exe_wrapper = {wrapper}

[properties]
needs_exe_wrapper = true
sys_root = '{sysroot}'
pkg_config_libdir = '{sysroot}/usr/lib/{triple}/pkgconfig'

[host_machine]
system = 'linux'
cpu_family = '{family}'
cpu = '{family}'
endian = '{endian}'
"""


class Missing(Exception):
    """Something that this machine does not have."""


class Arch:
    """What is different: compiler, how to run, byte order."""

    def __init__(self, name, triple, family, endian, needs):
        self.name = name
        self.triple = triple
        self.family = family
        self.endian = endian
        self.needs = needs  # program: Debian package
        self.build = ROOT / f"build-{name}"
        self.sysroot = self.build / "sysroot"

    def compiler(self):
        return ["s390x-linux-gnu-gcc", f"--sysroot={self.sysroot}"]

    def wrapper(self):
        return ["qemu-s390x", "-L", str(self.sysroot)]

    def tool(self, name):
        return f"{self.triple}-{name}"


class I386(Arch):
    """clang can, with the linker of x86-64, and the kernel runs it."""

    def compiler(self):
        return ["clang", "--target=i686-linux-gnu",
                f"--sysroot={self.sysroot}"]

    def wrapper(self):
        root = self.sysroot
        return [f"{root}/lib/ld-linux.so.2", "--library-path",
                f"{root}/lib/{self.triple}:{root}/usr/lib/{self.triple}"]

    def tool(self, name):
        return name


ARCHES = {a.name: a for a in (
    Arch("s390x", "s390x-linux-gnu", "s390x", "big",
         {"s390x-linux-gnu-gcc": "gcc-s390x-linux-gnu",
          "qemu-s390x": "qemu-user"}),
    I386("i386", "i386-linux-gnu", "x86", "little", {"clang": "clang"}))}


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run([str(c) for c in command], cwd=ROOT, timeout=LIMIT,
                          **options).returncode


def must_run(*command, **options):
    if run(*command, **options) != 0:
        sys.exit(f"foreign: {command[0]} failed")


def get_tools(arch, install):
    """The compiler, and what runs its programs."""
    missing = [package for program, package in arch.needs.items()
               if not shutil.which(program)]
    if missing and install and os.geteuid() == 0:
        run("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "install",
            "--no-install-recommends", *missing,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        missing = [package for program, package in arch.needs.items()
                   if not shutil.which(program)]
    if missing:
        raise Missing("apt-get install " + " ".join(missing) + " first")


def apt(arch):
    """apt-get with a state of its own: same mirrors, another architecture."""
    private = arch.build / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (private / folder).mkdir(parents=True, exist_ok=True)
    (private / "state/status").touch()
    options = {
        "APT::Architecture": arch.name,
        "APT::Architectures::": arch.name,
        "Dir::State": private / "state",
        "Dir::State::status": private / "state/status",
        "Dir::Cache": private / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    return ["apt-get", "-q", *(f"-o{k}={v}" for k, v in options.items())]


def make_sysroot(arch):
    """Once: what is there is kept until the build folder is removed."""
    done = arch.sysroot / ".done"
    if done.exists():
        return
    archives = arch.build / "packages"
    archives.mkdir(parents=True, exist_ok=True)
    apt_get = apt(arch)
    # one index that fails leaves the others; what counts is the next step
    run(*apt_get, "update")
    print("+ apt-get download", *PACKAGES, flush=True)
    code = subprocess.run([*apt_get, "download", *PACKAGES], cwd=archives,
                          timeout=LIMIT).returncode
    if code != 0:
        raise Missing(f"the mirrors of this machine have no {arch.name}")
    for package in sorted(archives.glob("*.deb")):
        must_run("dpkg", "-x", package, arch.sysroot)
    done.touch()


def make_build(arch):
    cross = arch.build / "cross.ini"
    cross.write_text(CROSS.format(
        compiler=arch.compiler(), wrapper=arch.wrapper(), ar=arch.tool("ar"),
        strip=arch.tool("strip"), objcopy=arch.tool("objcopy"),
        sysroot=arch.sysroot, triple=arch.triple, family=arch.family,
        endian=arch.endian))
    folder = arch.build / "build"
    if not (folder / "build.ninja").exists():
        must_run("meson", "setup", folder, "--cross-file", cross,
                 "-Dprograms=false")
    must_run("ninja", "-C", folder)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arch", choices=sorted(ARCHES))
    parser.add_argument("--install", action="store_true",
                        help="the compiler's packages, if they are missing")
    args = parser.parse_args()
    arch = ARCHES[args.arch]
    try:
        get_tools(arch, args.install)
        make_sysroot(arch)
    except Missing as why:
        print(why)
        return SKIP
    folder = make_build(arch)
    # a failing allocation is the same everywhere, and slow here
    return run("meson", "test", "-C", folder, "--suite", "core",
               "--no-rebuild", "--print-errorlogs", "--logbase", "foreign",
               env={**os.environ, "UNIT_OOM": "no"})


if __name__ == "__main__":
    sys.exit(main())
