# SPDX-License-Identifier: Apache-2.0
"""Public keys for MIKEY: signatures, envelope keys, Diffie-Hellman.

Test vectors must be the same on every run, so all that is random elsewhere
is an argument here: paddings, salts and seeds. Therefore the paddings of
PKCS #1 (RFC 8017) are made by hand around a bare RSA operation, and ECDSA
takes its k by RFC 6979. Verification is left to the library: whoever signs
and whoever verifies should not share a mistake.
"""

import functools
import hashlib
import hmac

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from mikeyread import MikeyError

S_PKCS1, S_PSS = 0, 1
# No number is registered for ECDSA and the space has no private range; this
# one is an agreement between peers, and so stands in one place.
S_ECDSA = 15

HASHES = {"SHA-1": hashes.SHA1, "SHA-256": hashes.SHA256}
CHASH_NAMES = {0: "SHA-1", 1: "MD5", 2: "SHA-256"}
P256_ORDER = int("ffffffff00000000ffffffffffffffff"
                 "bce6faada7179e84f3b9cac2fc632551", 16)
# DER of AlgorithmIdentifier and OCTET STRING header (RFC 8017, 9.2).
DIGEST_INFO = {
    "SHA-1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "SHA-256": bytes.fromhex("3031300d060960864801650304020105000420"),
}


class SignatureError(MikeyError):
    """A signature or an envelope is not what the key would have made."""


@functools.lru_cache(maxsize=32)
def load_key(pem):
    """Loading checks a key for a tenth of a second, so it is done once."""
    return serialization.load_pem_private_key(pem, password=None)


def load_certificates(pem):
    """Certificates in the order of the file: the owner's comes first."""
    mark = b"-----BEGIN CERTIFICATE-----"
    return [x509.load_pem_x509_certificate(mark + part)
            for part in pem.split(mark)[1:]]


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def digest(name, data):
    return hashlib.new(name.replace("-", "").lower(), data).digest()


def chash(function, certificate):
    """CHASH of the certificate whose key was used (RFC 3830, 6.8)."""
    return digest(CHASH_NAMES[function], certificate)


# --- RSA (RFC 8017) --------------------------------------------------------


def _size(key):
    return (key.key_size + 7) // 8


def _bare_public(key, block):
    numbers = key.public_numbers()
    value = pow(int.from_bytes(block, "big"), numbers.e, numbers.n)
    return value.to_bytes(_size(key), "big")


def _bare_private(key, block):
    numbers = key.private_numbers()
    value = int.from_bytes(block, "big")
    if value >= numbers.public_numbers.n or len(block) != _size(key):
        raise SignatureError("not of the size of this RSA key")
    value = pow(value, numbers.d, numbers.public_numbers.n)
    return value.to_bytes(_size(key), "big")


def _xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other))


def mgf1(name, seed, octets):
    out, counter = b"", 0
    while len(out) < octets:
        out += digest(name, seed + counter.to_bytes(4, "big"))
        counter += 1
    return out[:octets]


def pkcs1_padding_length(key, secret):
    return _size(key) - 3 - len(secret)


def encrypt_pkcs1(key, secret, filler):
    """RSAES-PKCS1-v1_5 with a given padding string, which has no zero."""
    if len(filler) != pkcs1_padding_length(key, secret) or 0 in filler:
        raise MikeyError("a padding string that does not fit")
    return _bare_public(key, b"\0\2" + filler + b"\0" + secret)


def decrypt_pkcs1(key, data):
    """Only for tests: it tells the caller where a padding is wrong."""
    block = _bare_private(key, data)
    end = block.find(b"\0", 2)
    if block[:2] != b"\0\2" or end < 10:
        raise SignatureError("not an RSAES-PKCS1-v1_5 envelope")
    return block[end + 1:]


def encrypt_oaep(key, secret, seed, name="SHA-1"):
    """RSAES-OAEP with an empty label; hash and MGF1 hash are the same."""
    size, length = _size(key), len(seed)
    if length != len(digest(name, b"")):
        raise MikeyError("the seed is as long as the hash")
    zeros = bytes(size - len(secret) - 2 * length - 2)
    block = digest(name, b"") + zeros + b"\1" + secret
    masked = _xor(block, mgf1(name, seed, len(block)))
    hidden = _xor(seed, mgf1(name, masked, length))
    return _bare_public(key, b"\0" + hidden + masked)


def decrypt_oaep(key, data, name="SHA-1"):
    method = HASHES[name]
    try:
        return key.decrypt(data, padding.OAEP(padding.MGF1(method()),
                                              method(), None))
    except ValueError as error:
        raise SignatureError("not an RSAES-OAEP envelope") from error


def decrypt(key, data):
    """PKE does not say which padding it has (AMB 11): v1.5, then OAEP."""
    try:
        return decrypt_pkcs1(key, data)
    except SignatureError:
        return decrypt_oaep(key, data)


def sign_pkcs1(key, data, name):
    info = DIGEST_INFO[name] + digest(name, data)
    filler = b"\xff" * (_size(key) - 3 - len(info))
    return _bare_private(key, b"\0\1" + filler + b"\0" + info)


def sign_pss(key, data, salt, name="SHA-256"):
    """RSASSA-PSS; MGF1 has the same hash, the salt is as long as it."""
    bits = key.key_size - 1
    size = (bits + 7) // 8
    inner = digest(name, bytes(8) + digest(name, data) + salt)
    block = bytes(size - len(salt) - len(inner) - 2) + b"\1" + salt
    masked = bytearray(_xor(block, mgf1(name, inner, len(block))))
    masked[0] &= 0xFF >> (8 * size - bits)
    whole = bytes(masked) + inner + b"\xbc"
    return _bare_private(key, whole.rjust(_size(key), b"\0"))


# --- ECDSA with P-256 ------------------------------------------------------


def deterministic_k(secret, name, hashed):
    """RFC 6979, 3.2, for P-256, whose order has as many bits as SHA-256."""
    base = (secret.to_bytes(32, "big")
            + (int.from_bytes(hashed[:32], "big") % P256_ORDER).to_bytes(
                32, "big"))
    method = name.replace("-", "").lower()
    v, k = b"\1" * len(hashed), bytes(len(hashed))
    for mark in (b"\0", b"\1"):
        k = hmac.digest(k, v + mark + base, method)
        v = hmac.digest(k, v, method)
    while True:
        v = hmac.digest(k, v, method)
        value = int.from_bytes(v[:32], "big")
        if 0 < value < P256_ORDER:
            return value
        k = hmac.digest(k, v + b"\0", method)
        v = hmac.digest(k, v, method)


def sign_ecdsa(key, data, name="SHA-256"):
    """r || s, 32 octets each.

    Not the DER form: the signature covers its own length, which must be
    known before, and that of the DER form is not.
    """
    secret, hashed = key.private_numbers().private_value, digest(name, data)
    k = deterministic_k(secret, name, hashed)
    point = ec.derive_private_key(k, ec.SECP256R1()).public_key()
    r = point.public_numbers().x % P256_ORDER
    e = int.from_bytes(hashed[:32], "big")
    s = pow(k, -1, P256_ORDER) * (e + r * secret) % P256_ORDER
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _der(signature):
    if len(signature) != 64:
        raise SignatureError("an ECDSA signature of a wrong length")
    return utils.encode_dss_signature(int.from_bytes(signature[:32], "big"),
                                      int.from_bytes(signature[32:], "big"))


# --- any signature ---------------------------------------------------------


def sign(kind, key, data, name, salt=b""):
    if kind == S_PKCS1:
        return sign_pkcs1(key, data, name)
    if kind == S_PSS:
        return sign_pss(key, data, salt, name)
    if kind == S_ECDSA:
        return sign_ecdsa(key, data, name)
    raise MikeyError(f"unknown S type {kind}")


def signature_room(kind, key):
    """How long a signature will be: its length is under it."""
    return 64 if kind == S_ECDSA else _size(key)


def verify(kind, key, signature, data, names=("SHA-256", "SHA-1")):
    """The hash under which a signature verifies; no field names it."""
    for name in names:
        method = HASHES[name]()
        try:
            if kind == S_PKCS1:
                key.verify(signature, data, padding.PKCS1v15(), method)
            elif kind == S_PSS:
                pss = padding.PSS(padding.MGF1(method), method.digest_size)
                key.verify(signature, data, pss, method)
            elif kind == S_ECDSA:
                key.verify(_der(signature), data, ec.ECDSA(method))
            else:
                raise MikeyError(f"unknown S type {kind}")
            return name
        except InvalidSignature:
            continue
    raise SignatureError("the signature does not verify")


# --- Diffie-Hellman (groups of RFC 2412, E.1, E.2, E.5) --------------------


def _arctan_inverse(x, unity):
    total = term = unity // x
    n, sign_ = 3, -1
    while term:
        term //= x * x
        total += sign_ * (term // n)
        n, sign_ = n + 2, -sign_
    return total


def _pi(bits):
    """Floor of pi times 2^bits, by Machin's formula."""
    unity = 1 << (bits + 64)
    value = 4 * (4 * _arctan_inverse(5, unity) - _arctan_inverse(239, unity))
    return value >> 64


def _oakley(bits, offset):
    """The primes of RFC 2412 are defined through the digits of pi."""
    return (2**bits - 2**(bits - 64) - 1
            + 2**64 * (_pi(bits - 130) + offset))


DH_BITS = {0: (1536, 741804), 1: (768, 149686), 2: (1024, 129093)}
DH_PRIMES = {group: _oakley(*given) for group, given in DH_BITS.items()}
DH_GENERATOR = 2


def dh_public(group, secret):
    prime = DH_PRIMES[group]
    return pow(DH_GENERATOR, secret, prime).to_bytes(
        DH_BITS[group][0] // 8, "big")


def dh_shared(group, secret, public):
    """g^(xi*xr) as octets of the width of the group."""
    prime, value = DH_PRIMES[group], int.from_bytes(public, "big")
    if not 1 < value < prime - 1:
        raise SignatureError("a DH value that is no secret")
    return pow(value, secret, prime).to_bytes(DH_BITS[group][0] // 8, "big")
