# SPDX-License-Identifier: Apache-2.0
"""What mikeytool and the reference say about a message, in one form.

A row is a field (name, value) or a group (name, offset, length); octets are
hexadecimal digits, everything else is a number. Both say the same or one of
them is wrong.
"""

# What mikeytool adds for people, and the octets of what it shows in parts.
SAID_TWICE = ("offset", "length", "payload", "type", "time", "seconds",
              "text", "number", "algorithm", "form", "hex")
# Groups of the reference that are plain members in mikeytool's JSON.
NO_GROUPS = ("Session Data", "Policy param", "Key data sub-payload",
             "CS ID map info")
FLAGS = ("V", "S", *"DEFGHIJKLMNO")
NUMBERS_OF_OCTETS = ("Reserved",)
KEY = "Key data sub-payload"


def of_reference(message):
    """The rows of a mikeyread.Message."""
    rows, inside = [], []
    for depth, at, length, name, value in message.trace.rows:
        del inside[depth:]
        if value is None:
            inside.append(name)
            if name not in NO_GROUPS:
                rows.append((name, at, length))
        elif not (name == "next payload" and inside[-1] == KEY):
            rows.append((name, value.hex() if isinstance(value, bytes)
                         else value))
    return rows


def of_mikeytool(document):
    """The rows of what `mikeytool decode` prints."""
    rows = []
    hdr = document["HDR"]
    rows.append(("HDR", hdr["offset"], hdr["length"]))
    _members(rows, hdr)
    _payloads(rows, document["payloads"])
    return rows


def _payloads(rows, payloads):
    for one in payloads:
        rows.append((one["payload"], one["offset"], one["length"]))
        _members(rows, _kemac(one) if one["payload"] == "KEMAC" else
                 _dh(one) if one["payload"] == "DH" else one)


def _kemac(payload):
    """Key Data in place of the octets that they are read from."""
    if "Key data sub-payloads" in payload:
        return {n: v for n, v in payload.items() if n != "Encr data"}
    return payload


def _dh(payload):
    """KV data in parts."""
    fields = {n: v for n, v in payload.items() if n != "KV data"}
    data, names = bytes.fromhex(payload["KV data"]), {
        0: (), 1: (("SPI Length", "SPI"),),
        2: (("VF Length", "Valid From"), ("VT Length", "Valid To"))}
    for length, value in names[payload["KV"]["value"]]:
        fields[length] = data[0]
        fields[value] = data[1:1 + data[0]].hex()
        data = data[1 + data[0]:]
    return fields


def _key(key):
    """KV where it stands in the octets."""
    rest = {n: v for n, v in key.items() if n not in ("Type", "KV")}
    return {"Type": key["Type"], "KV": key["KV"], **rest}


def _members(rows, group):
    for name, value in group.items():
        if name == "Session Data" and "SSRC" in group:
            continue  # shown in parts
        if name in ("CS ID map info", "Policy param"):
            for one in value:
                _members(rows, one)
        elif name == "Key data sub-payloads":
            for one in value:
                _members(rows, _key(one))
        elif name in ("TP Data", "Ticket Data", "Initiator Data"):
            _region(rows, name, value)
        elif name not in SAID_TWICE and value != "":
            rows += _field(name, value)


def _region(rows, name, region):
    if region is None:  # Initiator Data of length 0
        return
    if "payloads" not in region:  # a ticket of another kind
        if region["hex"]:
            rows.append((name, region["hex"]))
        return
    rows.append((name, region["offset"], region["length"]))
    _members(rows, {n: v for n, v in region.items() if n != "payloads"})
    _payloads(rows, region["payloads"])


def _field(name, value):
    if name == "Ps":
        return [(name, bytes(value).hex())] if value else []
    if isinstance(value, dict):
        value = value["value"]
    if name in NUMBERS_OF_OCTETS:
        value = int(value, 16)
    return [(name, int(value) if name in FLAGS else value)]
