# SPDX-License-Identifier: Apache-2.0
"""Carries MIKEY in SDP and in RTSP (RFC 4567), and checks the offered list.

Strict as the reader: base64 on one line with its padding, at most one space
behind the colon, exactly one before the data.
"""

import base64
import binascii
import re
from dataclasses import dataclass

import mikeyread
from mikeyread import MikeyError

PROTOCOL = "mikey"
ATTRIBUTE = re.compile(r"a=key-mgmt:( ?)([A-Za-z0-9]+) (\S+)")
SDP_IDS = 1  # type of the General Extension that repeats the offered ids
PARAMETER = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s";,]+))\s*')


@dataclass(frozen=True)
class KeyMgmt:
    """One key-mgmt attribute or KeyMgmt specification."""

    protocol: str
    data: bytes
    uri: str | None = None


def _decode(text):
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise MikeyError(f"key management data: {error}") from error


def _encode(raw):
    return base64.b64encode(raw).decode()


# --- SDP (4567, 3.1) -------------------------------------------------------


def attribute(raw, protocol=PROTOCOL):
    return f"a=key-mgmt:{protocol} {_encode(raw)}"


def read_attribute(line):
    found = ATTRIBUTE.fullmatch(line)
    if not found:
        raise MikeyError(f"not a key-mgmt attribute: {line[:40]}")
    return KeyMgmt(found[2], _decode(found[3]))


def levels(sdp):
    """Key management of the session, then of each medium.

    A medium that has attributes of its own ignores those of the session
    (4567, 3.1); a medium without a secure profile has none at all.
    """
    session, media, current = [], [], None
    for line in sdp.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            current = []
            media.append((line, current))
        elif line.startswith("a=key-mgmt:"):
            target = session if current is None else current
            target.append(read_attribute(line))
    return session, [(own or session) if _secure(line) else []
                     for line, own in media]


def _secure(media_line):
    fields = media_line.split()
    return len(fields) > 2 and "SAVP" in fields[2]


# --- RTSP (4567, 3.2) ------------------------------------------------------


def header(raw, uri=None, protocol=PROTOCOL):
    middle = f'uri="{uri}"; ' if uri else ""
    return f'KeyMgmt: prot={protocol}; {middle}data="{_encode(raw)}"'


def read_header(text):
    """The specifications in a KeyMgmt header, several behind commas."""
    name, colon, value = text.partition(":")
    if not colon or name.strip().lower() != "keymgmt":
        raise MikeyError("not a KeyMgmt header")
    return [_specification(part) for part in _outside_quotes(value, ",")]


def _outside_quotes(text, separator):
    parts, quoted = [""], False
    for character in text:
        quoted ^= character == '"'
        if character == separator and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    if quoted:
        raise MikeyError("a quote without its end")
    return parts


def _specification(text):
    given = {}
    fields = _outside_quotes(text, ";")
    if not fields[-1].strip():
        fields.pop()
    for one in fields:
        found = PARAMETER.fullmatch(one)
        if not found or found[1].lower() in given:
            raise MikeyError(f"KeyMgmt parameter {one.strip()[:20]}")
        given[found[1].lower()] = found[2] if found[2] is not None else (
            found[3])
    if not {"prot", "data"} <= set(given) <= {"prot", "data", "uri"}:
        raise MikeyError(f"KeyMgmt with {sorted(given)}")
    return KeyMgmt(given["prot"], _decode(given["data"]), given.get("uri"))


# --- bidding down (4567, 4.1.4) --------------------------------------------


def check_offered(message, protocols):
    """The list inside the message is the list in the SDP, in its order.

    It proves something only once the MAC of the message is verified.
    """
    for extension in message.payloads.all("EXT"):
        if extension["type"] == SDP_IDS:
            offered = ";".join(protocols).encode()
            if extension["value"] != offered:
                raise MikeyError("the SDP does not offer what was signed")
            return
    raise MikeyError("the message does not say what was offered")


def offer(attributes):
    """The MIKEY message of one level, checked against that level's list."""
    ours = [a for a in attributes if a.protocol == PROTOCOL]
    if len(ours) != 1:
        raise MikeyError(f"{len(ours)} MIKEY messages at one level")
    message = mikeyread.parse(ours[0].data)
    check_offered(message, [a.protocol for a in attributes])
    return message


def cs_ids(medium):
    """The two CS IDs of an m= line, counted from 0 (4567, 7.1)."""
    return 2 * medium + 1, 2 * medium + 2
