#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Made the keys in this folder, once; new keys would change the vectors.

    reference/testkeys/make.py FOLDER

Each file holds a private key and the certificates up to, but without, the
root, the owner's first. They protect nothing but test vectors.
"""

import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

START = datetime.datetime(2019, 1, 1)
END = datetime.datetime(2049, 12, 31)
SIGNS = {"digital_signature": True, "content_commitment": False,
         "data_encipherment": False, "key_agreement": False,
         "crl_sign": False, "encipher_only": False, "decipher_only": False}


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, serial, uri=None):
    """A certificate of a user if there is a URI, else of an authority."""
    usage = dict(SIGNS, key_encipherment=bool(uri), key_cert_sign=not uri)
    builder = x509.CertificateBuilder(
        name(issuer), name(subject), key.public_key(), serial, START, END)
    builder = builder.add_extension(
        x509.BasicConstraints(not uri, None), critical=True)
    builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    if uri:
        builder = builder.add_extension(x509.SubjectAlternativeName(
            [x509.UniformResourceIdentifier(uri)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def save(path, key, *chain):
    pem = key.private_bytes(serialization.Encoding.PEM,
                            serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    pem += b"".join(c.public_bytes(serialization.Encoding.PEM)
                    for c in chain)
    path.write_bytes(pem)


def new_rsa():
    return rsa.generate_private_key(65537, 2048)


def new_ec():
    return ec.generate_private_key(ec.SECP256R1())


def main():
    folder = pathlib.Path(sys.argv[1])
    root, issuer = new_rsa(), new_rsa()
    save(folder / "root.pem", root,
         certificate("root", root, "root", root, 1))
    middle = certificate("issuer", issuer, "root", root, 2)
    save(folder / "issuer.pem", issuer, middle)
    for serial, (user, make) in enumerate((
            ("alice-rsa", new_rsa), ("alice-ec", new_ec), ("bob-rsa", new_rsa),
            ("bob-ec", new_ec), ("kms-rsa", new_rsa)), 10):
        key, uri = make(), f"sip:{user.split('-')[0]}@example.com"
        if user == "alice-rsa":  # a chain of two
            chain = [certificate(user, key, "issuer", issuer, serial, uri),
                     middle]
        else:
            chain = [certificate(user, key, "root", root, serial, uri)]
        save(folder / f"{user}.pem", key, *chain)


if __name__ == "__main__":
    main()
