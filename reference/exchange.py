# SPDX-License-Identifier: Apache-2.0
"""Plays whole exchanges of MIKEY-TICKET (RFC 6043) and writes them down.

A Scene adds to a Stage what happens between the users: Ticket Transfer, CSB
updates by either side, Errors, and in the end the keys of the sessions.
"""

from dataclasses import dataclass, replace

import mikeykeys as keys
import mikeyread
import mikeywrite as write
from mikeyread import INITIATOR, KMS, RESPONDER
from scene import Cs, Party, Stage, Ticket, default_policy, time_part
from story import Record

PROVING = ("PSK", "env_key", "MPKi", "MPK", "protect")  # secrets of a MAC
SSRC = 0x55667787  # plus the place in the map, where the Responder chooses


@dataclass
class Call:
    """One Transfer exchange, and the CSB that it sets up."""

    ticket: Ticket
    csb: int
    rand_i: bytes
    index: int
    raw: bytes
    called: Party
    sessions: tuple
    policies: dict
    init_keys: tuple
    rand_r: bytes = b""
    guard: object = None
    protect: dict = None
    answering: Party = None
    keys: tuple = ()


class Scene(Stage):
    """Transfer, CSB update, Error."""

    def transfer_init(self, ticket, sessions=None, policies=None, given=(),
                      **changes):
        """TRANSFER_INIT, with Initiator Data if keys get forked (R241)."""
        called = changes.get("called", self.group)
        csb = changes.get("csb", 0x22222222)
        rand = self.octets(changes.get("rand", "RANDRi of TRANSFER_INIT"))
        if sessions is None:
            sessions = (Cs(1, (0,), 0x11223344, b"\0\0\0\x0a"), Cs(2))
        if policies is None:
            policies = {0: default_policy(self.suite)}
        guard = self.guard(ticket.mpki, 1, csb, (rand, b""))
        at = changes.get("at") or self.clock()
        parts = [time_part(at), write.randr(INITIATOR, rand)]
        parts += self.optional("IDRi of TRANSFER_INIT", self.i.idr())
        parts += self.optional("IDRr of TRANSFER_INIT", called.idr())
        parts += [write.sp(n, p) for n, p in policies.items()]
        before, after, kemac = parts, [], None
        if given:
            part, kemac = self.kemac(guard, given, at,
                                     (1, ", TRANSFER_INIT (MPKi)"))
            after.append(part)
        if self.protocols:
            after.append(write.sdp_ids(self.protocols))
        header = self.header(csb, "F" in ticket.flags, sessions)
        raw, mac, secrets = self._protect_init(ticket, before, after, header,
                                               guard, called)
        opened = "E" not in ticket.flags
        index = self.add(Record(
            "TRANSFER_INIT", "I", called.label, raw, None, secrets,
            self.identities(called), mac=mac, kemac=kemac,
            ticket=ticket.record, guard=guard,
            keys=(ticket.keys + tuple(given) if opened
                  else changes.get("known", ()))))
        protect = {"key": ticket.mpki, "selector": 1, "RANDRi": rand,
                   "RANDRr": b""}
        return Call(ticket, csb, rand, index, raw, called, tuple(sessions),
                    policies, tuple(given), guard=guard, protect=protect,
                    answering=called, keys=ticket.keys + tuple(given))

    def _protect_init(self, ticket, before, after, header, guard, called):
        """V without, then Initiator Data with, a copy of V (R189, R244)."""
        alg = self.suite.auth
        bare = write.part("TICKET", ticket.policy,
                          write.sized(ticket.data, 2))
        tail = self.i.name.encode() + called.name.encode()
        name = "TRANSFER_INIT"
        _, mac = self.seal(name, before + [bare] + after, header, guard, tail,
                           "K1 auth, TRANSFER_INIT (MPKi)")
        self.derive("MAC of TRANSFER_INIT" + (" (= Vi)" if ticket.mpkr
                                              else ""), mac["value"])
        secrets, initiator = {"MPKi": ticket.mpki}, b""
        if ticket.mpkr:  # K4, R246, R248
            proof = keys.Protection(ticket.prf, ticket.mpkr, 4, b"")
            self.derive("K4 auth of Vr", proof.auth(alg))
            room = bytes(len(mac["value"]))
            initiator = write.initiator_data(alg, mac["value"], room)
            octets = initiator[:-len(room)]
            vr = self.derive("MAC of Vr", proof.mac(alg, octets))
            initiator = octets + vr
            secrets["MPKr"] = ticket.mpkr
        whole = write.ticket(ticket.policy, ticket.data, initiator)
        raw = write.message(name, before + [whole] + after
                            + [write.v(alg, mac["value"])], **header)
        return raw, mac, {**secrets, "TPK": ticket.tpk}

    def filled(self, call):
        """The map with what the Responder must add: one policy, SSRC and SPI
        for each (R199, R205, R208)."""
        spi = call.keys[0].spi if call.keys else b""
        return replace(call, sessions=tuple(replace(
            cs, policies=cs.policies[:1] or (0,),
            ssrc=SSRC + n if cs.ssrc is None else cs.ssrc,
            spi=cs.spi or spi) for n, cs in enumerate(call.sessions)))

    def transfer_resp(self, call, resolved, sessions=None, policies=None,
                      given=(), at=None, rand="RANDRr of TRANSFER_RESP"):
        """TRANSFER_RESP under MPKi or, with forking, under MPKr' (R83)."""
        ticket, party = call.ticket, resolved.party
        key = resolved.mpkr or resolved.mpki
        which = "MPKr'" if resolved.mpkr else "MPKi"
        sessions = self.filled(call).sessions if sessions is None else sessions
        at = at or self.clock()
        parts = [time_part(at)]
        if "G" in ticket.flags:  # R74
            call.rand_r = self.octets(rand)
            parts.append(write.randr(RESPONDER, call.rand_r))
        guard = self.guard(key, 2, call.csb, (call.rand_i, call.rand_r))
        own = [party.idr(RESPONDER)]
        if resolved.mpkr:  # R75, R77
            parts += own + [write.randr(KMS, resolved.rand_kms)]
        else:
            parts += self.optional("IDRr of TRANSFER_RESP", *own)
        parts += [write.sp(n, p) for n, p in (policies or {}).items()]
        kemac = None
        if given:
            part, kemac = self.kemac(guard, given, at,
                                     (2, f", TRANSFER_RESP ({which})"))
            parts.append(part)
        raw, mac = self.seal("TRANSFER_RESP", parts,
                             self.header(call.csb, sessions=sessions), guard,
                             call.raw, f"K2 auth, TRANSFER_RESP ({which})")
        self._answered(call, resolved, sessions, policies, given)
        call.guard, call.protect = guard, {
            "key": key, "selector": 2, "RANDRi": call.rand_i,
            "RANDRr": call.rand_r}
        secrets = {"MPK": key}
        if ticket.mpkr:
            secrets["MPKr"] = ticket.mpkr
        return self.add(Record(
            "TRANSFER_RESP", party.label, self.i.label, raw, call.index,
            secrets, self.identities(party), mac=mac, kemac=kemac,
            keys=call.keys, guard=guard))

    def _answered(self, call, resolved, sessions, policies, given):
        call.sessions = tuple(sessions)
        call.policies = {**call.policies, **(policies or {})}
        call.keys = resolved.keys + call.init_keys + tuple(given)
        call.answering = resolved.party

    # --- CSB update (5.2) --------------------------------------------------

    def update(self, call, by="I", given=(), answer_given=None,
               sessions=None, policies=None, answer_sessions=None):
        """TRANSFER_INIT without ticket; an answer unless that is None."""
        sessions = call.sessions if sessions is None else sessions
        both = [self.i.idr(), call.answering.idr(RESPONDER)]
        order = both if by == "I" else both[::-1]
        answer = answer_given is not None
        call.keys += tuple(given)
        raw, index = self._update_message(
            call, "TRANSFER_INIT", by, order, given,
            self.header(call.csb, answer, sessions), policies,
            (self.i.name + call.answering.name).encode(), None)
        call.sessions = tuple(sessions)
        if answer:
            call.keys += tuple(answer_given)
            final = sessions if answer_sessions is None else answer_sessions
            self._update_message(
                call, "TRANSFER_RESP", "R" if by == "I" else "I", order[1:],
                answer_given, self.header(call.csb, sessions=final), None,
                raw, index)
            call.sessions = tuple(final)
        return index

    def _update_message(self, call, name, by, ids, given, header, policies,
                        tail, answers):
        """Both messages are under the keys of the last one of the initial
        exchange (R164); only T is new (R160)."""
        at, guard = self.clock(), call.guard
        forked = call.ticket.mpkr and guard.selector == 2
        which = "MPKr'" if forked else "MPKi"
        parts = [time_part(at)] + list(ids)
        parts += [write.sp(n, p) for n, p in (policies or {}).items()]
        call.policies = {**call.policies, **(policies or {})}
        kemac = None
        if given:
            part, kemac = self.kemac(
                guard, given, at,
                (guard.selector, f" ({which}), used in CSB update"))
            parts.append(part)
        raw, mac = self.seal(name, parts, header, guard, tail)
        labels = {"I": self.i.label, "R": call.answering.label}
        other = labels["R" if by == "I" else "I"]
        index = self.add(Record(
            name, labels[by], other, raw, answers, {"protect": call.protect},
            self.identities(call.answering), mac=mac, kemac=kemac,
            keys=call.keys, guard=guard))
        return raw, index

    # --- Error (5.4) -------------------------------------------------------

    def error(self, about, numbers, how="V", policies=None, at=None):
        """An Error about a message: bare, under its auth_key, or signed."""
        told = self.records[about]
        cause = mikeyread.parse(told.raw)
        header = {"csb_id": cause.csb_id, "prf": cause.prf}
        parts = [time_part(at or self.clock())]
        parts += [write.err(n) for n in numbers]
        parts += [write.sp(n, p) for n, p in (policies or {}).items()]
        record = Record("Error", told.receiver, told.sender, b"", about,
                        identities=told.identities)
        if how == "V":
            record.secrets = {k: v for k, v in told.secrets.items()
                              if k in PROVING}
            guard = told.guard
            record.raw, record.mac = self.seal(
                "Error", parts, header, guard, b"")
        elif how == "SIGN":
            signer = {"KMS": self.kms, "I": self.i,
                      "R": self.r}[told.receiver].pem
            record.secrets = {"signer": f"{signer}.pem"}
            record.raw, record.signature = self.sign("Error", parts, header,
                                                     signer, b"")
        else:
            record.raw = write.message("Error", parts, **header)
        return self.add(record)

    # --- the keys of the sessions (5.1.3) ----------------------------------

    def finish(self, call):
        """SRTP master keys and salts, as both users have them now."""
        self.sessions = []
        rands = (call.rand_i if "H" in call.ticket.flags else b"",
                 call.rand_r if "G" in call.ticket.flags else b"")
        for cs in call.sessions:
            found = [k for k in call.keys if k.spi == cs.spi]
            policy = call.policies[cs.policies[0]]
            key = self._session_key(cs.cs_id, found[0], policy, rands)
            self.sessions.append({
                "CS ID": cs.cs_id, "key": key[0].hex(), "salt": key[1].hex(),
                "SPI": cs.spi.hex()})

    def _session_key(self, cs_id, key, policy, rands):
        master, salt = key.key, key.salt

        def k3(constant, octets):
            return keys.session_key(constant, key.key, self.suite.prf, cs_id,
                                    rands, octets)
        if key.kind != "TEK":
            master = self.derive(f"TEK of CS {cs_id} (K3)",
                                 k3(keys.TEK, policy.get(1, 16)))
        if salt is None:
            if key.kind == "TEK":
                return master, b""
            salt = self.derive(f"salt of CS {cs_id} (K3)",
                               k3(keys.SRTP_SALT, policy.get(4, 14)))
        return master, salt
