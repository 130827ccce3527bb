# SPDX-License-Identifier: Apache-2.0
"""request.py BUNDLE ALGORITHM CERT.der...: make a signing request as fwrequest(5)
says, for manifests as fwsign writes them, and print it: a second implementation
that shares nothing with the first.

request.py --respond REQUEST SIGNATURE: make the response to a request, with a
signature that another tool made."""
import base64
import hashlib
import json
import re
import subprocess
import sys
import uuid

import cbor2

ALGORITHMS = {"ESP256": (-9, "sha256"), "ESP384": (-51, "sha384"),
              "ESP512": (-52, "sha512"), "Ed25519": (-19, "sha256"),
              "PS256": (-37, "sha256"), "PS384": (-38, "sha384"),
              "PS512": (-39, "sha512")}
HASHES = {-16: "sha256", -43: "sha384", -44: "sha512"}


def b64(data):
    return base64.b64encode(data).decode()


def digest_text(name, data):
    return f"sha-{name[3:]}:{hashlib.new(name, data).hexdigest()}"


def suit_digest(encoded):
    alg, value = cbor2.loads(encoded)
    return f"sha-{HASHES[alg][3:]}:{value.hex()}"


def layout(tree):
    """JSON in the one form, with its check."""
    tree["check"] = ""

    def dump():
        text = json.dumps(tree, indent=2, ensure_ascii=True)
        text = text.replace("\x7f", "\\u007f")
        return re.sub(r"(?<!\\)((?:\\\\)*\\u)([0-9a-f]{4})", lambda m:
                      m.group(1) + (m.group(2) if m.group(2) == "007f" else
                                    m.group(2).upper()), text) + "\n"
    text = dump()
    front = text[:text.rindex('\n  "check": ') + 1]
    tree["check"] = digest_text("sha256", front.encode())
    return dump()


class Summary:
    def __init__(self, manifest, text):
        self.lists = {k: [] for k in (
            "products", "vendors", "versions", "descriptions", "vendor-ids",
            "class-ids", "device-ids", "use-before", "invoke-args",
            "unusual")}
        common = cbor2.loads(manifest[3])
        self.components = [
            {"component": "/".join(s.decode() for s in c), "images": []}
            for c in common[2]]
        self.attachments = []
        self.texts(text)
        for section in [common.get(4)] + [manifest.get(k) for k in
                                          (16, 20, 7, 8, 9)]:
            if section is not None:
                self.walk(cbor2.loads(section), [0], None)

    def add(self, key, value):
        if value not in self.lists[key]:
            self.lists[key].append(value)

    def texts(self, text):
        for language in cbor2.loads(text).values():
            for key, value in language.items():
                if key == 1:
                    self.add("descriptions", value)
                elif key == -257:
                    self.attachments = [
                        {k: a[k] for k in ("name", "type", "digest", "size")}
                        for a in json.loads(value)]
                elif isinstance(key, tuple):
                    for k, name in ((2, "products"), (3, "vendors"),
                                    (6, "versions")):
                        if k in value:
                            self.add(name, value[k])

    def image(self, index, slot, key, value):
        for image in self.components[index]["images"]:
            if image.get("slot") == slot and \
                    image.get(key, value) == value:
                return image
        image = {} if slot is None else {"slot": slot}
        self.components[index]["images"].append(image)
        return image

    def parameters(self, indices, slot, given):
        for key, name in ((1, "vendor-ids"), (2, "class-ids"),
                          (24, "device-ids")):
            if key in given:
                self.add(name, str(uuid.UUID(bytes=given[key])))
        if 23 in given:
            self.add("invoke-args", given[23].hex())
        slot = given.get(5, slot)
        for i in indices:
            image = None
            if 3 in given:
                value = suit_digest(given[3])
                image = self.image(i, slot, "digest", value)
                image["digest"] = value
            if 14 in given:
                image = image if image is not None else \
                    self.image(i, slot, "size", given[14])
                image["size"] = given[14]
            if 21 in given:
                self.image(i, slot, "from", given[21])["from"] = given[21]
        return slot

    def walk(self, sequence, indices, slot):
        for code, argument in zip(sequence[::2], sequence[1::2]):
            if code == 12:
                indices, slot = [argument], None
            elif code == 20:
                slot = self.parameters(indices, slot, argument)
            elif code == 15:
                for alternative in argument:
                    self.walk(cbor2.loads(alternative), indices, slot)


def openssl(data, *args):
    return subprocess.run(("openssl",) + args, input=data, check=True,
                          stdout=subprocess.PIPE).stdout


def signer(der):
    said = openssl(der, "x509", "-inform", "DER", "-noout", "-subject",
                   "-serial", "-dates", "-dateopt", "iso_8601", "-nameopt",
                   "sep_comma_plus_space,dn_rev,sname,utf8").decode()
    said = dict(line.split("=", 1) for line in said.splitlines())
    serial = said["serial"].lower()
    if int(serial[0], 16) >= 8:
        serial = "00" + serial
    spki = openssl(openssl(der, "x509", "-inform", "DER", "-noout",
                           "-pubkey"), "pkey", "-pubin", "-outform", "DER")
    return {"subject": said["subject"].strip(), "serial": serial,
            "not-before": said["notBefore"].replace(" ", "T"),
            "not-after": said["notAfter"].replace(" ", "T"),
            "key-id": hashlib.sha256(spki).hexdigest()}


def request(path, algorithm, chain):
    data = open(path, "rb").read()
    envelope = cbor2.loads(data[512:512 + int(data[124:135], 8)]).value
    payload = cbor2.loads(envelope[2])[0]
    number, name = ALGORITHMS[algorithm]
    protected = cbor2.dumps({1: number, 33: chain if len(chain) > 1 else
                             chain[0]})
    tbs = cbor2.dumps(["Signature1", protected, b"", payload])
    bare = cbor2.dumps(cbor2.CBORTag(107, {
        2: cbor2.dumps([payload]), 3: envelope[3], 23: envelope[23]}))
    manifest = cbor2.loads(envelope[3])
    s = Summary(manifest, envelope[23])
    summary = dict(s.lists)
    summary["sequence-number"] = manifest[2]
    summary["manifest-digest"] = suit_digest(payload)
    summary["components"] = s.components
    summary["attachments"] = s.attachments
    summary["signer"] = signer(chain[0])
    return layout({
        "format": "fwsign-request-1", "summary": summary,
        "algorithm": algorithm, "digest": digest_text(name, tbs),
        "to-be-signed": b64(tbs), "envelope": b64(bare),
        "chain": [b64(c) for c in chain]})


def respond(path, signature):
    r = json.load(open(path))
    return layout({
        "format": "fwsign-response-1",
        "manifest-digest": r["summary"]["manifest-digest"],
        "algorithm": r["algorithm"],
        "signature": b64(open(signature, "rb").read()),
        "chain": r["chain"]})


if sys.argv[1] == "--respond":
    sys.stdout.write(respond(sys.argv[2], sys.argv[3]))
else:
    sys.stdout.write(request(sys.argv[1], sys.argv[2], [
        open(p, "rb").read() for p in sys.argv[3:]]))
