# SPDX-License-Identifier: Apache-2.0
"""A second reader of revocation lists and lists of trust anchors, written from
the manual pages alone and sharing nothing with the programs.

second_lists.py revocations LIST ROOT-KEY.pem FWTRUST.5 FWBUNDLE.5
    the number, then one identifier a line; the signature is checked by openssl
second_lists.py anchors LIST
    one line for each certificate: the SHA-256 of its DER
"""

import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile

import cbor2


def need(condition, what):
    if not condition:
        sys.exit("second_lists.py: " + what)


# ---- what the pages say ------------------------------------------------------

def page_form(page):
    """The name and the version of the format, the tag and the label of alg,
    out of the CDDL."""
    text = open(page, encoding="utf-8").read()
    name = re.search(r'list = \[\n +"([a-z-]+)",\n +(\d+), +; version\n'
                     r' +number: uint,\n'
                     r' +revoked: bstr +; identifiers, (\d+) bytes each\n\]',
                     text)
    need(name, "the page has no list")
    block = re.search(r"COSE_Sign1 = (\d+)\(\[ bstr \.cbor protected, \{\}, "
                      r"nil, signature \]\)\nprotected = \{ (\d+) => alg \}",
                      text)
    need(block, "the page has no signature")
    return (name[1], int(name[2]), int(name[3]), int(block[1]), int(block[2]))


def page_algorithms(page):
    """alg to name, of those that are written."""
    found = {}
    for line in open(page, encoding="utf-8"):
        m = re.match(r"\.It (\w+) Ta (-\d+) Ta ", line)
        if m:
            found[int(m[2])] = m[1]
    need(len(found) == 8, "the page has %d algorithms" % len(found))
    return found


# ---- signatures ----------------------------------------------------------

def ecdsa_der(signature):
    def integer(b):
        b = b.lstrip(b"\0")
        b = b"\0" + b if b[0] & 0x80 else b
        return b"\x02" + bytes([len(b)]) + b
    half = len(signature) // 2
    body = integer(signature[:half]) + integer(signature[half:])
    head = b"\x30" + (b"\x81" if len(body) > 127 else b"")
    return head + bytes([len(body)]) + body


SIZES = {"ESP256": 64, "ESP384": 96, "ESP512": 132, "Ed25519": 64}


def verify(alg, tbs, signature, key):
    if alg in SIZES:
        need(len(signature) == SIZES[alg], "the length of the signature")
    if alg.startswith("ESP"):
        signature = ecdsa_der(signature)
    with tempfile.TemporaryDirectory() as t:
        message, sig = os.path.join(t, "tbs"), os.path.join(t, "sig")
        open(message, "wb").write(tbs)
        open(sig, "wb").write(signature)
        if alg == "Ed25519":
            command = ["pkeyutl", "-verify", "-pubin", "-inkey", key,
                       "-rawin", "-in", message, "-sigfile", sig]
        else:
            command = ["dgst", "-sha" + alg[-3:],
                       "-verify", key, "-signature", sig]
            if alg.startswith("PS"):
                command += ["-sigopt", "rsa_padding_mode:pss", "-sigopt",
                            "rsa_pss_saltlen:digest"]
            command.append(message)
        done = subprocess.run(["openssl"] + command, capture_output=True,
                              check=False)
    need(done.returncode == 0, "the signature")


# ---- the lists -----------------------------------------------------------

def item(data):
    """One item in deterministic encoding, and nothing behind it."""
    stream = io.BytesIO(data)
    value = cbor2.load(stream)
    need(stream.tell() == len(data), "something behind the end")
    need(cbor2.dumps(value, canonical=True) == data, "not deterministic")
    return value


def revocations(path, key, page, algorithms):
    name, version, size, tag, label = page_form(page)
    names = page_algorithms(algorithms)
    signed = item(open(path, "rb").read())
    need(isinstance(signed, list) and len(signed) == 2, "two elements")
    content, block = signed
    need(isinstance(content, bytes) and isinstance(block, bytes), "bstr")
    sign1 = item(block)
    need(isinstance(sign1, cbor2.CBORTag) and sign1.tag == tag, "the tag")
    protected, unprotected, payload, signature = sign1.value
    need(unprotected == {} and payload is None, "COSE_Sign1")
    header = item(protected)
    need(list(header) == [label] and header[label] in names, "the header")
    verify(names[header[label]], cbor2.dumps(
        ["Signature1", protected, b"", content]), signature, key)
    listed = item(content)
    need(listed[:2] == [name, version] and len(listed) == 4, "the list")
    number, revoked = listed[2:]
    need(isinstance(number, int) and number >= 0, "the number")
    need(isinstance(revoked, bytes) and len(revoked) % size == 0,
         "whole identifiers")
    ids = [revoked[i:i + size] for i in range(0, len(revoked), size)]
    need(ids == sorted(set(ids)), "the order")
    print(number)
    for i in ids:
        print(i.hex())


def element(data, at):
    """Tag, begin of the content and end of the DER element there."""
    need(at + 2 <= len(data), "an element is cut")
    n, begin = data[at + 1], at + 2
    if n & 0x80:
        octets = n & 0x7f
        need(0 < octets <= 4, "a length")
        n = int.from_bytes(data[begin:begin + octets], "big")
        begin += octets
        need(n >= 128 and n >> 8 * (octets - 1) != 0, "a length is not DER")
    need(begin + n <= len(data), "an element is cut")
    return data[at], begin, begin + n


def anchors(path):
    data = open(path, "rb").read()
    tag, at, end = element(data, 0)
    need(tag == 0x30 and end == len(data), "one SEQUENCE")
    n = 0
    while at < end:
        tag, _, after = element(data, at)
        need(tag == 0x30 and after <= end, "a certificate")
        print(hashlib.sha256(data[at:after]).hexdigest())
        at, n = after, n + 1
    need(1 <= n <= 16, "1 to 16 certificates")


try:
    {"revocations": revocations, "anchors": anchors}[sys.argv[1]](*sys.argv[2:])
except (ValueError, TypeError, KeyError, IndexError, AttributeError,
        EOFError, cbor2.CBORError) as e:
    sys.exit("second_lists.py: malformed: %s" % str(e).split("\n")[0])
