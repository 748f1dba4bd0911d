# SPDX-License-Identifier: Apache-2.0
"""A KMS on a free port, and users of it that speak for themselves.

The messages are built here from the specification and read by
reference/mikeyread.py, which shares nothing with libmikey.
"""
import base64
import dataclasses
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("lab", "reference"):
    sys.path.insert(0, str(HERE.parent / folder))

import harness  # noqa: E402
import mikeykeys  # noqa: E402
import mikeyread  # noqa: E402
from harness import program  # noqa: E402

KMS = "sip:kms@example.org"
PATH = "/keymanagement?requesttype="
TYPE = {"Content-Type": "application/mikey"}
ALG_OF_PRF = {0: 1, 1: 2}
NTP_EPOCH = 2208988800
T, V, IDR, RANDR, TP, TICKET = 5, 9, 14, 15, 16, 17
I, R, IS_KMS, PSK = 1, 2, 3, 4  # roles of IDR and RANDR
FORKING = bytes([0xF8, 0x60])  # E F G H I, N O; D stands in the octet before


@dataclasses.dataclass(frozen=True)
class User:
    identity: str
    key_id: str
    psk: bytes


# --- messages --------------------------------------------------------------


def chain(payloads, last=0):
    """Payloads as (type, octets behind `next payload`)."""
    following = [kind for kind, _ in payloads[1:]] + [last]
    return b"".join(bytes([n]) + body
                    for n, (_, body) in zip(following, payloads))


def idr(role, text, kind=1):
    value = text if isinstance(text, bytes) else text.encode()
    return IDR, bytes([role, kind]) + len(value).to_bytes(2, "big") + value


def timestamp(seconds):
    at = seconds + NTP_EPOCH
    return T, (b"\0" + int(at).to_bytes(4, "big")
               + int(at % 1 * 2**32).to_bytes(4, "big"))


def sized(octets):
    return len(octets).to_bytes(2, "big") + octets


def ticket_policy(prf, receivers, flags=FORKING):
    data = bytes([IDR]) + chain([idr(R, r) for r in receivers])
    return TP, (bytes([0, 1, 1, 1, prf << 1 | 1]) + flags + sized(data))


def signed(kind, prf, payloads, user, tail):
    """A message of these payloads with the V of that user."""
    alg = ALG_OF_PRF[prf]
    first = payloads[0][0]
    raw = (bytes([1, kind, first, 0x80 | prf]) + os.urandom(4)
           + bytes([0, mikeyread.MAP_EMPTY]) + chain(payloads, V)
           + bytes([0, alg]))
    draft = mikeyread.parse(raw + bytes(mikeyread.MAC_LENGTH[alg]))
    guard = mikeykeys.initial_protection(draft, user.psk)
    return raw + guard.mac(alg, raw + tail.encode())


def request_init(user, receivers, prf=1, at=None, flags=FORKING, kms=KMS,
                 claim=None):
    claim = claim or user.identity
    return signed(11, prf, [
        timestamp(time.time() if at is None else at),
        (RANDR, bytes([I, 32]) + os.urandom(32)),
        idr(I, claim), idr(IS_KMS, kms),
        ticket_policy(prf, receivers, flags), idr(PSK, user.key_id, 2)],
        user, claim + kms)


def resolve_init(user, ticket, prf=1, at=None, kms=KMS):
    """`ticket` as octets of a TICKET payload behind `next payload`."""
    return signed(16, prf, [
        timestamp(time.time() if at is None else at),
        (RANDR, bytes([R, 32]) + os.urandom(32)),
        idr(R, user.identity), idr(IS_KMS, kms), (TICKET, ticket),
        idr(PSK, user.key_id, 2)], user, user.identity + kms)


def presented(granted, keys, prf=1):
    """The ticket as an Initiator sends it on: with Initiator Data."""
    ticket = granted.payloads.must("TICKET")
    bare = granted.raw[ticket.start + 1:ticket.end - 2]
    alg = ALG_OF_PRF[prf]
    data = (bytes([V, V, alg]) + os.urandom(mikeyread.MAC_LENGTH[alg])
            + bytes([0, alg]))
    guard = mikeykeys.Protection(prf, keys[1].key, 4, b"")
    return bare + sized(data + guard.mac(alg, data))


# --- the KMS ---------------------------------------------------------------

INI = """\
[kms]
identity = {identity}
store = sqlite:{folder}/kms.db
store-key = {folder}/store.key
[http]
listen = 127.0.0.1:{port}
[https]
listen = 127.0.0.1:{tls}
cert = {folder}/cert.pem
key = {folder}/key.pem
[audit]
file = {audit}
"""


class Kms:
    """tessera-kmsd in a lab, and its administration."""

    def __init__(self, lab, audit=None, more=""):
        self.lab = lab
        self.folder = lab.folder
        self.port, self.tls = lab.port(), lab.port()
        self.audit = pathlib.Path(audit or lab.folder / "audit.log")
        self._certificate()
        self.ini = lab.write("kms.ini", INI.format(
            identity=KMS, folder=lab.folder, port=self.port, tls=self.tls,
            audit=self.audit) + more)
        self.runs = 0
        self.daemon = None
        self.admin("init")

    def _certificate(self):
        key, cert = self.folder / "key.pem", self.folder / "cert.pem"
        template = self.lab.write("cert.cfg", "cn = localhost\n"
                                  "ip_address = 127.0.0.1\n")
        for options in (["--generate-privkey", "--key-type", "ecdsa",
                         "--outfile", key],
                        ["--generate-self-signed", "--load-privkey", key,
                         "--template", template, "--outfile", cert]):
            subprocess.run(["certtool", *options], check=True,
                           capture_output=True)
        self.context = ssl.create_default_context(cafile=cert)

    def admin(self, *arguments, data=None):
        done = subprocess.run(
            [program("tesseractl"), "-c", self.ini, *arguments, "--json"],
            input=data, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise harness.LabError(done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def user(self, name, length=32):
        made = User(f"sip:{name}@example.org", f"{name}-1",
                    os.urandom(length))
        self.admin("user", "add", made.identity, "--psk-id", made.key_id,
                   "--psk", made.psk.hex())
        return made

    def start(self):
        self.runs += 1
        self.daemon = self.lab.start(
            f"kmsd-{self.runs}", [program("tessera-kmsd"), "-c", self.ini])
        self.daemon.wait_line(lambda line: line.strip() == "ready")
        return self

    def stop(self):
        self.daemon.stop()

    def role(self, name):
        """Process id of a role, None while there is none."""
        out = subprocess.run(
            ["ps", "-o", "pid=,comm=", "--ppid",
             str(self.daemon.process.pid)],
            capture_output=True, text=True).stdout
        return next((int(line.split()[0]) for line in out.splitlines()
                     if line.split()[1] == "kmsd-" + name), None)

    def connect(self, tls=False):
        if tls:
            return http.client.HTTPSConnection(
                "127.0.0.1", self.tls, context=self.context, timeout=30)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def post(self, body, kind="ticketrequest", tls=False, headers=TYPE,
             method="POST", path=None):
        """Status and body of the answer."""
        connection = self.connect(tls)
        try:
            connection.request(method, path or PATH + kind, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def records(self):
        """The audit file; whatever is not a line of JSON fails."""
        text = self.audit.read_text(encoding="ascii")
        assert text == "" or text.endswith("\n"), "half a line"
        return [json.loads(line) for line in text.splitlines()]


# --- exchanges -------------------------------------------------------------


def error_of(status, raw, init, psk):
    """(numbers, authenticated) of the Error that answers init."""
    assert status == 200, status
    message = mikeyread.parse(raw)
    assert message.name == "Error", message.name
    if message.payloads.one("V"):
        return mikeykeys.check_error(message, mikeyread.parse(init), psk), True
    assert message.csb_id == mikeyread.parse(init).csb_id
    return [p["number"] for p in message.payloads.all("ERR")], False


def keys_of(status, raw, init, user):
    """The reply as a message, and its keys."""
    assert status == 200, (status, raw[:80])
    message = mikeyread.parse(raw)
    return message, mikeykeys.kms_keys(mikeyread.parse(init), message,
                                       user.psk)


def issue(kms, user, receivers, prf=1, tls=False, form=bytes):
    """A ticket as its receivers get it, and the keys of its Initiator."""
    init = request_init(user, receivers, prf)
    status, raw = kms.post(encoded(init, form), tls=tls)
    message, keys = keys_of(status, decoded(raw, form), init, user)
    return presented(message, keys, prf), keys


def resolve(kms, user, ticket, prf=1, tls=False, form=bytes):
    init = resolve_init(user, ticket, prf)
    status, raw = kms.post(encoded(init, form), "ticketresolve", tls=tls)
    return keys_of(status, decoded(raw, form), init, user)


def encoded(message, form):
    return message if form is bytes else base64.b64encode(message)


def decoded(body, form):
    return body if form is bytes else base64.b64decode(body, validate=True)
