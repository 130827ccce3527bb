# SPDX-License-Identifier: Apache-2.0
"""second.py BUNDLE PUBLIC-KEY FWBUNDLE.5: a second reader of bundles, written
from the manual page alone and sharing nothing with the programs.  Reads the
header table out of the page, then checks archive, envelope, signature (with
openssl), manifest, payloads and attachments of a bundle signed with ESP256."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

import cbor2

HASH = {-16: "sha256", -43: "sha384", -44: "sha512"}


def need(condition, what):
    if not condition:
        sys.exit("second.py: " + what)


def header_table(page):
    """offset, length, field, content of each row of the page's table."""
    rows = []
    for line in open(page, encoding="utf-8"):
        m = re.match(r"\.It (\d+) Ta (\d+) Ta (\w+) Ta (.*)$", line)
        if m:
            rows.append((int(m[1]), int(m[2]), m[3], m[4]))
    need(len(rows) == 17, "the page's table has %d rows" % len(rows))
    need([r[0] for r in rows] == [sum(r[1] for r in rows[:i])
                                  for i in range(len(rows))],
         "the page's table has gaps")
    need(rows[-1][0] + rows[-1][1] == 512, "the page's table is no block")
    return rows


def field_ok(value, content):
    """Does a field hold what the page says?  None: it says it elsewhere."""
    if content == "see below":
        return None
    if content == "NULs":
        return value == bytes(len(value))
    if content == "11 octal digits, NUL":
        return re.fullmatch(rb"[0-7]{11}\0", value) is not None
    if content == "6 octal digits, NUL, space":
        return re.fullmatch(rb"[0-7]{6}\0 ", value) is not None
    m = re.match(r"Li (\S+)( , NUL)?( Pq .*)?$", content)
    need(m, "the page says '%s'" % content)
    return value == m[1].encode() + (b"\0" if m[2] else b"")


def members(data, table):
    at, found = 0, []
    while data[at:at + 512] != bytes(512):
        block = data[at:at + 512]
        need(len(block) == 512, "a header is cut")
        h = {}
        for off, n, name, content in table:
            h[name] = block[off:off + n]
            need(field_ok(h[name], content) is not False, "field " + name)
        total = sum(block) - sum(h["chksum"]) + 8 * 32
        need(int(h["chksum"][:6], 8) == total, "chksum")
        if h["size"][0] == 0x80:
            size = int.from_bytes(h["size"][1:], "big")
            need(size > 8589934591, "a small size in base 256")
        else:
            need(field_ok(h["size"], "11 octal digits, NUL"), "size")
            size = int(h["size"][:11], 8)
        name = h["name"].rstrip(b"\0")
        if h["prefix"].rstrip(b"\0"):
            name = h["prefix"].rstrip(b"\0") + b"/" + name
            need(len(name) > 100, "a prefix without need")
        need(re.fullmatch(rb"[A-Za-z0-9._+-]+(/[A-Za-z0-9._+-]+)*", name) and
             not {b".", b".."} & set(name.split(b"/")), "a name")
        body = data[at + 512:at + 512 + size]
        end = at + 512 + (size + 511) // 512 * 512
        need(len(body) == size, "a member is cut")
        need(not any(data[at + 512 + size:end]), "padding")
        found.append((name.decode(), body))
        at = end
    need(data[at:] == bytes(1024), "the end")
    return found


def bstr(content):
    """A byte string with its head."""
    return cbor2.dumps(content)


def digest_of(digest, data):
    alg, value = digest
    need(hashlib.new(HASH[alg], data).digest() == value, "a digest")


def verify(tbs, signature, key):
    """ESP256 with openssl, which wants the signature in DER."""
    def integer(b):
        b = b.lstrip(b"\0")
        b = b"\0" + b if b[0] & 0x80 else b
        return b"\x02" + bytes([len(b)]) + b
    need(len(signature) == 64, "the length of the signature")
    body = integer(signature[:32]) + integer(signature[32:])
    der = b"\x30" + bytes([len(body)]) + body
    with tempfile.TemporaryDirectory() as t:
        open(os.path.join(t, "tbs"), "wb").write(tbs)
        open(os.path.join(t, "sig"), "wb").write(der)
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", key, "-signature",
             os.path.join(t, "sig"), os.path.join(t, "tbs")],
            capture_output=True, check=False)
    need(done.returncode == 0, "the signature")


def payloads(manifest):
    """URIs in payload-fetch, then install, in the order they appear."""
    found = []

    def walk(sequence):
        commands = cbor2.loads(sequence)
        for code, arg in zip(commands[::2], commands[1::2]):
            if code == 20 and 21 in arg and arg[21] not in found:
                found.append(arg[21])
            elif code == 15:
                for alternative in arg:
                    if alternative is not None:
                        walk(alternative)
            elif code == 32:
                walk(arg)

    for section in (16, 20):
        if section in manifest:
            walk(manifest[section])
    return found


def main():
    bundle, key, page = sys.argv[1:]
    archive = members(open(bundle, "rb").read(), header_table(page))
    names = [name for name, _ in archive]
    need(names[0] == "manifest.suit", "the first member")
    need(len(set(names)) == len(names), "names")
    tag = cbor2.loads(archive[0][1])
    need(tag.tag == 107, "the tag")
    envelope = tag.value
    authentication = cbor2.loads(envelope[2])
    payload = authentication[0]
    digest_of(cbor2.loads(payload), bstr(envelope[3]))
    sign1 = cbor2.loads(authentication[1])
    need(sign1.tag == 18, "COSE_Sign1")
    protected, unprotected, detached, signature = sign1.value
    need(unprotected == {} and detached is None, "COSE_Sign1")
    header = cbor2.loads(protected)
    need(sorted(header) == [1, 33] and header[1] == -9, "the header")
    verify(cbor2.dumps(["Signature1", protected, b"", payload]), signature,
           key)

    manifest = cbor2.loads(envelope[3])
    need(manifest[1] == 1, "the version")
    digest_of(manifest[23], bstr(envelope[23]))
    uris = payloads(manifest)
    (texts,) = cbor2.loads(envelope[23]).values()
    attachments = json.loads(texts.get(-257, "[]"))
    need(texts.get(-257) is None or texts[-257] == json.dumps(
        attachments, separators=(",", ":"), sort_keys=True), "the list")
    need(names[1:] == [u for u in uris if u[0] != "#"] +
         [a["name"] for a in attachments], "the order of the members")
    bodies = dict(archive)
    for a in attachments:
        alg, value = a["digest"].split(":")
        body = bodies[a["name"]]
        need(len(body) == a["size"] and hashlib.new(
            alg.replace("-", ""), body).hexdigest() == value, a["name"])
    shared = cbor2.loads(cbor2.loads(manifest[3])[4])
    images = [arg for code, arg in zip(shared[::2], shared[1::2])
              if code == 20 and 3 in arg]
    need(len(images) == len(uris) == 1, "one image")
    body = bodies[uris[0]]
    need(images[0][14] == len(body), "the image's size")
    digest_of(cbor2.loads(images[0][3]), body)
    print("accepted")


try:
    main()
except (ValueError, TypeError, KeyError, IndexError, AttributeError,
        EOFError, cbor2.CBORError) as e:
    sys.exit("second.py: malformed: %s" % str(e).split("\n")[0])
