# SPDX-License-Identifier: Apache-2.0
"""What tokens.sh leaves to a second pair of eyes, sharing nothing with the
programs:

public KIND OBJECTS	the public key (PEM) of the EC or Ed25519 key labelled
			KIND in what pkcs11-tool lists
cose BUNDLE LEAF.pem	does openssl verify the one signature of the bundle with
			the key of that certificate?
spy LOG MECHANISM N	did a run that made N signatures behave at the token, by
			the log of pkcs11-spy?
"""

import base64
import collections
import os
import re
import subprocess
import sys
import tarfile
import tempfile

CURVES = {  # coordinate bytes, algorithm identifier of the public key
    "p256": (32, "301306072a8648ce3d020106082a8648ce3d030107"),
    "p384": (48, "301006072a8648ce3d020106052b81040022"),
    "p521": (66, "301006072a8648ce3d020106052b81040023"),
    "ed25519": (0, "300506032b6570"),
}
# COSE algorithm: digest, bytes of r and of s (0: not ECDSA)
ALGORITHMS = {-9: ("sha256", 32), -51: ("sha384", 48), -52: ("sha512", 66),
              -37: ("sha256", 0), -19: (None, 0)}


def need(condition, what):
    if not condition:
        sys.exit("token_check.py: " + what)


def der(tag, body):
    n = len(body)
    size = bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8
                                             ]) + n.to_bytes(
        (n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + body


def public(kind, objects):
    """The last bytes of EC_POINT are the point, however it is wrapped."""
    size, algorithm = CURVES[kind]
    found = re.findall(r"^  EC_POINT: +([0-9a-f]+)\n(?:  .*\n)*?"
                       r"  label: +%s\n" % kind, open(objects).read(), re.M)
    need(len(found) == 1, "%d public keys are listed" % len(found))
    point = bytes.fromhex(found[0])[-(2 * size + 1 if size else 32):]
    need(not size or point[0] == 4, "the point is malformed")
    spki = der(0x30, bytes.fromhex(algorithm) + der(3, b"\0" + point))
    print("-----BEGIN PUBLIC KEY-----\n%s-----END PUBLIC KEY-----" %
          base64.encodebytes(spki).decode())


def cose(bundle, leaf):
    import cbor2
    archive = tarfile.open(bundle)
    envelope = cbor2.loads(archive.extractfile("manifest.suit").read())
    wrapper = cbor2.loads(envelope.value[2])
    need(len(wrapper) == 2, "there is not one signature")
    protected, _, payload, signature = cbor2.loads(wrapper[1]).value
    need(payload is None, "the payload is not detached")
    header = cbor2.loads(protected)
    chain = header[33]
    chain = chain if isinstance(chain, list) else [chain]
    mine = subprocess.run(["openssl", "x509", "-in", leaf, "-outform", "DER"],
                          capture_output=True, check=True).stdout
    need(chain[0] == mine, "the first certificate is not the signer's")
    tbs = cbor2.dumps(["Signature1", protected, b"", wrapper[0]])
    digest, half = ALGORITHMS[header[1]]
    if half:
        need(len(signature) == 2 * half, "the length of the signature")
        signature = der(0x30, b"".join(
            der(2, int.from_bytes(part, "big").to_bytes(half + 1, "big")
                .lstrip(b"\0") or b"\0") if not part.lstrip(b"\0")[0] & 0x80
            else der(2, b"\0" + part.lstrip(b"\0"))
            for part in (signature[:half], signature[half:])))
    with tempfile.TemporaryDirectory() as t:
        def name(n):
            return os.path.join(t, n)
        open(name("tbs"), "wb").write(tbs)
        open(name("sig"), "wb").write(signature)
        command = ["openssl", "pkeyutl", "-verify", "-certin", "-inkey", leaf,
                   "-rawin", "-in", name("tbs"), "-sigfile", name("sig")]
        if digest:
            command += ["-digest", digest]
        if header[1] == -37:
            command += ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt",
                        "rsa_pss_saltlen:digest"]
        done = subprocess.run(command, capture_output=True, check=False)
        need(done.returncode == 0, "openssl refuses the signature: %s" %
             done.stderr.decode())
        # and it can refuse
        open(name("tbs"), "wb").write(tbs[:-1] + bytes([tbs[-1] ^ 1]))
        done = subprocess.run(command, capture_output=True, check=False)
        need(done.returncode != 0, "openssl takes everything")


# All that a signature needs; nothing that changes the token.
CALLS = set("""C_GetFunctionList C_GetInterface C_Initialize C_GetInfo
C_GetSlotList C_GetSlotInfo C_GetTokenInfo C_OpenSession C_GetSessionInfo
C_Login C_FindObjectsInit C_FindObjects C_FindObjectsFinal C_GetAttributeValue
C_SignInit C_Sign C_CloseSession C_Finalize""".split())


def spy(log, mechanism, signatures):
    signatures = int(signatures)
    text = open(log, errors="replace").read()
    calls = re.findall(r"^\d+: (C_\w+)\n(.*?)^Returned:\s+(\d+) (\w+)",
                       text, re.M | re.S)
    count = collections.Counter(c[0] for c in calls)
    need(len(calls) == len(re.findall(r"^\d+: C_\w+$", text, re.M)),
         "the log is cut")
    need(set(count) <= CALLS, "other calls were made: %s" %
         " ".join(sorted(set(count) - CALLS)))
    need(calls[-1][0] == "C_Finalize", "it ends with %s" % calls[-1][0])
    need(count["C_Initialize"] == count["C_Finalize"] > 0,
         "C_Finalize is missing")
    need(count["C_OpenSession"] == count["C_CloseSession"],
         "%d sessions opened, %d closed" % (count["C_OpenSession"],
                                            count["C_CloseSession"]))
    logins = 1 if signatures >= 0 else 0
    need(count["C_Login"] == logins, "%d logins" % count["C_Login"])
    for call, body, _, name in calls:
        if call == "C_OpenSession":
            need(re.search(r"flags = 0x0*4\b", body),
                 "a session that may write")
        if call == "C_Login":
            need("CKU_USER" in body, "a login of another kind")
            need(name == "CKR_OK" or signatures == 0, "the login failed")
        if call == "C_Sign":
            need(re.search(r"\[out\] pSignature\[", body),
                 "a size was asked for")
            need(name == "CKR_OK", "C_Sign failed")
        if call == "C_SignInit":
            need(re.search(r"= *%s\b" % mechanism, body), "the mechanism: " +
                 body)
    need(count["C_Sign"] == max(signatures, 0), "%d signatures" %
         count["C_Sign"])
    need(count["C_SignInit"] == max(signatures, 0), "%d beginnings" %
         count["C_SignInit"])


if __name__ == "__main__":
    {"public": public, "cose": cose, "spy": spy}[sys.argv[1]](*sys.argv[2:])
