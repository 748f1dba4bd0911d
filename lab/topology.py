# SPDX-License-Identifier: Apache-2.0
"""The lab's network: a KMS, an IMS proxy, users and their phones."""

import json
import os

from evidence import Credential
from harness import ROOT, LabError, program, tool

DOMAIN = "example.org"
KMS_IDENTITY = f"sip:kms@{DOMAIN}"

KMS_INI = """\
[kms]
identity = {identity}
store = sqlite:{folder}/kms.db
store-key = {folder}/store.key

[http]
listen = {listen}

[audit]
file = {folder}/audit.log
"""

UE_INI = """\
[ue]
identity = {identity}
kms = {kms}
kms-identity = {kms_identity}
listen = {listen}
suite = {suite}
send = {send}
record = {record}
secret-file = {secret}
psk-id = {psk_id}
credential = psk
"""


class Network:
    """Everything between and behind the phones, in one lab."""

    def __init__(self, lab, suite=256):
        self.lab = lab
        self.suite = suite
        self.users = {}
        self.listen = {}
        self.kms_port, self.proxy_port = lab.port(), lab.port()
        address = lab.address(self.kms_port)
        self.kms_url = f"http://{address}/keymanagement"
        self._kms_ini = lab.write("kms.ini", KMS_INI.format(
            identity=KMS_IDENTITY, folder=lab.folder, listen=address))
        self.kms = self.proxy = None

    def admin(self, name, *arguments):
        """Run tesseractl on this KMS."""
        return self.lab.run(f"tesseractl-{name}", [
            program("tesseractl"), "-c", self._kms_ini, *arguments])

    def start_kms(self):
        """Start the KMS, with a new store when it is the first time."""
        if not (self.lab.folder / "store.key").exists():
            self.admin("init", "init")
        self.kms = self.lab.start("kmsd", [
            program("tessera-kmsd"), "-c", self._kms_ini])
        self.kms.wait_line(lambda line: line.strip() == "ready")

    def start_proxy(self):
        address = self.lab.address(self.proxy_port)
        self.proxy = self.lab.start("kamailio", [
            tool("kamailio", "kamailio"), "-DD", "-E", "-m", 64, "-M", 8,
            "-w", self.lab.folder, "-Y", self.lab.folder,
            "-f", ROOT / "ims" / "kamailio.cfg",
            "-A", f'DOMAIN="{DOMAIN}"',
            "-A", f"LISTEN_TCP=tcp:{address}",
            "-A", f"LISTEN_UDP=udp:{address}"])
        self.lab.wait_port(self.proxy_port, self.proxy)

    def add_user(self, name):
        """A user with a fresh key, known to the KMS."""
        psk = os.urandom(self.suite // 8)
        user = Credential(f"sip:{name}@{DOMAIN}", f"{name}-1", psk)
        secret = self.lab.write(f"{name}.psk", psk.hex() + "\n", secret=True)
        self.admin(f"add-{name}", "user", "add", user.identity, "--psk-id",
                   user.key_id, "--psk-file", secret)
        self.users[name] = user
        return user

    def phone(self, name, send, record):
        """The configuration of a user's phone; which WAV it sends."""
        user, lab = self.users[name], self.lab
        self.listen.setdefault(name, lab.port())
        text = UE_INI.format(
            identity=user.identity, kms=self.kms_url,
            kms_identity=KMS_IDENTITY, suite=self.suite, send=send,
            listen=lab.address(self.listen[name]), record=record,
            secret=lab.folder / f"{name}.psk", psk_id=user.key_id)
        text += f"proxy = tcp:{lab.address(self.proxy_port)}\n"
        return lab.write(f"{name}.ini", text)

    def answer(self, name, config, calls=1):
        """Start a phone that waits for calls, and wait until it does."""
        phone = self.lab.start(name, [
            program("tessera-ue"), "-c", config, "answer", "--calls", calls,
            "--json"])
        phone.wait_line(event("registered"))
        return phone

    def call(self, name, config, target, seconds):
        return self.lab.start(name, [
            program("tessera-ue"), "-c", config, "call",
            f"sip:{target}@{DOMAIN}", "--seconds", seconds, "--json"])


def parse_event(line):
    """The JSON event in a line of a phone, or None for any other line."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "event" in found else None


def event(name):
    """A test for wait_line: the line is that event."""
    return lambda line: (parse_event(line) or {}).get("event") == name


def last_event(phone, name):
    """The last event of that name which a phone told, or LabError."""
    found = [e for e in map(parse_event, phone.lines)
             if e and e["event"] == name]
    if not found:
        raise LabError(f"{phone.name} never told {name!r}; its last lines:\n"
                       + "\n".join(phone.lines[-8:]))
    return found[-1]
