# SPDX-License-Identifier: Apache-2.0
"""Certificates that are signed properly and wrong all the same: each is a good
one of mkpki.sh in which one thing was changed, signed anew by its issuer."""
import parts

BASIC, USAGE, PURPOSE = '551d13', '551d0f', '551d25'
CODE_SIGNING, SERVER, ANY = '2b06010505070303', '2b06010505070301', '551d2500'
UNKNOWN = '2a030405'            # no extension that anybody knows
V2 = bytes.fromhex('a003020101')


def tlv(tag, *content):
    body = b''.join(content)
    n = len(body)
    size = b'' if n < 128 else n.to_bytes((n.bit_length() + 7) // 8, 'big')
    return bytes([tag, 128 | len(size) if size else n]) + size + body


def split(data):
    """The elements in data, each whole."""
    out = []
    while data:
        n, at = data[1], 2
        if n >= 128:
            at += n & 127
            n = int.from_bytes(data[2:at], 'big')
        out.append(data[:at + n])
        data = data[at + n:]
    return out


def inside(element):
    at = 2 + (element[1] & 127 if element[1] >= 128 else 0)
    return split(element[at:])


def name(text):
    return tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex('0603550403'),
                                   tlv(12, text.encode()))))


def extension(oid, value, critical=True):
    return tlv(0x30, tlv(6, bytes.fromhex(oid)),
               b'\1\1\xff' if critical else b'', tlv(4, value))


def basic(content, critical=True):
    return extension(BASIC, tlv(0x30, bytes.fromhex(content)), critical)


def usage(bits):
    return extension(USAGE, bytes.fromhex(bits))


def purposes(*oids):
    return extension(PURPOSE, tlv(0x30, *(tlv(6, bytes.fromhex(o))
                                          for o in oids)), False)


class Cert:
    """One to change; its parts are whole elements."""
    NAMES = ('version', 'serial', 'alg', 'issuer', 'validity', 'subject',
             'spki')

    def __init__(self, pem):
        whole = inside(parts.der(pem))
        fields = inside(whole[0])
        for n, value in zip(self.NAMES, fields):
            setattr(self, n, value)
        self.outer, self.more = whole[1], b''
        self.extensions = inside(inside(fields[7])[0])

    def drop(self, oid):
        begin = tlv(6, bytes.fromhex(oid))
        self.extensions = [e for e in self.extensions
                           if inside(e)[0] != begin]
        return self

    def put(self, *extensions):
        """In the place of those of the same type."""
        for e in extensions:
            self.drop(inside(e)[0][2:].hex())
        self.extensions += extensions
        return self

    def set(self, **fields):
        for n, value in fields.items():
            setattr(self, n, value)
        return self

    def issued(self, key):
        """By a P-256 key in a file."""
        tbs = tlv(0x30, *(getattr(self, n) for n in self.NAMES), self.more,
                  tlv(0xa3, tlv(0x30, *self.extensions))
                  if self.extensions else b'')
        sig = parts.output('openssl', 'dgst', '-sha256', '-sign', key,
                           given=tbs)
        return tlv(0x30, tbs, self.outer, tlv(3, b'\0', sig))


def twice(cert, oid=None):
    """The extension of a type once more, or one that may be ignored."""
    if oid is None:
        cert.extensions += [extension(UNKNOWN, b'x', False)] * 2
        return cert
    begin = tlv(6, bytes.fromhex(oid))
    cert.extensions += [e for e in cert.extensions if inside(e)[0] == begin]
    return cert


def times(begin, end):
    """GeneralizedTime from 2050 on: RFC 5280 section 4.1.2.5."""
    return tlv(0x30, *(tlv(24 if t >= '2050' else 23, (
        t if t >= '2050' else t[2:]).encode()) for t in (begin, end)))


# What is changed in a leaf, and in a CA.
LEAVES = [
    ('same', lambda c: c),
    ('no-purpose', lambda c: c.drop(PURPOSE)),
    ('other-purpose', lambda c: c.put(purposes(SERVER))),
    ('any-purpose', lambda c: c.put(purposes(ANY))),
    ('second-purpose', lambda c: c.put(purposes(SERVER, CODE_SIGNING))),
    ('no-usage', lambda c: c.drop(USAGE)),
    ('other-usage', lambda c: c.put(usage('03020520'))),
    ('issuing-usage', lambda c: c.put(usage('03020284'))),
    ('padded-usage', lambda c: c.put(usage('03020184'))),
    ('ca', lambda c: c.put(basic('0101ff'))),
    ('unknown', lambda c: c.put(extension(UNKNOWN, b'x', False))),
    ('unknown-critical', lambda c: c.put(extension(UNKNOWN, b'x'))),
    ('name-constraints', lambda c: c.put(extension('551d1e', tlv(0x30),
                                                   False))),
    ('twice-purpose', lambda c: twice(c, PURPOSE)),
    ('twice-unknown', twice),
    ('version-1', lambda c: c.set(version=b'', extensions=[])),
    ('version-2', lambda c: c.set(version=V2)),
    ('no-extensions', lambda c: c.set(extensions=[])),
    ('issuer', lambda c: c.set(issuer=name('somebody else'))),
    ('other-algorithm', lambda c: c.set(alg=bytes.fromhex(
        '300a06082a8648ce3d040303'))),
    ('serial-0', lambda c: c.set(serial=b'\2\1\0')),
    ('unique', lambda c: c.set(more=b'\x81\2\0\1')),
    ('far-end', lambda c: c.set(validity=times('20200101000000Z',
                                               '22000101000000Z'))),
    ('far-begin', lambda c: c.set(validity=times('21800101000000Z',
                                                 '22000101000000Z'))),
]
AUTHORITIES = [
    ('no-usage', lambda c: c.drop(USAGE)),
    ('other-usage', lambda c: c.put(usage('03020780'))),
    ('no-basic', lambda c: c.drop(BASIC)),
    ('no-ca', lambda c: c.put(basic(''))),
    ('not-critical', lambda c: c.put(basic('0101ff020100', False))),
    ('other-purpose', lambda c: c.put(purposes(SERVER))),
    ('any-purpose', lambda c: c.put(purposes(ANY))),
    ('unknown-critical', lambda c: c.put(extension(UNKNOWN, b'x'))),
    ('twice-usage', lambda c: twice(c, USAGE)),
    ('version-1', lambda c: c.set(version=b'', extensions=[])),
    ('issuer', lambda c: c.set(issuer=name('somebody else'))),
]


def below(pki, other, subject, limit):
    """A chain with one more CA, below one that allows so many of them."""
    ca = Cert(pki + '/intermediate.pem')
    sub = Cert(other + '/intermediate.pem').set(issuer=ca.subject).put(
        basic('0101ff'))
    sub.subject = subject or ca.subject
    leaf = Cert(pki + '/leaf.pem').set(issuer=sub.subject)
    ca.put(basic('0101ff0201%02x' % limit))
    return [leaf.issued(other + '/intermediate.key'),
            sub.issued(pki + '/intermediate.key'),
            ca.issued(pki + '/root.key')]


def chains(pki, other):
    """Names and chains: of a P-256 root in pki with files for keys; other is
    of another such root."""
    good = {n: parts.der('%s/%s.pem' % (pki, n))
            for n in ('leaf', 'intermediate')}
    for what, change in LEAVES:
        leaf = change(Cert(pki + '/leaf.pem'))
        yield 'leaf-' + what, [leaf.issued(pki + '/intermediate.key'),
                               good['intermediate']]
    yield 'leaf-signed-by-itself', [Cert(pki + '/leaf.pem').issued(
        pki + '/release.key'), good['intermediate']]
    for bits in 2048, 3072:
        key = 'rsa%d.key' % bits
        parts.run('openssl', 'genpkey', '-algorithm', 'RSA',
                  '-pkeyopt', 'rsa_keygen_bits:%d' % bits, '-out', key)
        yield 'leaf-rsa%d' % bits, [Cert(pki + '/leaf.pem').set(
            spki=parts.spki(key)).issued(pki + '/intermediate.key'),
                                    good['intermediate']]
    for what, change in AUTHORITIES:
        ca = change(Cert(pki + '/intermediate.pem'))
        yield 'ca-' + what, [good['leaf'], ca.issued(pki + '/root.key')]
    sub = name('one more')
    yield 'path-too-long', below(pki, other, sub, 0)
    yield 'path-allowed', below(pki, other, sub, 1)
    yield 'path-self-issued', below(pki, other, None, 0)
