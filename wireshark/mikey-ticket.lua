-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- MIKEY-TICKET (RFC 6043) and MIKEY (RFC 3830) for Wireshark 4.0 and later.
--
-- Shows every field of the messages with the data types 0 to 25, wherever
-- they travel: UDP and TCP port 2269, HTTP with application/mikey, SDP with
-- a=key-mgmt:mikey (session and media level), RTSP with KeyMgmt. For these it
-- stands in for the dissector that comes with Wireshark; SAKKE messages are
-- handed on to that one. README.md beside this file tells how to install it
-- and lists the filters.
--
-- The titles of the fields are the names of the RFCs, as in `mikeytool
-- decode`. Every loop uses up octets or ends; what nests is bounded.

if rawget(_G, "mikeyt_is_loaded") then
    return -- as a plugin and once more on the command line
end
rawset(_G, "mikeyt_is_loaded", true)

local PORT = 2269
local VERSION = 1
local HDR_MIN = 10 -- octets of the header without the CS ID map
local MAX_DEPTH = 3 -- message, TP Data, a KEMAC in it
local MAX_PARTS = 20000 -- in one packet; far beyond any real message
local MAX_CERTIFICATES = 16 -- in one packet; Wireshark counts their layers
local MAX_TEXTS = 200 -- messages in base64 in one packet
local MAX_STREAM = 262144 -- octets of TCP to wait for the end of a message

-- Payload types that the code below has to know.
local LAST, SIGN, ID, V, KEY_DATA = 0, 4, 6, 9, 20

-- Code points ---------------------------------------------------------------

local YES_NO = {[0] = "off", [1] = "on"}
local PRF = {[0] = "MIKEY-1", "PRF-HMAC-SHA-256"}
local PROT_TYPE = {[0] = "SRTP", "TESLA"}
local ID_TYPE = {[0] = "NAI", "URI", "Byte string"}
local MAC_ALG = {[0] = "NULL", "HMAC-SHA-1-160", "HMAC-SHA-256-256"}
local SRTP_AUTH = {[0] = "NULL", "HMAC-SHA-1", "RCCm1", "RCCm2", "RCCm3"}

local DATA_TYPE = {
    [0] = "Pre-shared", "PSK ver msg", "Public key", "PK ver msg",
    "D-H init", "D-H resp", "Error",
    "DHHMAC init", "DHHMAC resp", -- RFC 4650
    "RSA-R I_MSG", "RSA-R R_MSG", -- RFC 4738
    "REQUEST_INIT_PSK", "REQUEST_INIT_PK", "REQUEST_RESP", -- RFC 6043
    "TRANSFER_INIT", "TRANSFER_RESP",
    "RESOLVE_INIT_PSK", "RESOLVE_INIT_PK", "RESOLVE_RESP",
    "REQUEST_KEY_PSK", "REQUEST_KEY_PKE", "REQUEST_KEY_RESP", -- RFC 6267
    "I_MESSAGE_1", "R_MESSAGE_1", "I_MESSAGE_2", "R_MESSAGE_2",
    "SAKKE msg", -- RFC 6509
}
local TICKET_TYPES = {first = 11, last = 18} -- data types of RFC 6043
local WITH_INITIATOR_DATA = {[14] = true, [16] = true, [17] = true}
local BUILT_IN = {[26] = true, [27] = true} -- better known to Wireshark

local NEXT_PAYLOAD = {
    [0] = "Last payload", "KEMAC", "PKE", "DH", "SIGN", "T", "ID", "CERT",
    "CHASH", "V", "SP", "RAND", "ERR", "TR", "IDR", "RANDR", "TP", "TICKET",
    [20] = "Key data", [21] = "EXT", [22] = "IBAKE", [23] = "ESK",
    [24] = "SK", [25] = "ECCPT", [26] = "SAKKE",
}

local SRTP_PARAM = {
    [0] = "Encryption algorithm", "Session Encr. key length",
    "Authentication algorithm", "Session Auth. key length",
    "Session Salt key length", "SRTP Pseudo Random Function",
    "Key derivation rate", "SRTP encryption off/on",
    "SRTCP encryption off/on", "sender's FEC order",
    "SRTP authentication off/on", "Authentication tag length",
    "SRTP prefix length",
    "ROC transmission rate", -- RFC 4771
    "SRTP Auth. algorithm", "SRTCP Auth. algorithm",
    "SRTP Session Auth. key length", "SRTCP Session Auth. key length",
    "SRTP Auth. tag length", "SRTCP Auth. tag length",
    "AEAD authentication tag length", -- RFC 7714
}

-- How the value of each SRTP parameter is called in a filter, and its names.
local SRTP_VALUE = {
    [0] = {"encr_alg", {[0] = "NULL", "AES-CM", "AES-F8", "SEED-CTR",
        "SEED-CCM", "SEED-GCM", "AES-GCM", "ARIA-CTR", "ARIA-GCM"}},
    {"encr_key_len"}, {"auth_alg", SRTP_AUTH}, {"auth_key_len"},
    {"salt_key_len"}, {"prf", {[0] = "AES-CM", "SEED-CTR", "ARIA-CTR"}},
    {"kdr"}, {"srtp_encr", YES_NO}, {"srtcp_encr", YES_NO},
    {"fec_order", {[0] = "first FEC, then SRTP"}}, {"auth", YES_NO},
    {"tag_len"}, {"prefix_len"}, {"roc_rate"}, {"srtp_auth_alg", SRTP_AUTH},
    {"srtcp_auth_alg", SRTP_AUTH}, {"srtp_auth_key_len"},
    {"srtcp_auth_key_len"}, {"srtp_tag_len"}, {"srtcp_tag_len"},
    {"aead_tag_len"},
}

-- Octets of what has no length field.
local MAC_LENGTH = {[0] = 0, 20, 32}
local HASH_LENGTH = {[0] = 20, 16, 32}
local DH_LENGTH = {[0] = 192, 96, 128}
local TS_LENGTH = {[0] = 8, 8, 4, 4}
local COUNTER, NTP_UTC_32, TRR = 2, 3, 4
local X509_URL = 1
local SALTED = {[1] = true, [3] = true, [5] = true}
local TGK = {[0] = true, [1] = true}

-- The flags of a Ticket Policy: octet by octet, and what they say (6.10).
local POLICY_FLAGS = {
    {"d", 0x01, "ticket made by the KMS", "ticket made by the Initiator"},
    {"e", 0x80, "Resolve exchange mandatory", "Responder may resolve"},
    {"f", 0x40, "TRANSFER_RESP shall be sent", "no TRANSFER_RESP"},
    {"g", 0x20, "Responder generates RANDRr", "no RANDRr"},
    {"h", 0x10, "RANDRi enters key derivations", "RANDRi does not"},
    {"i", 0x08, "key forking", "no key forking"},
    {"j", 0x04, "ticket may be reused", "ticket shall not be reused"},
    {"k", 0x02, "KMS changed the desired policy", "KMS changed nothing"},
    {"l", 0x01, "Initiator may supply keys", "Initiator shall not"},
    {"m", 0x80, "Responder may supply keys", "Responder shall not"},
    {"n", 0x40, "any Initiator can send it", "needs the type's own rules"},
    {"o", 0x20, "any Responder can take it", "needs the type's own rules"},
}
local NEEDS = { -- the first flag demands the second
    {"g", "f"}, {"i", "e"}, {"k", "d"}, {"m", "f"},
}
local EITHER = {{"d", "l"}, {"g", "h"}} -- one of them has to be set

-- Fields --------------------------------------------------------------------

-- Name behind "mikeyt.", kind, title; for numbers also base, names and mask.
local DEC, HEX = base.DEC, base.HEX
local FIELDS = {
    {"hdr", "none", "HDR"},
    {"version", "uint8", "version", DEC},
    {"type", "uint8", "data type", DEC, DATA_TYPE},
    {"next", "uint8", "next payload", DEC, NEXT_PAYLOAD},
    {"first", "uint8", "First Payload", DEC, NEXT_PAYLOAD},
    {"verify", "bool", "V", 8,
        {"response expected", "no response expected"}, 0x80},
    {"prf", "uint8", "PRF func", DEC, PRF, 0x7f},
    {"csb_id", "uint32", "CSB ID", HEX},
    {"cs_count", "uint8", "#CS", DEC},
    {"map_type", "uint8", "CS ID map type", DEC,
        {[0] = "SRTP-ID", "Empty map", "GENERIC-ID"}},

    {"cs", "none", "Crypto session"},
    {"cs.id", "uint8", "CS ID", DEC},
    {"cs.prot", "uint8", "Prot type", DEC, PROT_TYPE},
    {"cs.s", "bool", "S", 8,
        {"Session Data with ROC and SEQ", "Session Data without"}, 0x80},
    {"cs.policies", "uint8", "#P", DEC, nil, 0x7f},
    {"cs.policy", "uint8", "Ps", DEC},
    {"cs.policy_no", "uint8", "Policy_no", DEC},
    {"cs.session_len", "uint16", "Session Data Length", DEC},
    {"cs.session", "bytes", "Session Data"},
    {"cs.ssrc", "uint32", "SSRC", HEX},
    {"cs.roc", "uint32", "ROC", DEC},
    {"cs.seq", "uint16", "SEQ", DEC},
    {"cs.spi_len", "uint8", "SPI Length", DEC},
    {"cs.spi", "bytes", "SPI"},

    {"kemac", "none", "KEMAC"},
    {"kemac.encr_alg", "uint8", "Encr alg", DEC,
        {[0] = "NULL", "AES-CM-128", "AES-KW-128", "AES-CM-256"}},
    {"kemac.len", "uint16", "Encr data len", DEC},
    {"kemac.data", "bytes", "Encr data"},
    {"kemac.mac_alg", "uint8", "Mac alg", DEC, MAC_ALG},
    {"kemac.mac", "bytes", "MAC"},

    {"key", "none", "Key data sub-payload"},
    {"key.type", "uint8", "Type", DEC, {[0] = "TGK", "TGK+SALT", "TEK",
        "TEK+SALT", "GTGK", "GTGK+SALT", "MPK", "K_PR"}, 0xf0},
    {"key.len", "uint16", "Key data len", DEC},
    {"key.data", "bytes", "Key data"},
    {"key.salt_len", "uint16", "Salt len", DEC},
    {"key.salt", "bytes", "Salt data"},
    {"kv", "uint8", "KV", DEC, {[0] = "Null", "SPI", "Interval"}, 0x0f},
    {"kv.spi_len", "uint8", "SPI Length", DEC},
    {"kv.spi", "bytes", "SPI"},
    {"kv.from_len", "uint8", "VF Length", DEC},
    {"kv.from", "bytes", "Valid From"},
    {"kv.to_len", "uint8", "VT Length", DEC},
    {"kv.to", "bytes", "Valid To"},

    {"pke", "none", "PKE"},
    {"pke.c", "uint16", "C", DEC,
        {[0] = "no cache", "cache", "cache for CSB"}, 0xc000},
    {"pke.len", "uint16", "Data len", DEC, nil, 0x3fff},
    {"pke.data", "bytes", "Data"},
    {"dh", "none", "DH"},
    {"dh.group", "uint8", "DH-Group", DEC,
        {[0] = "OAKLEY 5", "OAKLEY 1", "OAKLEY 2"}},
    {"dh.value", "bytes", "DH-value"},
    {"dh.reserved", "uint8", "reserv", DEC, nil, 0xf0},
    {"sign", "none", "SIGN"},
    {"sign.type", "uint16", "S type", DEC,
        {[0] = "RSA/PKCS#1/1.5", "RSA/PSS", "ECCSI", [15] = "ECDSA"},
        0xf000},
    {"sign.len", "uint16", "Signature len", DEC, nil, 0x0fff},
    {"sign.data", "bytes", "Signature"},

    {"t", "none", "T"},
    {"tr", "none", "TR"},
    {"ts.role", "uint8", "TS Role", DEC,
        {[1] = "TRi", [2] = "TRs", [3] = "TRe", [4] = "TRr"}},
    {"ts.type", "uint8", "TS Type", DEC,
        {[0] = "NTP-UTC", "NTP", "COUNTER", "NTP-UTC-32"}},
    {"ts.value", "bytes", "TS Value"},
    {"ts.time", "absolute_time", "Time", base.UTC},
    {"ts.counter", "uint32", "Counter", DEC},
    {"ts.seconds", "uint32", "Seconds", DEC},

    {"id", "none", "ID"},
    {"idr", "none", "IDR"},
    {"id.role", "uint8", "ID Role", DEC,
        {[1] = "IDRi", [2] = "IDRr", [3] = "IDRkms", [4] = "IDRpsk",
         [5] = "IDRapp", [6] = "IDRkmsi", [7] = "IDRkmsr"}},
    {"id.type", "uint8", "ID Type", DEC, ID_TYPE},
    {"id.len", "uint16", "ID len", DEC},
    {"id.data", "bytes", "ID data"},
    {"id.text", "string", "Text"},
    {"cert", "none", "CERT"},
    {"cert.type", "uint8", "Cert Type", DEC, {[0] = "X.509v3",
        "X.509v3 URL", "X.509v3 Sign", "X.509v3 Encr"}},
    {"cert.len", "uint16", "Cert len", DEC},
    {"cert.data", "bytes", "Certificate data"},
    {"cert.url", "string", "URL"},
    {"chash", "none", "CHASH"},
    {"chash.func", "uint8", "Hash func", DEC,
        {[0] = "SHA-1", "MD5", "SHA-256"}},
    {"chash.hash", "bytes", "Hash"},

    {"v", "none", "V"},
    {"v.alg", "uint8", "Auth alg", DEC, MAC_ALG},
    {"v.mac", "bytes", "Ver data"},
    {"rand", "none", "RAND"},
    {"randr", "none", "RANDR"},
    {"rand.role", "uint8", "RAND Role", DEC,
        {[1] = "RANDRi", [2] = "RANDRr", [3] = "RANDRkms"}},
    {"rand.len", "uint8", "RAND len", DEC},
    {"rand.data", "bytes", "RAND"},
    {"err", "none", "ERR"},
    {"err.number", "uint8", "Error no", DEC, {[0] = "Auth failure",
        "Invalid TS", "Invalid PRF", "Invalid MAC", "Invalid EA",
        "Invalid HA", "Invalid DH", "Invalid ID", "Invalid Cert",
        "Invalid SP", "Invalid SPpar", "Invalid DT", "Unspecified error",
        "Unsupported message type", "Invalid TICKET", "Invalid TPpar"}},
    {"err.reserved", "uint16", "Reserved", HEX},
    {"ext", "none", "EXT"},
    {"ext.type", "uint8", "Type", DEC, {[0] = "Vendor ID", "SDP IDs",
        "TESLA I-Key", "Key ID", "CSB_ID", "OMA BCAST"}},
    {"ext.len", "uint16", "Length", DEC},
    {"ext.data", "bytes", "Data"},
    {"ext.text", "string", "Text"},

    {"sp", "none", "SP"},
    {"sp.policy_no", "uint8", "Policy no", DEC},
    {"sp.prot", "uint8", "Prot type", DEC, PROT_TYPE},
    {"sp.len", "uint16", "Policy param length", DEC},
    {"sp.param", "none", "Policy param"},
    {"sp.param.srtp_type", "uint8", "Type", DEC, SRTP_PARAM},
    {"sp.param.type", "uint8", "Type", DEC},
    {"sp.param.len", "uint8", "Length", DEC},
    {"sp.param.value", "bytes", "Value"},
    {"sp.param.number", "uint32", "Number", DEC},

    {"tp", "none", "TP"},
    {"ticket", "none", "TICKET"},
    {"policy.type", "uint16", "Ticket Type", DEC,
        {[1] = "MIKEY Base Ticket", [2] = "3GPP Base Ticket"}},
    {"policy.subtype", "uint8", "Subtype", DEC},
    {"policy.version", "uint8", "Version", DEC},
    {"policy.prf", "uint8", "PRF Func", DEC, PRF, 0xfe},
    {"policy.reserved", "uint8", "Res", DEC, nil, 0x1f},
    {"policy.len", "uint16", "TP Data Length", DEC},
    {"policy.data", "none", "TP Data"},
    {"ticket.len", "uint16", "Ticket Data Length", DEC},
    {"ticket.data", "bytes", "Ticket Data"},
    {"thdr", "none", "THDR"},
    {"thdr.len", "uint16", "THDR Data len", DEC},
    {"thdr.data", "bytes", "THDR Data"},
    {"initiator.len", "uint16", "Initiator Data Length", DEC},
    {"initiator.data", "none", "Initiator Data"},

    {"carrier", "string", "Carried in"},
    {"base64", "string", "As base64"},
    {"undissected", "bytes", "Not dissected"},
}

local mikeyt = Proto("mikeyt", "MIKEY-TICKET")
local F, NAMES, MASK = {}, {}, {} -- by name: field, value strings, mask

local function define(name, kind, title, ...)
    F[name] = ProtoField[kind]("mikeyt." .. name, title, ...)
end

local function define_fields()
    for _, f in ipairs(FIELDS) do
        NAMES[f[1]] = f[2]:match("^uint") and f[5]
        MASK[f[1]] = f[6]
        define(table.unpack(f, 1, 6))
    end
    for _, flag in ipairs(POLICY_FLAGS) do
        local letter, bit, set, unset = table.unpack(flag)
        MASK["flag." .. letter] = bit
        define("flag." .. letter, "bool", letter:upper(), 8, {set, unset}, bit)
    end
    for number, title in pairs(SRTP_PARAM) do
        local name, names = table.unpack(SRTP_VALUE[number], 1, 2)
        NAMES["srtp." .. name] = names
        define("srtp." .. name, "uint32", title, DEC, names)
    end
end

-- Expert infos: name, text, group, severity.
local EXPERTS = {
    {"short", "input ends too early", "MALFORMED", "ERROR"},
    {"cut", "only part of the packet was captured", "UNDECODED", "NOTE"},
    {"trailing", "octets left over", "MALFORMED", "ERROR"},
    {"format", "fields contradict each other", "MALFORMED", "ERROR"},
    {"version", "unknown version", "UNDECODED", "WARN"},
    {"unknown", "unknown number, and so an unknown length",
        "UNDECODED", "WARN"},
    {"deep", "nested too deep", "UNDECODED", "WARN"},
    {"many", "too many parts in one packet", "UNDECODED", "WARN"},
    {"base64", "not base64", "MALFORMED", "ERROR"},
    {"unassigned", "no name is assigned to this number", "PROTOCOL", "NOTE"},
    {"reserved", "reserved bits are not 0", "PROTOCOL", "NOTE"},
    {"flags", "flags of the Ticket Policy contradict each other",
        "PROTOCOL", "WARN"},
    {"order", "payload that has to be the last", "PROTOCOL", "WARN"},
    {"twice", "stands twice", "PROTOCOL", "WARN"},
    {"rule", "against a rule of RFC 6043", "PROTOCOL", "WARN"},
    {"error", "Error message", "RESPONSE_CODE", "NOTE"},
}
local X = {}

local function define_experts()
    for _, x in ipairs(EXPERTS) do
        X[x[1]] = ProtoExpert.new("mikeyt.expert." .. x[1], x[2],
            expert.group[x[3]], expert.severity[x[4]])
    end
end

define_fields()
define_experts()
mikeyt.fields = F
mikeyt.experts = X
mikeyt.prefs.desegment = Pref.bool(
    "Reassemble messages spanning several TCP segments", true,
    "A message has no length field: its end is where its last payload ends.")

-- Reading -------------------------------------------------------------------

-- What stops a region: an error that attempt() shows. Any other error is a
-- bug and stays visible as one.
local Halt = {}

local function halt(name, ...)
    error(setmetatable({name = name, text = string.format(...)}, Halt), 0)
end

-- Like pcall(), for halt() only.
local function run(step, ...)
    local good, why = pcall(step, ...)
    if not good and getmetatable(why) ~= Halt then
        error(why, 0)
    end
    return good, why
end

local function warn(item, name, ...)
    item:add_proto_expert_info(X[name], string.format(...))
end

-- A tree that shows nothing, for a first look at what is there.
local NOWHERE = setmetatable({}, {__index = function()
    return function(self)
        return self
    end
end})

-- What is kept of the packet at hand: how much more of it will be shown, and
-- what the columns tell already.
local packet = {}

local function end_packet()
    packet = {
        parts = MAX_PARTS, certificates = MAX_CERTIFICATES,
        texts = MAX_TEXTS, told = {},
    }
end

local function begin_packet(pinfo)
    if packet.number ~= pinfo.number then
        end_packet()
    end
    packet.number, packet.pinfo = pinfo.number, pinfo
end

local function spend()
    packet.parts = packet.parts - 1
    if packet.parts < 0 then
        halt("many", "more than %d parts in one packet", MAX_PARTS)
    end
end

-- Octets that are used up from their start; never beyond `stop`.
local Reader = {}
Reader.__index = Reader

local function new_reader(tvb, at, stop)
    return setmetatable({tvb = tvb, at = at, stop = stop}, Reader)
end

function Reader:left()
    return self.stop - self.at
end

function Reader:take(octets)
    if octets > self:left() then
        local captured = self.tvb:len()
        if self.stop == captured and self.tvb:reported_len() > captured then
            halt("cut", "the packet goes on, the capture does not")
        end
        halt("short", "%d octets needed, %d left", octets, self:left())
    end
    self.at = self.at + octets
    return self.tvb(self.at - octets, octets)
end

-- The next octets as a region of their own.
function Reader:region(octets)
    self:take(octets)
    return new_reader(self.tvb, self.at - octets, self.at)
end

-- An item that reaches to the end of the region until close() is called.
function Reader:open(tree, name)
    self.node = tree:add(F[name], self.tvb(self.at, self:left()))
    return self.node, self.at
end

function Reader:close(node, start, outer)
    node:set_len(self.at - start)
    self.node = outer
end

function Reader:finish()
    if self:left() > 0 then
        halt("trailing", "%d octets left over", self:left())
    end
end

local PRIVATE = { -- numbers without a name that anyone may use
    ["prf"] = {112, 127}, ["policy.prf"] = {112, 127},
    ["ts.role"] = {240, 254}, ["id.role"] = {240, 254},
    ["rand.role"] = {240, 254}, ["policy.type"] = {61440, 65534},
}

local function check_name(item, name, value)
    local names, private = NAMES[name], PRIVATE[name]
    if not names or names[value] then
        return
    end
    if not private or value < private[1] or value > private[2] then
        warn(item, "unassigned", "%d is reserved or unassigned", value)
    end
end

-- A number; also returns what it is to be called in a text.
function Reader:number(node, name, octets)
    local range = self:take(octets or 1)
    local value = range:uint()
    check_name(node:add(F[name], range), name, value)
    return value, NAMES[name] and NAMES[name][value] or tostring(value)
end

local function masked(value, mask)
    local low = 1
    while mask % (low * 2) == 0 do
        low = low * 2
    end
    return math.floor(value / low) % (math.floor(mask / low) + 1)
end

-- Several fields in the same octets; returns their values.
function Reader:bits(node, octets, ...)
    local range, values = self:take(octets), {}
    for i, name in ipairs({...}) do
        values[i] = masked(range:uint(), MASK[name])
        check_name(node:add(F[name], range), name, values[i])
    end
    return table.unpack(values)
end

-- So many octets; nil and nothing shown if that is 0.
function Reader:octets(node, name, octets)
    local range = self:take(octets)
    if octets > 0 then
        node:add(F[name], range)
        return range
    end
end

-- A length field of so many octets, then what it counts.
function Reader:sized(node, length, octets, name)
    return self:octets(node, name, (self:number(node, length, octets)))
end

-- Octets whose number follows from an algorithm or a type.
function Reader:fixed(node, name, lengths, number)
    if not lengths[number] then
        halt("unknown", "no length known for number %d", number)
    end
    return self:octets(node, name, lengths[number])
end

-- Run a step that reads from r. What goes wrong there is shown, with the
-- rest of the region, and goes no further.
local function attempt(tree, r, step, ...)
    local good, why = run(step, ...)
    if not good then
        local node = r.node or tree
        if r:left() > 0 then
            node = node:add(F.undissected, r:take(r:left()))
        end
        warn(node, why.name, "%s", why.text)
        return false, why.name
    end
    return true
end

local function printable(range)
    local text = range:raw()
    return not text:find("[^ -~]") and text
end

local function add_text(node, name, range)
    local text = range and printable(range)
    if text then
        node:add(F[name], range, text)
        node:append_text(": " .. text)
    end
end

-- Payloads ------------------------------------------------------------------

-- Where a chain of payloads stands. A function that reads a payload gets the
-- item to add to, a reader behind `next payload`, and this; it may return a
-- role.
local function new_place(kind, outer)
    return {
        kind = kind, -- message, policy, ticket, initiator or keys
        type = outer and outer.type, -- data type of the message
        depth = outer and outer.depth + 1 or 0,
        seen = {}, kinds = {}, errors = {},
    }
end

local read_chain

local function read_kv(node, r, kv)
    if kv == 1 then
        r:sized(node, "kv.spi_len", 1, "kv.spi")
    elseif kv == 2 then
        r:sized(node, "kv.from_len", 1, "kv.from")
        r:sized(node, "kv.to_len", 1, "kv.to")
    elseif kv ~= 0 then
        halt("unknown", "no length known for key validity %d", kv)
    end
end

local function read_key(node, r, place)
    local kind, kv = r:bits(node, 1, "key.type", "kv")
    local name = NAMES["key.type"][kind]
    if not name then
        halt("unknown", "nothing known of Key Data of type %d", kind)
    end
    r:sized(node, "key.len", 2, "key.data")
    if SALTED[kind] then
        r:sized(node, "key.salt_len", 2, "key.salt")
    end
    read_kv(node, r, kv)
    place.has_tgk = place.has_tgk or TGK[kind]
    node:append_text(": " .. name)
end

-- What is in a KEMAC without encryption: keys, and with the public-key
-- method of RFC 3830 an ID before them. Nothing says which.
local function read_keys(node, region, outer)
    for _, first in ipairs({KEY_DATA, ID}) do
        local place = new_place("keys", outer)
        local function try(tree)
            local r = new_reader(region.tvb, region.at, region.stop)
            read_chain(tree, r, first, place)
            r:finish()
        end
        if run(try, NOWHERE) then
            try(node)
            outer.has_tgk = outer.has_tgk or place.has_tgk
            return
        end
    end
    warn(node, "format", "encryption is NULL, but these are no Key Data")
end

local function read_kemac(node, r, place)
    local encr, name = r:number(node, "kemac.encr_alg")
    local octets = r:number(node, "kemac.len", 2)
    local region = r:region(octets)
    if octets > 0 then
        local range = region.tvb(region.at, octets)
        local data = node:add(F["kemac.data"], range)
        if encr == 0 then
            read_keys(data, region, place)
        end
    end
    local mac = r:number(node, "kemac.mac_alg")
    r:fixed(node, "kemac.mac", MAC_LENGTH, mac)
    node:append_text(": " .. name)
end

local function read_pke(node, r)
    local _, octets = r:bits(node, 2, "pke.c", "pke.len")
    r:octets(node, "pke.data", octets)
end

local function read_dh(node, r)
    local group, name = r:number(node, "dh.group")
    r:fixed(node, "dh.value", DH_LENGTH, group)
    local _, kv = r:bits(node, 1, "dh.reserved", "kv")
    read_kv(node, r, kv)
    node:append_text(": " .. name)
end

local function read_sign(node, r)
    local _, octets = r:bits(node, 2, "sign.type", "sign.len")
    r:octets(node, "sign.data", octets)
end

-- Time of NTP: seconds since 1900, from 2036 on counted anew (RFC 4330 3),
-- and maybe a fraction. The product stays below 2^53, so it is exact.
local function ntp_time(range)
    local seconds, fraction = range(0, 4):uint(), 0
    if seconds < 2 ^ 31 then
        seconds = seconds + 2 ^ 32
    end
    if range:len() == 8 then
        fraction = math.floor(range(4, 4):uint() * 1953125 / 2 ^ 23)
    end
    return NSTime.new(seconds - 2208988800, fraction)
end

local function read_ts(node, r, role)
    local kind, name = r:number(node, "ts.type")
    local range = r:fixed(node, "ts.value", TS_LENGTH, kind)
    node:append_text(": " .. name)
    if kind == COUNTER then
        node:add(F["ts.counter"], range)
    elseif role == TRR then
        node:add(F["ts.seconds"], range(0, 4))
    else
        node:add(F["ts.time"], range, ntp_time(range))
    end
    if role == TRR and kind ~= NTP_UTC_32 then
        warn(node, "rule", "TRr has to be of the type NTP-UTC-32")
    end
end

local function read_t(node, r)
    read_ts(node, r)
end

local function read_tr(node, r)
    local role, name = r:number(node, "ts.role")
    node:append_text(" (" .. name .. ")")
    read_ts(node, r, role)
    return role
end

local function read_id(node, r)
    r:number(node, "id.type")
    add_text(node, "id.text", r:sized(node, "id.len", 2, "id.data"))
end

local function read_idr(node, r)
    local role, name = r:number(node, "id.role")
    node:append_text(" (" .. name .. ")")
    read_id(node, r)
    return role
end

local x509 = DissectorTable.get("media_type"):get_dissector(
    "application/pkix-cert")

-- What is no certificate, x509 marks as malformed before it fails.
local function open_certificate(node, range)
    packet.certificates = packet.certificates - 1
    if x509 and packet.certificates >= 0 then
        pcall(x509.call, x509, range:tvb(), packet.pinfo, node)
    end
end

local function read_cert(node, r)
    local kind, name = r:number(node, "cert.type")
    local range = r:sized(node, "cert.len", 2, "cert.data")
    node:append_text(": " .. name)
    if kind == X509_URL then
        add_text(node, "cert.url", range)
    elseif range and node ~= NOWHERE then
        open_certificate(node, range)
    end
end

local function read_chash(node, r)
    local func, name = r:number(node, "chash.func")
    r:fixed(node, "chash.hash", HASH_LENGTH, func)
    node:append_text(": " .. name)
end

local function read_v(node, r)
    local alg, name = r:number(node, "v.alg")
    r:fixed(node, "v.mac", MAC_LENGTH, alg)
    node:append_text(": " .. name)
end

local function read_rand(node, r)
    r:sized(node, "rand.len", 1, "rand.data")
end

local function read_randr(node, r)
    local role, name = r:number(node, "rand.role")
    node:append_text(" (" .. name .. ")")
    read_rand(node, r)
    return role
end

local function read_err(node, r, place)
    local _, name = r:number(node, "err.number")
    if r:number(node, "err.reserved", 2) ~= 0 then
        warn(node, "reserved", "reserved octets are not 0")
    end
    place.errors[#place.errors + 1] = name
    node:append_text(": " .. name)
    warn(node, "error", "%s", name)
end

local function read_ext(node, r)
    local _, name = r:number(node, "ext.type")
    node:append_text(" (" .. name .. ")")
    add_text(node, "ext.text", r:sized(node, "ext.len", 2, "ext.data"))
end

-- The value of an SRTP parameter as the number that it is.
local function show_value(item, kind, range)
    if not range or range:len() > 4 then
        warn(item, "format", "a number of 1 to 4 octets is expected")
        return
    end
    local value = range:uint()
    local name = "sp.param.number"
    if SRTP_VALUE[kind] then
        name = "srtp." .. SRTP_VALUE[kind][1]
    end
    check_name(item:add(F[name], range, value), name, value)
    local text = NAMES[name] and NAMES[name][value] or tostring(value)
    item:append_text(": " .. text)
end

local function read_param(node, r, prot)
    local item, start = r:open(node, "sp.param")
    local srtp = PROT_TYPE[prot] == "SRTP"
    local kind, name = r:number(item,
        srtp and "sp.param.srtp_type" or "sp.param.type")
    local range = r:sized(item, "sp.param.len", 1, "sp.param.value")
    item:append_text(", " .. name)
    if srtp then
        show_value(item, kind, range)
    end
    r:close(item, start, node)
end

local function read_sp(node, r)
    local number = r:number(node, "sp.policy_no")
    local prot, name = r:number(node, "sp.prot")
    local region = r:region(r:number(node, "sp.len", 2))
    node:append_text(": policy " .. number .. ", " .. name)
    attempt(node, region, function()
        while region:left() > 0 do
            spend()
            read_param(node, region, prot)
        end
    end)
end

-- Ticket Policy and ticket --------------------------------------------------

local POLICY_OCTETS = {
    {"policy.prf", "flag.d"},
    {"flag.e", "flag.f", "flag.g", "flag.h", "flag.i", "flag.j", "flag.k",
        "flag.l"},
    {"flag.m", "flag.n", "flag.o", "policy.reserved"},
}

-- A length of two octets and a region of that many, which a step uses up.
-- Returns whether there is anything.
local function read_region(node, r, length, name, step, place)
    local octets = r:number(node, length, 2)
    local region = r:region(octets)
    local item = node
    if octets > 0 then
        item = node:add(F[name], region.tvb(region.at, octets))
    end
    if step then
        attempt(item, region, function()
            if place.depth > MAX_DEPTH then
                halt("deep", "regions within regions within regions")
            end
            step(item, region, place)
            region:finish()
        end)
    end
    return octets > 0
end

local function read_first_and_chain(node, r, place)
    read_chain(node, r, (r:number(node, "first")), place)
end

local function check_flags(node, flags, has_tgk)
    for _, pair in ipairs(NEEDS) do
        if flags[pair[1]] and not flags[pair[2]] then
            warn(node, "flags", "flag %s without flag %s",
                pair[1]:upper(), pair[2]:upper())
        end
    end
    for _, pair in ipairs(EITHER) do
        if not flags[pair[1]] and not flags[pair[2]] then
            warn(node, "flags", "neither flag %s nor flag %s",
                pair[1]:upper(), pair[2]:upper())
        end
    end
    if flags.i and has_tgk and not flags.f then
        warn(node, "flags", "flag I and a TGK, but no flag F")
    end
end

local function read_flags(node, r)
    local flags, letters = {}, ""
    for _, names in ipairs(POLICY_OCTETS) do
        local values = {r:bits(node, 1, table.unpack(names))}
        for i, name in ipairs(names) do
            local letter = name:match("^flag%.(.)$")
            if letter and values[i] == 1 then
                flags[letter] = true
                letters = letters .. letter:upper()
            elseif name == "policy.reserved" and values[i] ~= 0 then
                warn(node, "reserved", "reserved bits are not 0")
            end
        end
    end
    return flags, letters
end

-- What TP and TICKET share; returns the flags, whether this is the base
-- ticket, and whether a TGK is asked for.
local function read_policy(node, r, outer)
    local kind, name = r:number(node, "policy.type", 2)
    local subtype = r:number(node, "policy.subtype")
    local version = r:number(node, "policy.version")
    local flags, letters = read_flags(node, r)
    node:append_text(": " .. name .. ", flags " .. letters)
    local place = new_place("policy", outer)
    read_region(node, r, "policy.len", "policy.data", read_first_and_chain,
        place)
    local base = kind == 1 and subtype == 1 and version == 1
    return flags, base, place.has_tgk
end

local function read_tp(node, r, place)
    local flags, _, has_tgk = read_policy(node, r, place)
    check_flags(node, flags, has_tgk)
end

-- THDR has no type of its own: it is what Ticket Data begin with.
local function read_base_ticket(node, r, place)
    local item, start = r:open(node, "thdr")
    local kind = r:number(item, "next")
    r:sized(item, "thdr.len", 2, "thdr.data")
    r:close(item, start)
    read_chain(node, r, kind, place)
    if place.kinds[#place.kinds] ~= V then
        warn(node, "order", "Ticket Data do not end in V")
    end
end

local function read_initiator(node, r, place)
    read_first_and_chain(node, r, place)
    local kinds = place.kinds
    if #kinds ~= 2 or kinds[1] ~= V or kinds[2] ~= V then
        warn(node, "rule", "Initiator Data have to be Vi and Vr")
    end
end

local function check_initiator(node, place, forking, there)
    if there and not forking then
        warn(node, "rule", "Initiator Data without flag I")
    elseif forking and not there and WITH_INITIATOR_DATA[place.type] then
        warn(node, "rule", "flag I without Initiator Data")
    end
end

local function read_ticket(node, r, outer)
    local flags, base = read_policy(node, r, outer)
    local place = new_place("ticket", outer)
    read_region(node, r, "ticket.len", "ticket.data",
        base and read_base_ticket, place)
    check_flags(node, flags, place.has_tgk)
    -- No Initiator Data at all is a length of 0, so look before reading.
    local there = r:left() >= 2 and r.tvb(r.at, 2):uint() > 0
    read_region(node, r, "initiator.len", "initiator.data",
        there and read_initiator, new_place("initiator", outer))
    check_initiator(node, outer, flags.i, there)
end

-- Chains --------------------------------------------------------------------

local PAYLOADS = {
    {"kemac", read_kemac}, {"pke", read_pke}, {"dh", read_dh},
    {"sign", read_sign}, {"t", read_t}, {"id", read_id},
    {"cert", read_cert}, {"chash", read_chash}, {"v", read_v},
    {"sp", read_sp}, {"rand", read_rand}, {"err", read_err},
    {"tr", read_tr}, {"idr", read_idr}, {"randr", read_randr},
    {"tp", read_tp}, {"ticket", read_ticket},
    [20] = {"key", read_key}, [21] = {"ext", read_ext},
}

-- Payloads that stand once in a chain; with a role, once for each.
local ONCE = {
    [1] = true, [5] = true, [9] = true, [13] = true, [14] = true,
    [15] = true, [16] = true, [17] = true,
}
-- But these may stand several times.
local REPEATED = {policy = {["14/2"] = true, ["14/5"] = true}}

local function check_place(node, kind, role, following, place)
    local key = kind .. "/" .. tostring(role or "")
    local repeated = REPEATED[place.kind] or {}
    if place.kind == "initiator" and kind == V then
        node:append_text(place.seen[key] and " (Vr)" or " (Vi)")
    elseif kind == V and following ~= LAST then
        warn(node, "order", "V has to be the last payload")
    elseif place.seen[key] and ONCE[kind] and not repeated[key] then
        warn(node, "twice", "%s stands twice", NEXT_PAYLOAD[kind])
    end
    place.seen[key] = true
    place.kinds[#place.kinds + 1] = kind
end

-- Whether a type of payload can be read here; Key Data only in a KEMAC.
local function is_known(kind, place)
    if place.kind == "keys" then
        return kind == KEY_DATA or kind == ID
    end
    return PAYLOADS[kind] and kind ~= KEY_DATA
end

-- The payloads from the type `kind` on, up to the last.
function read_chain(tree, r, kind, place)
    while kind ~= LAST do
        spend()
        if not is_known(kind, place) then
            halt("unknown", "payload of type %d (%s)", kind,
                NEXT_PAYLOAD[kind] or "unassigned")
        end
        local name, read = table.unpack(PAYLOADS[kind])
        local node, start = r:open(tree, name)
        local following = LAST
        if kind ~= SIGN then
            following = r:number(node, "next")
        end
        local role = read(node, r, place)
        r:close(node, start)
        check_place(node, kind, role, following, place)
        kind = following
    end
end

-- Header --------------------------------------------------------------------

local function read_srtp_id(node, r)
    local item, start = r:open(node, "cs")
    r:number(item, "cs.policy_no")
    local ssrc = r:number(item, "cs.ssrc", 4)
    r:number(item, "cs.roc", 4)
    item:append_text(string.format(", SSRC 0x%08x", ssrc))
    r:close(item, start, node)
end

local function read_session(node, r, started)
    local wanted = started and 10 or 4
    if r:left() ~= wanted then
        halt("format", "SRTP Session Data of %d octets instead of %d",
            r:left(), wanted)
    end
    r:number(node, "cs.ssrc", 4)
    if started then
        r:number(node, "cs.roc", 4)
        r:number(node, "cs.seq", 2)
    end
end

local function read_generic_id(node, r, seen)
    local item, start = r:open(node, "cs")
    local id = r:number(item, "cs.id")
    local prot = r:number(item, "cs.prot")
    local started, policies = r:bits(item, 1, "cs.s", "cs.policies")
    for _ = 1, policies do
        r:number(item, "cs.policy")
    end
    local octets = r:number(item, "cs.session_len", 2)
    local region = r:region(octets)
    if octets > 0 then
        local session = item:add(F["cs.session"],
            region.tvb(region.at, octets))
        if PROT_TYPE[prot] == "SRTP" then
            attempt(session, region, read_session, session, region,
                started == 1)
        end
    end
    r:sized(item, "cs.spi_len", 1, "cs.spi")
    item:append_text(" " .. id)
    r:close(item, start, node)
    if seen[id] then
        warn(item, "twice", "CS ID %d stands twice", id)
    end
    seen[id] = true
end

local READ_CS = {[0] = read_srtp_id, [2] = read_generic_id}
local SRTP_ID, EMPTY_MAP = 0, 1

local function read_map(node, r, place)
    local count = r:number(node, "cs_count")
    local kind = r:number(node, "map_type")
    local read, seen = READ_CS[kind], {}
    if kind == EMPTY_MAP and count > 0 then
        warn(node, "format", "an Empty map with crypto sessions")
    elseif not read and count > 0 then
        halt("unknown", "no length known for CS ID map type %d", kind)
    elseif kind == SRTP_ID and place.is_ticket and count > 0 then
        warn(node, "rule", "SRTP-ID shall not be used in MIKEY-TICKET")
    end
    for _ = 1, read and count or 0 do
        spend()
        read(node, r, seen)
    end
end

local function read_hdr(tree, r, place)
    local node, start = r:open(tree, "hdr")
    local version = r:number(node, "version")
    if version ~= VERSION then
        halt("version", "version %d instead of %d", version, VERSION)
    end
    place.type, place.name = r:number(node, "type")
    place.is_ticket = place.type >= TICKET_TYPES.first and
        place.type <= TICKET_TYPES.last
    local first = r:number(node, "next")
    r:bits(node, 1, "verify", "prf")
    place.csb = r:number(node, "csb_id", 4)
    read_map(node, r, place)
    r:close(node, start)
    return first
end

-- Messages ------------------------------------------------------------------

local built_in
pcall(function()
    built_in = Dissector.get("mikey")
end)

local function protocol_of(place)
    return place.is_ticket and "MIKEY-TICKET" or "MIKEY"
end

local function summary(place)
    local text = place.name or "not a message"
    if place.csb then
        text = text .. string.format(" CSB %08x", place.csb)
    end
    if #place.errors > 0 then
        text = text .. ": " .. table.concat(place.errors, ", ")
    end
    return text
end

-- One message from `at` on. If it is alone, it has to fill the tvb.
-- Returns its place, where it ends, and if it does not, why.
local function read_message(tvb, at, tree, alone)
    local r = new_reader(tvb, at, tvb:len())
    local root = tree:add(mikeyt, tvb(at, r:left()))
    local place = new_place("message")
    local good, why = attempt(root, r, function()
        spend()
        read_chain(root, r, read_hdr(root, r, place), place)
        if alone then
            r:finish()
        end
    end)
    root:set_len(r.at - at)
    root:set_text(protocol_of(place) .. ": " .. summary(place))
    return place, good and r.at, why, root
end

-- Tell of a message in the columns, once of each.
local function tell(place, own)
    local columns, told = packet.pinfo.cols, packet.told
    local text, protocol = summary(place), protocol_of(place)
    if own and not told[1] then
        columns.protocol:set(protocol)
        columns.info:set(text)
    elseif not told[text] then
        columns.info:append((own and ", " or " ") .. text)
        if not own and not told[protocol] then
            columns.protocol:append("/" .. protocol)
        end
    end
    told[1], told[text], told[protocol] = true, true, true
end

-- SAKKE messages are better known to the dissector that comes along.
local function hand_on(tvb, tree)
    if not built_in or tvb:len() < HDR_MIN or
        tvb(0, 1):uint() ~= VERSION or not BUILT_IN[tvb(1, 1):uint()] then
        return false
    end
    pcall(built_in.call, built_in, tvb, packet.pinfo, tree)
    return true
end

-- Where messages travel -----------------------------------------------------

-- The end of the message at `at`, or whether more of the stream may help.
local function measure(tvb, at)
    local parts = packet.parts
    local _, stop, why = read_message(tvb, at, NOWHERE)
    packet.parts = parts
    local wait = why == "short" and mikeyt.prefs.desegment and
        packet.pinfo.can_desegment > 0 and tvb:len() - at < MAX_STREAM
    return stop, wait
end

-- One message after the other, the last of which may go on in the next
-- segment. A message that cannot be read takes all the rest.
local function dissect_stream(tvb, tree)
    local at, stop, wait = 0
    repeat
        stop, wait = measure(tvb, at)
        if wait then
            packet.pinfo.desegment_offset = at
            packet.pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
            return
        end
        tell((read_message(tvb, at, tree)), true)
        at = stop or tvb:len()
    until at >= tvb:len()
end

-- Octets from base64, white space allowed; nil if it is anything else.
local function from_base64(text)
    local packed = text:gsub("%s+", "")
    if #packed > 0 and #packed % 4 == 0 and
        packed:find("^[A-Za-z0-9+/]+=?=?$") then
        return ByteArray.new(packed, true):base64_decode()
    end
end

local function show_text(range, tree)
    local octets = from_base64(range:raw())
    if packet.texts < 0 then
        local root = tree:add(mikeyt, range)
        warn(root, "many", "more than %d messages in one packet", MAX_TEXTS)
        return root
    elseif not octets then
        local root = tree:add(mikeyt, range)
        warn(root, "base64", "this is not base64")
        return root
    end
    local tvb = octets:tvb("MIKEY, decoded from base64")
    if not hand_on(tvb, tree) then
        local place, _, _, root = read_message(tvb, 0, tree, true)
        tell(place)
        return root
    end
end

-- A message in base64 text, and where it was found.
local function dissect_base64(range, tree, carrier)
    packet.texts = packet.texts - 1
    if packet.texts >= -1 then
        local root = show_text(range, tree)
        if root then
            root:add(F.carrier, carrier):set_generated()
            root:add(F.base64, range)
        end
    end
end

-- A body of HTTP, as octets or as base64; or what SDP has decoded.
local function dissect_body(tvb, tree)
    if tvb:len() > 0 and not tvb():raw():find("[^%s!-~]") then
        dissect_base64(tvb(), tree, "body")
    else
        tell((read_message(tvb, 0, tree, true)))
    end
end

local TCP = 2 -- of pinfo.port_type

function mikeyt.dissector(tvb, pinfo, tree)
    begin_packet(pinfo)
    if hand_on(tvb, tree) then
        return tvb:len()
    elseif pinfo.match_string then -- media type, or protocol of key-mgmt
        dissect_body(tvb, tree)
    elseif pinfo.port_type == TCP then
        dissect_stream(tvb, tree)
    else
        tell((read_message(tvb, 0, tree, true)), true)
    end
    return tvb:len()
end

-- Text with MIKEY in it -----------------------------------------------------

-- The dissector of SDP calls ours for lines at session level. It does not
-- for those at media level, nor does that of RTSP know KeyMgmt: these are
-- looked for when all of the packet has been dissected.
local texts = Proto("mikeyt_text", "MIKEY-TICKET in SDP and RTSP")
local sdp, sip, rtsp = Field.new("sdp"), Field.new("sip"), Field.new("rtsp")

-- Lines of SDP; those at session level only if nobody else decoded them.
-- `a=key-mgmt: mikey` is legal, but there it makes Wireshark's dissector of
-- SDP give up.
local function scan_sdp(range, tree, ours)
    local medium, count = "session level", 0
    for start, line in range:raw():gmatch("()([^\r\n]+)") do
        local at, data = line:match("^a=key%-mgmt: ?mikey +()(%S.-)%s*$")
        if line:find("^m=") then
            count, ours = count + 1, true
            medium = string.format("media %d, %s", count, line:sub(3))
        end
        ours = ours or line:find("^a=key%-mgmt: ")
        if at and (ours or not from_base64(data)) then
            dissect_base64(range(start + at - 2, #data), tree,
                "SDP, " .. medium)
        end
    end
end

-- Where SDP gave up early, nothing is left but what carries it.
local function scan_carrier(range, tree)
    local _, head = range:raw():find("\r?\n\r?\n")
    if head and head < range:len() then
        local body = range(head)
        if body:raw():find("^v=0[\r\n]") then
            scan_sdp(body, tree, true)
        end
    end
end

-- One KeyMgmt header: prot=mikey; uri="..."; data="..." and maybe another,
-- behind a comma.
local function scan_key_mgmt(range, tree)
    local protocol
    for name, quote, at, value in range:raw():gmatch(
        '([%a-]+)%s*=%s*("?)()([^";,]*)') do
        if name:lower() == "prot" then
            protocol = value:match("^%s*(.-)%s*$")
        elseif name:lower() == "data" and protocol == "mikey" and
            quote == '"' and #value > 0 then
            dissect_base64(range(at - 1, #value), tree, "RTSP, KeyMgmt")
        end
    end
end

local function scan_rtsp(range, tree)
    for start, line in range:raw():gmatch("()([^\r\n]*)\r?\n") do
        if line == "" then
            return
        end
        local name, at = line:match("^([%a-]+)%s*:()")
        if name and name:lower() == "keymgmt" and at <= #line then
            scan_key_mgmt(range(start + at - 2, #line - at + 1), tree)
        end
    end
end

function texts.dissector(_, pinfo, tree)
    begin_packet(pinfo)
    local bodies = {sdp()}
    for _, found in ipairs(bodies) do
        scan_sdp(found.range, tree)
    end
    for _, found in ipairs({rtsp()}) do
        scan_rtsp(found.range, tree)
    end
    for _, found in ipairs(#bodies == 0 and {sip()} or {}) do
        scan_carrier(found.range, tree)
    end
    for _, found in ipairs(#bodies == 0 and {rtsp()} or {}) do
        scan_carrier(found.range, tree)
    end
    end_packet() -- it may be dissected once more
end

-- Registration --------------------------------------------------------------

DissectorTable.get("udp.port"):add(PORT, mikeyt)
DissectorTable.get("tcp.port"):add(PORT, mikeyt)
DissectorTable.get("media_type"):add("application/mikey", mikeyt)
DissectorTable.get("key_mgmt"):add("mikey", mikeyt)
register_postdissector(texts)
