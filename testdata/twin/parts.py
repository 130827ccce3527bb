# SPDX-License-Identifier: Apache-2.0
"""What corpus.py puts together: files, signatures, bundles and their parts."""
import copy
import hashlib
import subprocess
import uuid

import cbor2


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          check=False)
    if done.returncode != 0:
        raise SystemExit('corpus.py: %s: %s' % (
            ' '.join(command), done.stderr.decode(errors='replace')))


def output(*command, given=b''):
    return subprocess.run(command, input=given, stdout=subprocess.PIPE,
                          check=True).stdout


def noise(n, seed):
    """Bytes that no format would have; the same for the same seed."""
    out = b''
    while len(out) < n:
        out += hashlib.sha256(b'%d %d' % (seed, len(out))).digest()
    return out[:n]


def ids(domain, model):
    vendor = uuid.uuid5(uuid.NAMESPACE_DNS, domain)
    return str(vendor), str(uuid.uuid5(vendor, model))


# ---- keys -------------------------------------------------------------------

def der(pem):
    return output('openssl', 'x509', '-in', pem, '-outform', 'DER')


def spki(key):
    return output('openssl', 'pkey', '-in', key, '-pubout', '-outform', 'DER')


def raw(sig, width):
    """An ECDSA signature from DER to r and s."""
    at, out = (3 if sig[1] == 0x81 else 2), b''
    for _ in 'rs':
        n = int.from_bytes(sig[at + 2:at + 2 + sig[at + 1]], 'big')
        out += n.to_bytes(width, 'big')
        at += 2 + sig[at + 1]
    return out


def signature(alg, key, message):
    """By a key in a file, with an algorithm of COSE."""
    if alg == -19:
        write('message', message)
        return output('openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', key,
                      '-in', 'message')
    name = {-9: 'sha256', -51: 'sha384', -52: 'sha512', -37: 'sha256',
            -38: 'sha384', -257: 'sha256'}[alg]
    pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt',
           'rsa_pss_saltlen:digest'] if alg in (-37, -38) else []
    sig = output('openssl', 'dgst', '-' + name, '-sign', key, *pss,
                 given=message)
    width = {-9: 32, -51: 48, -52: 66}.get(alg)
    return sig if width is None else raw(sig, width)


def sign1(digest, pki, alg=-9, chain=None, protected=None, key=None):
    """A signature block over an encoded digest."""
    if chain is None:
        chain = [der('%s/%s.pem' % (pki, n)) for n in ('leaf', 'intermediate')]
    if protected is None:
        protected = {1: alg, 33: chain}
    head = protected if isinstance(protected, bytes) else \
        cbor2.dumps(protected)
    tbs = cbor2.dumps(['Signature1', head, b'', digest])
    return [head, {}, None, signature(alg, key or pki + '/release.key', tbs)]


# ---- bundles ----------------------------------------------------------------

def header(old, size, name=None):
    """A ustar header with another size and name."""
    if name is not None:
        old = name.encode().ljust(100, b'\0') + old[100:]
    new = old[:124] + b'%011o\0' % size + old[136:148] + b' ' * 8 + old[156:]
    return new[:148] + b'%06o\0 ' % sum(new) + new[156:]


def padded(data):
    return data + bytes(-len(data) % 512)


class Bundle:
    """One that fwsign has built: an envelope, and what follows it."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.bytes = f.read()
        size = int(self.bytes[124:135], 8)
        self.envelope = self.bytes[512:512 + size]
        self.rest = self.bytes[512 + size + -size % 512:]
        self.tag = cbor2.loads(self.envelope)

    def members(self):
        """Headers and contents, without the end."""
        at, out = 0, []
        while self.bytes[at]:
            size = int(self.bytes[at + 124:at + 135], 8)
            out.append((self.bytes[at:at + 512],
                        self.bytes[at + 512:at + 512 + size]))
            at += 512 + len(padded(out[-1][1]))
        return out

    def changed(self, change):
        """A copy whose manifest was changed by a function."""
        other = copy.copy(self)
        other.tag = cbor2.loads(self.envelope)
        manifest = cbor2.loads(other.tag.value[3])
        manifest = change(manifest) or manifest
        if isinstance(manifest, dict):
            manifest = dict(sorted(manifest.items(),
                                   key=lambda kv: cbor2.dumps(kv[0])))
        other.tag.value[3] = cbor2.dumps(manifest)
        return other

    def with_manifest(self, data):
        """A copy with that manifest."""
        other = copy.copy(self)
        other.tag = cbor2.loads(self.envelope)
        other.tag.value[3] = data
        return other

    def digest(self):
        return cbor2.dumps([-16, hashlib.sha256(
            cbor2.dumps(self.tag.value[3])).digest()])

    def with_text(self, old, new):
        """A copy in which the text section says something else."""
        other = copy.copy(self)
        other.tag = cbor2.loads(self.envelope)
        text = cbor2.loads(other.tag.value[23])
        for language in text.values():
            for k, v in language.items():
                if isinstance(v, str):
                    language[k] = v.replace(old, new)
        text = other.tag.value[23] = cbor2.dumps(text)
        manifest = cbor2.loads(other.tag.value[3])
        manifest[23] = [-16, hashlib.sha256(cbor2.dumps(text)).digest()]
        other.tag.value[3] = cbor2.dumps(manifest)
        return other

    def signed(self, pki, **how):
        """The bundle with a signature that holds: by ESP256, if how does not
        say otherwise."""
        digest = self.digest()
        block = cbor2.dumps(cbor2.CBORTag(18, sign1(digest, pki, **how)))
        self.tag.value[2] = cbor2.dumps([digest, block])
        return self.replaced(cbor2.dumps(self.tag))

    def replaced(self, envelope):
        return header(self.bytes[:512], len(envelope)) + padded(envelope) + \
            self.rest


# ---- manifests that are wrong -----------------------------------------------

def common(m):
    return cbor2.loads(m[3])


def shared(commands, behind=False):
    """Put commands in front of the shared sequence, or behind it."""
    def change(m):
        c = common(m)
        old = cbor2.loads(c[4])
        c[4] = cbor2.dumps(old + commands if behind else commands + old)
        m[3] = cbor2.dumps(c)
    return change


def section(key, commands, behind=True):
    def change(m):
        old = cbor2.loads(m[key]) if key in m else []
        m[key] = cbor2.dumps(old + commands if behind else commands + old)
    return change


def key(number, value):
    def change(m):
        if value is None:
            m.pop(number, None)
        else:
            m[number] = value
    return change


def ids_of(components):
    def change(m):
        c = common(m)
        c[2] = components
        m[3] = cbor2.dumps(c)
    return change


def parameter(number, value):
    """Change a parameter wherever it is set, or take it away."""
    def walk(commands):
        for code, arg in zip(commands[::2], commands[1::2]):
            if code == 20 and number in arg:
                if value is None:
                    del arg[number]
                else:
                    arg[number] = value

    def change(m):
        c = common(m)
        sequence = cbor2.loads(c[4])
        walk(sequence)
        c[4] = cbor2.dumps(sequence)
        m[3] = cbor2.dumps(c)
        for k in 7, 16, 20:
            if k in m and isinstance(m[k], bytes):
                sequence = cbor2.loads(m[k])
                walk(sequence)
                m[k] = cbor2.dumps(sequence)
    return change


def unasked(m):
    """Nobody asks for vendor and class."""
    c = common(m)
    old = cbor2.loads(c[4])
    c[4] = cbor2.dumps([x for code, arg in zip(old[::2], old[1::2])
                        if code not in (1, 2) for x in (code, arg)])
    m[3] = cbor2.dumps(c)


def most(n):
    """Fill the validation to that many commands."""
    def change(m):
        old = cbor2.loads(m[7])
        m[7] = cbor2.dumps(old + [12, 0] * (n - len(old) // 2))
    return change


def nested(n):
    commands = [14, 15]
    for _ in range(n):
        commands = [32, cbor2.dumps(commands)]
    return commands


def seq(*commands):
    return cbor2.dumps(list(commands))


OTHER = bytes(range(16))
CHANGES = [
    ('same', lambda m: None),
    ('rollback', key(2, 6)), ('sequence-33-bits', key(2, 2 ** 32 + 1)),
    ('no-sequence', key(2, None)), ('newest', key(2, 2 ** 64 - 1)),
    ('version', key(1, 2)), ('element', key(100, 0)),
    ('no-shared', lambda m: m.update({3: seq_common(m)})),
    ('no-install', key(20, None)), ('no-validate', key(7, None)),
    ('text-gone', key(23, None)), ('uri', key(4, 'https://example.com/')),
    ('array', lambda m: [1, 2, 3]),
    ('vendor', parameter(1, OTHER)), ('class', parameter(2, OTHER)),
    ('vendor-short', parameter(1, b'12')), ('no-vendor', parameter(1, None)),
    ('unasked', unasked), ('device', shared([20, {24: OTHER}, 24, 15], True)),
    ('digest', parameter(3, cbor2.dumps([-16, bytes(32)]))),
    ('digest-sha1', parameter(3, cbor2.dumps([-14, bytes(20)]))),
    ('no-digest', parameter(3, None)),
    ('size', parameter(14, 2999)), ('no-size', parameter(14, None)),
    ('size-huge', parameter(14, 2 ** 63)),
    ('size-33-bits', parameter(14, 2 ** 32 + 3000)),
    ('uri-other', parameter(21, 'other.bin')), ('uri-dots',
                                                 parameter(21, '../app')),
    ('uri-remote', parameter(21, 'https://example.com/app')),
    ('no-components', ids_of([])), ('unknown', ids_of([[b'x']])),
    ('seventeen', ids_of([[bytes([i])] for i in range(17)])),
    ('twice', ids_of([[b'main'], [b'main']])),
    ('two', ids_of([[b'main'], [b'radio']])),
    ('command', shared([99, 15])), ('custom', shared([-1, 15])),
    ('text-command', shared(['x', 15])), ('odd', shared([1])),
    ('abort', shared([14, 15])),
    ('deep', section(7, nested(3))), ('too-deep', section(7, nested(7))),
    ('steps-most', most(2045)), ('steps-run', most(2046)),
    ('steps-too-many', most(2049)),
    ('items-deep', shared([14, [[[[[[[[[[15]]]]]]]]]]])),
    ('index', section(7, [12, 1, 3, 15])),
    ('index-list', section(7, [12, [0, 0], 3, 15])),
    ('index-all', section(7, [12, True, 3, 15])),
    ('index-text', section(7, [12, 'x'])),
    ('try', section(7, [15, [seq(14, 15), seq(3, 15)]])),
    ('try-nothing', section(7, [15, [seq(14, 15), seq(14, 15)]])),
    ('try-empty', section(7, [15, [seq(14, 15), None]])),
    ('slot', shared([20, {5: 0}, 5, 15], True)),
    ('slot-1', shared([20, {5: 1}, 5, 15], True)),
    ('content', section(7, [20, {18: b'x'}, 6, 15])),
    ('write', section(20, [20, {18: b'x'}, 18, 0])),
    ('write-match', section(20, [20, {18: b'x'}, 18, 0, 6, 15])),
    ('copy', section(20, [20, {22: 0}, 22, 2])),
    ('swap', section(20, [20, {22: 0}, 31, 2])),
    ('fetch-twice', section(20, [21, 2, 3, 15])),
    ('unmatched', section(20, [21, 2])),
    ('invoke', section(9, [23, 2])),
    ('invoke-args', section(9, [20, {23: b'args'}, 23, 2])),
    ('parameter', shared([20, {77: 1}])),
    ('override-text', shared([20, 'x'])), ('set-parameters',
                                           shared([19, {5: 0}])),
    ('unordered', section(7, [20, {12: False}, 3, 15])),
    ('ordered', section(7, [20, {12: True}, 3, 15])),
    ('unordered-copy', section(20, [20, {12: False, 22: 0}, 22, 2])),
    ('soft', section(7, [32, seq(20, {13: True}, 14, 15)])),
    ('soft-top', section(7, [20, {13: True}, 14, 15])),
    ('shared-fetch', shared([21, 2], True)),
    ('use-before', section(7, [20, {4: 4102444800}, 4, 15])),
    ('use-before-33-bits', section(7, [20, {4: 2 ** 32 + 100}, 4, 15])),
    ('use-before-past', section(7, [20, {4: 1}, 4, 15])),
    ('use-before-never', section(7, [20, {4: 0}, 4, 15])),
    ('battery', shared([20, {26: 4000}, 26, 15], True)),
    ('battery-low', shared([20, {26: 6000}, 26, 15], True)),
    ('priority', shared([20, {27: 3}, 27, 15], True)),
    ('priority-low', shared([20, {27: 4}, 27, 15], True)),
    ('version-is', shared([20, {28: seq(3, [1, 2, 3])}, 28, 15], True)),
    ('version-more', shared([20, {28: seq(1, [1, 2, 3])}, 28, 15], True)),
    ('version-form', shared([20, {28: seq(9, [1])}, 28, 15], True)),
    ('wait', section(7, [20, {29: cbor2.dumps({2: 1})}, 29, 15])),
    ('wait-long', section(7, [20, {29: cbor2.dumps({2: 1, 3: 1})}, 29, 15])),
    ('wait-unknown', section(7, [20, {29: cbor2.dumps({9: 1})}, 29, 15])),
    ('not-image', section(7, [25, 15])),
    ('report', section(7, [3, 0])), ('report-large', section(7, [3, 16])),
]


def seq_common(m):
    c = common(m)
    c.pop(4)
    return cbor2.dumps(c)


# ---- blocks, envelopes and archives that are wrong --------------------------

def blocks(source, pki):
    """Names and envelopes."""
    digest = source.digest()
    chain = [der('%s/%s.pem' % (pki, n)) for n in ('leaf', 'intermediate')]
    good = sign1(digest, pki)

    def tagged(value):
        return cbor2.dumps(cbor2.CBORTag(18, value))

    def of(wrapper, more=None, tag=107):
        value = {2: wrapper if isinstance(wrapper, bytes) else
                 cbor2.dumps(wrapper), 3: source.tag.value[3]}
        value.update({k: v for k, v in source.tag.value.items()
                      if k not in (2, 3)})
        value.update(more or {})
        return cbor2.dumps(cbor2.CBORTag(tag, value))

    def block(**how):
        return of([digest, tagged(sign1(digest, pki, **how))])

    yield 'good', of([digest, tagged(good)])
    yield 'unsigned', of([digest])
    yield 'empty', of([])
    yield 'two', of([digest, tagged(good), tagged(good)])
    yield 'nine', of([digest] + [tagged(good)] * 9)
    yield 'not-tagged', of([digest, cbor2.dumps(good)])
    yield 'other-tag', of([digest, cbor2.dumps(cbor2.CBORTag(98, good))])
    yield 'no-tag', of([digest, tagged(good)], tag=108)
    yield 'payload', of([digest, tagged([good[0], {}, b'x', good[3]])])
    yield 'unprotected', of([digest, tagged([good[0], {1: -9}, None,
                                             good[3]])])
    yield 'short', of([digest, tagged(good[:3])])
    yield 'signature-short', of([digest, tagged(good[:3] + [good[3][:-1]])])
    yield 'signature-zero', of([digest, tagged(good[:3] + [bytes(64)])])
    yield 'alias', block(protected={1: -7, 33: chain})
    yield 'other-alg', block(protected={1: -51, 33: chain})
    yield 'unknown-alg', block(protected={1: -1000, 33: chain})
    yield 'no-alg', block(protected={33: chain})
    yield 'no-chain', block(protected={1: -9})
    yield 'chain-empty', block(protected={1: -9, 33: []})
    yield 'chain-bytes', block(protected={1: -9, 33: chain[0]})
    yield 'chain-order', block(chain=chain[::-1])
    yield 'chain-long', block(chain=chain + [chain[1]] * 8)
    yield 'chain-spoilt', block(chain=[chain[0][:-1] + b'x', chain[1]])
    yield 'ca-spoilt', block(chain=[chain[0], chain[1][:-1] + b'x'])
    yield 'critical', block(protected={1: -9, 2: [33], 33: chain})
    yield 'header-order', block(protected=b'\xa2' + cbor2.dumps(33) +
                                cbor2.dumps(chain) + b'\x01\x28')
    yield 'header-text', block(protected=cbor2.dumps('x'))
    yield 'other-digest', of([cbor2.dumps([-16, bytes(32)]), tagged(
        sign1(cbor2.dumps([-16, bytes(32)]), pki))])
    yield 'digest-short', of([cbor2.dumps([-16, bytes(31)]), tagged(good)])
    yield 'digest-512', of([cbor2.dumps([-44, hashlib.sha512(cbor2.dumps(
        source.tag.value[3])).digest()]), tagged(sign1(cbor2.dumps(
            [-44, hashlib.sha512(cbor2.dumps(source.tag.value[3])).digest()]),
            pki))])
    yield 'more', of([digest, tagged(good)], {'#x': b'payload'})
    yield 'unknown-element', of([digest, tagged(good)], {99: b''})
    yield 'severed', of([digest, tagged(good)], {20: b'\x80'})
    yield 'large', of([digest, tagged(good)], {'#x': bytes(70000)})
    whole = of([digest, tagged(good)])
    yield 'trailing', whole + b'\0'
    yield 'cut', whole[:-1]
    yield 'longer', b'\xd9\0' + whole[1:]
    yield 'indefinite', whole[:2] + b'\xbf' + whole[3:] + b'\xff'
    yield 'nothing', b''


def archives(source):
    """Names and bundles."""
    members = source.members()

    def of(rows, end=bytes(1024)):
        return b''.join(h + padded(d) for h, d in rows) + end

    head, app = members[0], members[1]
    yield 'no-end', of(members, b'')
    yield 'short-end', of(members, bytes(512))
    yield 'long-end', of(members, bytes(1536))
    yield 'no-envelope', of(members[1:])
    yield 'no-payload', of(members[:1])
    yield 'reversed', of(members[::-1])
    yield 'twice', of([head, app, app])
    yield 'surplus', of(members + [(header(app[0], 1, 'x'), b'x')])
    for i, name in enumerate(('../app.bin', '/app.bin', './app.bin', 'a//b',
                              'app.bin/', '', 'x' * 100)):
        yield 'name-%d' % i, of([head, (header(app[0], len(app[1]), name),
                                        app[1])])
    yield 'larger', of([head, (header(app[0], len(app[1]) + 1),
                               app[1] + b'x')])
    yield 'smaller', of([head, (header(app[0], len(app[1]) - 1),
                                app[1][:-1])])
    yield 'size-33-bits', of([head, (header(app[0], 2 ** 32 + len(app[1])),
                                     app[1])])
    yield 'link', of([head, (header(app[0][:156] + b'2' + app[0][157:],
                                    len(app[1])), app[1])])
    yield 'nothing', b''
    yield 'block', bytes(512)
