# SPDX-License-Identifier: Apache-2.0
"""Reads what tshark shows, and compares it with what mikeytool prints.

Every field is compared, and nothing is taken on trust: each octet that
tshark shows is looked up in the message, and every octet of the message has
to be shown.
"""

import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree as xml
from datetime import datetime

HERE = pathlib.Path(__file__).resolve().parent
PLUGIN = HERE.parent / "wireshark" / "mikey-ticket.lua"
# What tshark says to root, whatever it is run with.
TO_ROOT = "This could be dangerous."


def tshark(program, *arguments, plugin=PLUGIN, home=None):
    """Run tshark; its standard output, and the lines of its errors."""
    load = ["-X", f"lua_script:{plugin}"] if plugin else []
    env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8")
    if home:
        env.update(HOME=str(home), XDG_CONFIG_HOME=f"{home}/.config")
    done = subprocess.run([program, *map(str, arguments), *load], env=env,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, check=False)
    errors = [line for line in done.stderr.splitlines()
              if line and TO_ROOT not in line]
    assert done.returncode == 0, (done.returncode, errors)
    return done.stdout, errors


class Field:
    """One line of the tree that tshark shows, with those below it."""

    def __init__(self, element):
        self.name = element.get("name")
        self.is_note = self.name.startswith("_ws.")  # an expert info
        self.show = element.get("show", "")
        self.value = element.get("unmaskedvalue") or element.get("value", "")
        self.at = int(element.get("pos", 0))
        self.length = int(element.get("size", 0))
        line = re.sub(r"^[01. ]+ = ", "", element.get("showname", ""))
        line = line.replace(" [truncated]", "", 1)
        self.title, _, self.text = line.partition(": ")
        self.line = line
        self.below = [Field(e) for e in element]

    def all(self):
        """This field and all below it."""
        yield self
        for field in self.below:
            yield from field.all()

    def experts(self):
        """Names of the expert infos here and below."""
        return [f.name for f in self.all()
                if f.name.startswith("mikeyt.expert.")]


def messages(program, path, *options):
    """By number of the packet: the messages that our dissector shows."""
    output, errors = tshark(program, "-r", path, "-T", "pdml", *options)
    assert not errors, errors
    found = {}
    for packet in xml.fromstring(output).iter("packet"):
        number = int(packet.find(".//field[@name='frame.number']").get("show"))
        found[number] = [Field(e) for e in packet.iter("proto")
                         if e.get("name") == "mikeyt"]
    return found


# Titles of fields that have another name in the JSON.
TITLES = {"time": "Time", "seconds": "Seconds", "text": "Text"}
# Fields that JSON has no member for: what it has in another form, and where
# the message was found.
EXTRA = {"mikeyt.ts.counter", "mikeyt.cert.url", "mikeyt.carrier",
         "mikeyt.base64"}


class Difference(AssertionError):
    pass


def demand(truth, *what):
    if not truth:
        raise Difference(*what)


class Comparison:
    """One message as mikeytool reads it, beside the tree of tshark."""

    def __init__(self, raw, decoded, root):
        self.raw, self.root = raw, root
        shown = [f for f in root.below if f.name not in EXTRA]
        # Not of the root: PDML adds to that where the text around it stands.
        self.base = shown[0].at
        self._message(decoded, shown)
        self._coverage()

    def _message(self, decoded, shown):
        demand(shown[0].name == "mikeyt.hdr", shown[0].line)
        self._place(decoded["HDR"], shown[0])
        self._members(decoded["HDR"], shown[0])
        rest = [f for f in shown[1:] if not f.is_note]
        self._chain(decoded["payloads"], rest)

    def _coverage(self):
        """Every octet of the message is in some field that has no others."""
        seen = set()
        for field in self.root.all():
            if field.name.startswith("mikeyt.") and (
                    field.name not in EXTRA and (
                        not field.below or field.value)):
                seen.update(range(field.at, field.at + field.length))
        missing = [n for n in range(len(self.raw)) if n + self.base not in seen]
        demand(not missing, "octets that nobody shows", missing)

    def _octets(self, field):
        """The octets of a field, which have to be those of the message."""
        at = field.at - self.base
        octets = self.raw[at:at + field.length]
        demand(octets.hex() == field.value, field.line, field.value, octets)
        return field.value

    def _place(self, want, field):
        demand((field.at - self.base, field.length)
               == (want["offset"], want["length"]), field.line, want)

    def _chain(self, want, fields):
        demand(len(want) == len(fields), [w["payload"] for w in want],
               [f.line for f in fields])
        for payload, field in zip(want, fields):
            self._payload(payload, field)

    def _payload(self, want, field):
        demand(field.name == f"mikeyt.{want['payload'].lower()}", want,
               field.line)
        self._place(want, field)
        want = dict(want)
        if field.name == "mikeyt.kemac":
            self._keys(want.pop("Key data sub-payloads", []), field)
        if "time" in want and want["time"] is None:
            del want["time"]
            if want["TS Type"]["name"] == "COUNTER":
                want.pop("seconds", None)  # a counter of TRr has none
        self._members(want, field)

    def _keys(self, keys, kemac):
        """Keys stand below the Encr data that they are."""
        fields = [f for data in kemac.below if data.name == "mikeyt.kemac.data"
                  for f in data.below if not f.is_note]
        demand(len(fields) == len(keys), keys, [f.line for f in fields])
        for want, field in zip(keys, fields):
            demand(field.name == "mikeyt.key", field.line)
            field.below = [f for f in field.below if f.name != "mikeyt.next"]
            self._members(want, field)

    def _members(self, want, field):
        """Each member is shown, and nothing else is."""
        rest = [f for f in field.below if not f.is_note
                and f.name not in EXTRA and f.name.startswith("mikeyt.")]
        for key, value in want.items():
            if key not in ("payload", "type", "offset", "length"):
                self._member(key, value, rest)
        demand(not rest, want, "also shown:", [f.line for f in rest])

    def _member(self, key, value, rest):
        special = self.SPECIAL.get(key)
        if special:
            special(self, value, rest)
        elif isinstance(value, dict):
            self._code(value, self._take(key, rest))
        elif value != "":  # else it is left in `rest` if it is shown
            self._plain(key, value, self._take(TITLES.get(key, key), rest))

    def _take(self, title, rest):
        for number, field in enumerate(rest):
            if title in (field.title, field.line):
                return rest.pop(number)
        raise Difference("not shown", title, [f.line for f in rest])

    def _plain(self, key, value, field):
        self._octets(field)
        if isinstance(value, bool):
            got = field.show == "1"
        elif isinstance(value, int):
            got = int(field.show, 0)
        elif key == "time":
            got, value = _moment(field.show), _precise(value)
        elif key == "text":
            got = field.show
        else:
            got = field.value
        demand(got == value, key, value, field.line, field.show)

    def _code(self, value, field):
        self._octets(field)
        number = value["value"]
        name = "Unknown" if value["name"] is None else value["name"]
        demand(int(field.show, 0) == number, value, field.line)
        demand(field.text == f"{name} ({number})", value, field.line)

    # Members that are lists or regions, and what is shown in parts.

    def _cs_id_map_info(self, entries, rest):
        fields = [f for f in rest if f.name == "mikeyt.cs"]
        demand(len(fields) == len(entries), entries)
        for want, field in zip(entries, fields):
            rest.remove(field)
            self._place(want, field)
            self._session(dict(want), field)

    def _session(self, want, field):
        """SSRC, ROC and SEQ stand below the Session Data that they are."""
        inside = {key: want.pop(key) for key in ("SSRC", "ROC", "SEQ")
                  if key in want and want.get("Session Data")}
        if inside:
            data = next(f for f in field.below
                        if f.name == "mikeyt.cs.session")
            self._members(inside, data)
        self._members(want, field)

    def _ps(self, numbers, rest):
        fields = [f for f in rest if f.name == "mikeyt.cs.policy"]
        demand([int(f.show) for f in fields] == numbers, numbers)
        for field in fields:
            self._octets(field)
            rest.remove(field)

    def _policy_param(self, params, rest):
        fields = [f for f in rest if f.name == "mikeyt.sp.param"]
        demand(len(fields) == len(params), params)
        for want, field in zip(params, fields):
            rest.remove(field)
            self._param(dict(want), field)

    def _param(self, want, field):
        """The value as a number has the name of its parameter."""
        number, algorithm = want.pop("number", None), want.pop("algorithm",
                                                               None)
        shown = [f for f in field.below if f.name.startswith("mikeyt.srtp.")
                 or f.name == "mikeyt.sp.param.number"]
        demand(len(shown) == (number is not None), want, field.line)
        for value in shown:
            field.below.remove(value)
            self._octets(value)
            demand(int(value.show, 0) == number, want, value.line)
            if want["Type"]["name"]:
                demand(value.title == want["Type"]["name"], value.line)
            if algorithm:
                demand(value.text == f"{algorithm['name'] or 'Unknown'} "
                       f"({number})", algorithm, value.line)
        self._members(want, field)

    def _kv_data(self, value, rest):
        fields = [f for f in rest if f.name.startswith("mikeyt.kv.")]
        demand("".join(map(self._octets, fields)) == value, value)
        for field in fields:
            rest.remove(field)

    def _tp_data(self, region, rest):
        self._region(region, self._take("TP Data", rest))

    def _initiator_data(self, region, rest):
        if region:
            self._region(region, self._take("Initiator Data", rest))

    def _region(self, want, field):
        self._place(want, field)
        first, *chain = [f for f in field.below if not f.is_note]
        demand(first.title == "First Payload", first.line)
        self._code(want["First Payload"], first)
        self._chain(want["payloads"], chain)

    def _ticket_data(self, region, rest):
        if not region["length"]:
            return
        field = self._take("Ticket Data", rest)
        self._place(region, field)
        demand(self._octets(field) == region["hex"], field.line)
        self._chain(region.get("payloads", []),
                    [f for f in field.below if not f.is_note])

    SPECIAL = {
        "CS ID map info": _cs_id_map_info, "Ps": _ps,
        "Policy param": _policy_param, "KV data": _kv_data,
        "TP Data": _tp_data, "Ticket Data": _ticket_data,
        "Initiator Data": _initiator_data,
    }


def _precise(moment):
    moment = moment.rstrip("Z")
    return moment if "." in moment else moment + ".000000"


def _moment(shown):
    """tshark's time in the form of mikeytool, as precise as that is."""
    day, fraction = re.fullmatch(r"(.*)\.(\d{9}) UTC", shown).groups()
    moment = datetime.strptime(day, "%b %d, %Y %H:%M:%S").isoformat()
    return f"{moment}.{fraction[:6]}"
