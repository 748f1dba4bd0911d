# SPDX-License-Identifier: Apache-2.0
"""Captures loopback into a pcap file, with nothing but a raw socket.

The lab prefers a network namespace of its own: its loopback carries the
lab's packets and nobody else's, and a user without root may capture there.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

from harness import LabError

ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
SOL_PACKET, PACKET_STATISTICS = 263, 6
LINKTYPE_ETHERNET = 1
SNAPLEN = 262144
INSIDE = "TESSERA_LAB_NAMESPACE"


def enter_namespace():
    """Run this program again in a network namespace, where that is allowed.

    Returns in the copy, or here when the kernel refuses; says in a few
    words where it is.
    """
    if os.environ.get(INSIDE):
        _raise_loopback()
        return os.environ[INSIDE]
    flags, words = ["--net"], "a network namespace of its own"
    if os.geteuid() != 0:
        flags = ["--user", "--map-root-user", *flags]
        words = "a user and network namespace of its own"
    unshare = shutil.which("unshare")
    if unshare and _can_unshare(unshare, flags):
        os.environ[INSIDE] = words
        sys.stdout.flush()
        os.execv(unshare, [unshare, *flags, sys.executable,
                           os.path.abspath(sys.argv[0]), *sys.argv[1:]])
    return "the loopback of this machine"


def _can_unshare(unshare, flags):
    """Try it in a child, since a refusal after exec could not be undone."""
    tried = subprocess.run([unshare, *flags, "true"], check=False,
                           stderr=subprocess.DEVNULL)
    return tried.returncode == 0


def _raise_loopback():
    """A new namespace has its loopback switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH22x", b"lo", 0)
        answer = fcntl.ioctl(control, SIOCGIFFLAGS, request)
        flags = struct.unpack_from("16sH", answer)[1] | IFF_UP
        request = struct.pack("16sH22x", b"lo", flags)
        fcntl.ioctl(control, SIOCSIFFLAGS, request)


class Capture:
    """Writes every packet of loopback to a pcap file until it is closed."""

    def __init__(self, path):
        self._socket = _open_socket()
        self._file = open(path, "wb")
        self._file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0,
                                     SNAPLEN, LINKTYPE_ETHERNET))
        self._packets = 0
        self._news = threading.Condition()
        self._closed = None  # when; what arrives later is not written
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            try:
                packet, notes, _, sender = self._socket.recvmsg(SNAPLEN, 64)
            except TimeoutError:
                if self._closed:
                    return
                continue
            arrival = _arrival(notes)
            if self._closed and arrival[0] + arrival[1] / 1e9 > self._closed:
                return  # others go on talking, but not to us
            # Loopback shows every packet twice: leaving and arriving.
            if sender[2] != PACKET_OUTGOING:
                self._write(packet, arrival)

    def _write(self, packet, arrival):
        head = struct.pack("<IIII", *arrival, len(packet), len(packet))
        self._file.write(head + packet)
        with self._news:
            self._packets += 1
            self._news.notify_all()

    def wait_more(self, count, seconds=10.0):
        """Until so many further packets have passed: something flows."""
        with self._news:
            wanted = self._packets + count
            if not self._news.wait_for(lambda: self._packets >= wanted,
                                       seconds):
                raise LabError(f"no {count} packets within {seconds} s")

    def close(self):
        """Take what has arrived by now, then end the file.

        A capture with holes proves nothing, so lost packets are an error.
        """
        if self._closed:
            return
        self._closed = time.time()
        self._thread.join()
        counts = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        self._socket.close()
        self._file.close()
        lost = struct.unpack("=II", counts)[1]
        if lost:
            raise LabError(f"the capture lost {lost} packets: the machine "
                           "is too busy, run the lab again")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _arrival(notes):
    """Seconds and nanoseconds at which the kernel saw the packet."""
    for level, kind, value in notes:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            return struct.unpack("=qq", value)
    return divmod(time.time_ns(), 10**9)


def _open_socket():
    try:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                            socket.htons(ETH_P_ALL))
    except PermissionError:
        raise LabError(
            "this user may neither capture on loopback nor make a network "
            "namespace; run as root, or allow unprivileged user "
            "namespaces") from None
    raw.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    try:
        raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    except PermissionError:
        pass  # in a user namespace the ordinary buffer has to do
    raw.bind(("lo", 0))
    raw.settimeout(0.1)
    return raw
