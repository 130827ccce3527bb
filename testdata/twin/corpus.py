#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""corpus.py TOP BUILD FOLDER: make the corpus of the twin test in FOLDER.

FOLDER/pki is there already (twin.sh).  Writes bundles, envelopes, chains and
what else the device library judges, devices in the form of flat.c, and
corpus.cbor, the list that the runner reads (twin.c), with mutants of a fixed
seed.  program.json says which cases fwverify has to trace in the same way.
"""
import json
import os
import random
import shutil
import sys
import time

import cbor2

import mutate
import parts
import wrong

TOP, BUILD, DIR = (os.path.abspath(a) for a in sys.argv[1:4])
NOW = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
ALGORITHMS = ['p256', 'p384', 'p521', 'ed25519', 'rsa3072']
IDENTITY = 'device: {vendor-domain: example.com, model: Pump 3}'

cases, program = [], []
devices = {}


def case(name, kind, device, file, edits=(), verify=None):
    """One to judge; verify: how fwverify is asked for the same."""
    if verify is not None:
        program.append([name, verify, file, [list(e) for e in edits]])
    cases.append([name, kind, 'device/%s' % device, file,
                  [list(e) for e in edits]])


# ---- devices ----------------------------------------------------------------

def profile(name, text, where='.'):
    """A device of a profile; remembers how fwverify is told of it."""
    path = '%s/%s.yaml' % (where, name)
    parts.write(path, text.encode())
    parts.run(BUILD + '/testdata/twin/flat', 'device/' + name, NOW,
             '--device', path)
    devices[name] = ['check', '--device', path]
    if 'source: trusted' in text:
        devices[name] += ['--time', NOW]


def tool(name, anchors, now, envelope=False):
    parts.run(BUILD + '/testdata/twin/flat', 'device/' + name, now, '--trust',
             *anchors, *(['--envelope'] if envelope else []))
    devices[name] = ['envelope' if envelope else 'chain', '--time', now]
    for a in anchors:
        devices[name] += ['--trust', a]


def device(name, anchors, identity=IDENTITY, sequence=7, trust='',
           clock='{source: none}', components=('{id: main, size: 8192}',),
           more=''):
    profile(name, '''profile: 1
%s
sequence-number: %d
trust: {anchors: [%s]%s}
clock: %s
%s
components:
%s
''' % (identity, sequence, ', '.join(anchors), trust, clock, more,
       '\n'.join('  - ' + c for c in components)))


def both(name, dev, file, edits=()):
    """A bundle without storage, as fwverify judges it, and with storage."""
    case(name, 'check', dev, file, edits, devices[dev])
    case(name + ', stored', 'store', dev, file, edits)


# ---- bundles ----------------------------------------------------------------

def key_of(pki, alg):
    with open('%s/%s/key.uri' % (pki, alg)) as f:
        return f.read().strip()


def build(name, pki, alg, sequence=7, components='- {id: main, file: app.bin}',
          identity=IDENTITY, more='', folder='.'):
    """Built and signed by fwsign, on a token or with a file."""
    parts.write('%s/release.yaml' % folder, ('''descriptor: 1
%s
sequence-number: %d
version: "1.%d"
%s
components:
  %s
''' % (identity, sequence, sequence, more, components)).encode())
    parts.run(BUILD + '/fwsign', 'build', folder + '/release.yaml', '-o', name,
             '--quiet', '--key', key_of(pki, alg), '--chain',
             '%s/%s/full-chain.pem' % (pki, alg))


def algorithms():
    """Freshly signed bundles of every algorithm, by the keys of a token."""
    anchors = ['pki/%s/root.pem' % a for a in ALGORITHMS]
    device('all', anchors)
    device('stranger', ['other/p256/root.pem'])
    for a in ALGORITHMS:
        file = 'bundle/%s.fwb' % a
        build(file, 'pki', a, more='attachments:\n  - {name: sbom.json, '
              'file: sbom.json, type: application/json}'
              if a == 'p256' else '')
        device(a, ['pki/%s/root.pem' % a])
        both(a, a, file)
        both(a + ', one of many anchors', 'all', file)
        both(a + ', another anchor', 'stranger', file)
        bundle = parts.Bundle(file)
        parts.write('envelope/%s.suit' % a, bundle.envelope)
        tool('envelope-' + a, ['pki/%s/root.pem' % a], NOW, True)
        case(a + ', the envelope', 'envelope', 'envelope-' + a,
             'envelope/%s.suit' % a, (), devices['envelope-' + a])


def chains():
    for a in ALGORITHMS:
        leaf, ca, root = (parts.der('pki/%s/%s.pem' % (a, n))
                          for n in ('leaf', 'intermediate', 'root'))
        tool('chain-' + a, ['pki/%s/root.pem' % a], NOW)
        tool('untimed-' + a, ['pki/%s/root.pem' % a], 'none')
        for what, chain in (('', [leaf, ca]), (' out of order', [ca, leaf]),
                            (' without CA', [leaf]), (' of none', []),
                            (' with root', [leaf, ca, root]),
                            (' of a CA', [ca]), (' twice', [leaf, ca] * 2),
                            (' too long', [leaf] + [ca] * 9)):
            file = 'chain/%s%s' % (a, what.replace(' ', '-'))
            parts.write(file, cbor2.dumps(chain))
            for d in 'chain-', 'untimed-':
                case('%s%s%s' % (d, a, what), 'chain', d + a, file)
    for p in 'expired', 'future':
        chain = [parts.der('%s/p256/%s.pem' % (p, n))
                 for n in ('leaf', 'intermediate')]
        parts.write('chain/' + p, cbor2.dumps(chain))
        tool('chain-' + p, ['%s/p256/root.pem' % p], NOW)
        tool('untimed-' + p, ['%s/p256/root.pem' % p], 'none')
        case(p, 'chain', 'chain-' + p, 'chain/' + p)
        case(p + ', not judged', 'chain', 'untimed-' + p, 'chain/' + p)


def signatures():
    """Bare signatures, and each with a wrong message or another's key."""
    for a, alg in (('p256', -9), ('p384', -51), ('p521', -52),
                   ('rsa3072', -37), ('rsa3072', -38), ('rsa3072', -257),
                   ('ed25519', -19)):
        key = 'files/%s/release.key' % a
        spki = parts.spki(key)
        sig = parts.signature(alg, key, b'a message')
        for what, item in (
                ('', [alg, spki, b'a message', sig]),
                (', another message', [alg, spki, b'another', sig]),
                (', short', [alg, spki, b'a message', sig[:-1]]),
                (', long', [alg, spki, b'a message', sig + b'\0']),
                (', zeros', [alg, spki, b'a message', bytes(len(sig))]),
                (', ones', [alg, spki, b'a message', b'\xff' * len(sig)]),
                (', other algorithm', [-51 if alg == -9 else -9, spki,
                                       b'a message', sig]),
                (', another key', [alg, parts.spki('other/p256/release.key'),
                                   b'a message', sig])):
            name = 'signature %d%s' % (alg, what)
            file = 'signature/%d%s' % (alg, what.replace(' ', '-'))
            parts.write(file, cbor2.dumps(item))
            case(name, 'signature', 'all', file)


# ---- devices that refuse a good bundle --------------------------------------

def policies():
    good = 'bundle/p256.fwb'
    root = ['pki/p256/root.pem']
    device('vendor', root, 'device: {vendor-domain: other.example, '
           'model: Pump 3}')
    device('class', root, 'device: {vendor-domain: example.com, model: Pump 4}')
    device('many', root, 'device:\n  vendor-ids: [%s, 6ba7b810-9dad-11d1-80b4-'
           '00c04fd430c8]\n  class-ids: [%s]' % parts.ids('example.com',
                                                       'Pump 3'))
    device('newer', root, sequence=8)
    device('newest', root, sequence=2 ** 63 - 1)
    device('small', root, components=['{id: main, size: 100}'])
    device('elsewhere', root, components=['{id: radio, size: 8192}'])
    device('two', root + ['other/p256/root.pem'], trust=', signatures: 2')
    device('timed', root, clock='{source: trusted}')
    device('later', root, clock='{source: none, '
           'not-before: 2200-01-01T00:00:00Z}')
    named = ['{name: quality, file: pki/p384/root.pem}',
             '{name: release, file: pki/p256/root.pem}']
    device('rule', named, trust=', rules: [{at-least: 1, of: [quality]}, '
           '{at-least: 2, of: [quality, release], distinct: anchors}]')
    device('right', named, trust=', rights: [{component: main, '
           'anchors: [quality]}]')
    device('righted', named, trust=', rights: [{component: main, '
           'anchors: [release]}]')
    for d in ('vendor', 'class', 'many', 'newer', 'newest', 'small',
              'elsewhere', 'two', 'timed', 'later', 'rule', 'right',
              'righted'):
        both('p256 for ' + d, d, good)
    # Two signers, in either order; and one of them missing.
    for first, second in (('p256', 'p384'), ('p384', 'p256')):
        file = 'bundle/%s-%s.fwb' % (first, second)
        parts.run(BUILD + '/fwsign', 'sign', 'bundle/%s.fwb' % first, '-o',
                 file, '--quiet', '--key', key_of('pki', second), '--chain',
                 'pki/%s/full-chain.pem' % second)
        for d in 'rule', 'right', 'righted', 'all', 'two':
            both('%s and %s for %s' % (first, second, d), d, file)
    for p in 'expired', 'future':
        file = 'bundle/%s.fwb' % p
        manifest = parts.Bundle(good)
        parts.write(file, manifest.signed('%s/p256' % p))
        device(p + '-timed', [p + '/p256/root.pem'],
               clock='{source: trusted}')
        device(p, [p + '/p256/root.pem'])
        both(p + ', with a clock', p + '-timed', file)
        both(p + ', without', p, file)
    # Every profile that the tests of profiles call good.
    build('bundle/acme.fwb', 'pki', 'p256', 42, identity='device: '
          '{vendor-domain: acme.example, model: Pump 3000}')
    for n in 'root', 'other', 'plain', 'quality', 'release', '${ROOT}', '':
        shutil.copy('pki/p256/root.pem' if n in ('root', 'release', '${ROOT}')
                    else 'pki/%s/root.pem' % {
                        'quality': 'p384', 'other': 'p521', 'plain': 'rsa3072',
                        '': 'p256'}[n], 'profile/%s.pem' % n)
    os.makedirs('profile/old', exist_ok=True)
    shutil.copy('pki/p384/root.pem', 'profile/old/root.pem')
    good = TOP + '/testdata/profile/good/'
    for n in sorted(os.listdir(good)):
        with open(good + n) as f:
            profile('good-' + n[:-5], f.read(), 'profile')
        both('profile ' + n[:-5], 'good-' + n[:-5], 'bundle/acme.fwb')


# ---- manifests that are signed and all the same wrong -----------------------

def manifests():
    source = parts.Bundle('bundle/plain.fwb')
    for name, change in parts.CHANGES:
        file = 'bundle/m-%s.fwb' % name
        parts.write(file, source.changed(change).signed('files/p256'))
        both('manifest: ' + name, 'changes', file)
        both('manifest: %s, by another device' % name, 'state', file)
        if name.startswith('use-before'):
            both('manifest: %s, with a clock' % name, 'clocked', file)


def headers():
    """Signature blocks and envelopes that are wrong by form."""
    source = parts.Bundle('bundle/plain.fwb')
    for name, data in parts.blocks(source, 'files/p256'):
        parts.write('bundle/b-%s.fwb' % name, source.replaced(data))
        both('envelope: ' + name, 'changes', 'bundle/b-%s.fwb' % name)
        if name == 'large':
            program.pop()       # fwverify has more room
        parts.write('envelope/b-%s.suit' % name, data)
        case('bare envelope: ' + name, 'envelope', 'envelope-files',
             'envelope/b-%s.suit' % name, (), devices['envelope-files'])
    for name, data in parts.archives(source):
        parts.write('bundle/a-%s.fwb' % name, data)
        both('archive: ' + name, 'changes', 'bundle/a-%s.fwb' % name)


def descriptors():
    """What fwsign makes of other descriptors: slots, staging, payloads."""
    components = {
        'slots': '- {id: main, slots: [{slot: 0, file: app.bin}, '
                 '{slot: 1, file: radio.bin}]}',
        'integrated': '- {id: main, file: radio.bin, payload: integrated}',
        'three': '- {id: main, file: app.bin}\n  - {id: radio, file: '
                 'radio.bin, invoke: false}\n  - {id: [a, "0x01"], file: '
                 'sbom.json, invoke: false}',
    }
    three = ['{id: main, size: 8192, slots: 2, slot: %d}',
             '{id: radio, size: 8192}', '{id: [a, "0x01"], size: 512}']
    for i in 0, 1:
        device('slot%d' % i, ['pki/p256/root.pem'],
               components=[three[0] % i] + three[1:])
    for name, text in components.items():
        for digest in 'sha-256', 'sha-384', 'sha-512':
            file = 'bundle/d-%s-%s.fwb' % (name, digest)
            build(file, 'pki', 'p256', 9, text, more='digest: ' + digest)
            for d in 'slot0', 'slot1', 'p256':
                both('%s, %s, %s' % (name, digest, d), d, file)
    bundle = parts.Bundle('bundle/d-integrated-sha-256.fwb')
    parts.write('envelope/integrated.suit', bundle.envelope)
    for d in 'p256', 'slot1', 'small', 'stranger':
        case('integrated, run for ' + d, 'run', d, 'envelope/integrated.suit')


def examples():
    """The examples of the draft, and all of them for a device that fits."""
    folder = TOP + '/testdata/suit/'
    key = folder + 'public_key.pem'
    shutil.copy(key, 'public_key.pem')
    tool('envelope-draft', ['public_key.pem'], NOW, True)
    profile('draft', '''profile: 1
device:
  vendor-id: fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe
  class-id: 1492af14-2569-5e48-bf42-9b2d51f2ab45
trust: {anchors: [public_key.pem]}
clock: {source: none}
allow: [swap, unordered]
components:
  - {id: ["0x00"], size: 100000, slots: 2}
  - {id: ["0x01"], size: 100000}
  - {id: ["0x02"], size: 100000}
''')
    for n in sorted(os.listdir(folder)):
        if not n.endswith('.suit'):
            continue
        shutil.copy(folder + n, 'envelope/' + n)
        case('draft: ' + n, 'envelope', 'envelope-draft', 'envelope/' + n, (),
             devices['envelope-draft'])
        case('draft: run ' + n, 'run', 'draft', 'envelope/' + n)
        case('draft: %s, another key' % n, 'envelope', 'envelope-p256',
             'envelope/' + n, (), devices['envelope-p256'])


# ---- lists and lives --------------------------------------------------------

def revoke(file, pki, number, *keys):
    parts.run(BUILD + '/fwsign', 'revoke', '--root', pki + '/root.pem', '--key',
             pki + '/root.key', '--number', str(number), '-o', file,
             '--quiet', *keys)


def lists():
    for a in 'p256', 'p384', 'rsa3072':
        pki = 'files/' + a
        revoke('list/%s.fwr' % a, pki, 7, pki + '/leaf.pem',
               pki + '/intermediate.pem')
        tool('lists-' + a, [pki + '/root.pem'], NOW)
        case('revocations ' + a, 'revocations', 'lists-' + a,
             'list/%s.fwr' % a)
    case('revocations of another', 'revocations', 'lists-p384',
         'list/p256.fwr')


def life(name, dev, steps, edits=()):
    file = 'life/' + name
    parts.write(file, cbor2.dumps(steps))
    case('life: ' + name, 'life', dev, file, edits)


def lives():
    banks = ['{id: main, size: 8192, slots: 2}']
    for boot in 'fast', 'full':
        device('banks-' + boot, ['files/p256/root.pem'], sequence=1,
               components=banks, more='boot: ' + boot)
    for n in 1, 2, 3:
        parts.write('app.bin', parts.noise(1500 + n, n))
        build('bundle/r%d.fwb' % n, 'files', 'p256', n)
    r = [None] + [['install', 'bundle/r%d.fwb' % n] for n in (1, 2, 3)]
    boot, confirm, status = ['boot'], ['confirm'], ['status']
    start = [['provision', 1], r[1], boot, confirm]
    for b in 'fast', 'full':
        d = 'banks-' + b
        life('empty, ' + b, d, [['provision', 0], status, boot, confirm])
        life('upgrade, ' + b, d, start + [r[2], status, boot, confirm, status,
                                          boot, r[1], r[3], boot, status])
        life('fall back, ' + b, d, start + [r[2], boot, boot, status, confirm,
                                            r[3], boot, confirm, status])
        life('not confirmed, ' + b, d, [['provision', 1], r[1], boot, r[2],
                                        r[3], status, boot, boot])
        life('refused, ' + b, d, start + [
            ['install', 'bundle/m-digest.fwb'], ['install', 'bundle/p256.fwb'],
            ['install', 'sbom.json'], boot, status])
    device('banks-two', ['files/p256/root.pem'], sequence=1, components=banks +
           ['{id: radio, size: 8192, slots: 2}'])
    life('a part of the release', 'banks-two', [['provision', 1], r[1], status])
    life('too old by 33 bits', 'banks-fast', [
        ['provision', 2 ** 32 + 1], r[3], status,
        ['install', 'bundle/m-sequence-33-bits.fwb'], boot, confirm, status])
    life('33 bits', 'banks-fast', start + [
        ['install', 'bundle/m-sequence-33-bits.fwb'], boot, confirm, r[3],
        status, boot])
    life('tried, and another', 'banks-fast', start + [
        r[2], confirm, boot, r[3], status, boot])
    life('confirmed too early', 'banks-fast', [['provision', 1], confirm, r[1],
                                               confirm, boot, confirm])
    # Power fails at each operation of an upgrade, in each way.
    parts.write('life/cut', cbor2.dumps(start + [['cut', 0, 0], r[2], ['power'],
                                                boot, status, r[3], boot,
                                                confirm, status]))
    with open('life/cut', 'rb') as f:
        encoded = f.read()
    at = encoded.index(cbor2.dumps(['cut', 0, 0])) + 5
    for how in 1, 2, 3:
        for op in range(1, 24, 2):
            case('life: cut %d at %d' % (how, op), 'life', 'banks-fast',
                 'life/cut', [(at, 2, bytes([how, op]))])
    trusts()


def trusts():
    """Releases that replace anchors and revoke keys."""
    old, new = 'files/p256', 'files/p384'
    shutil.copy(new + '/root.pem', 'roots.pem')
    device('trusting', ['{name: root, file: %s/root.pem}' % old], sequence=1,
           trust=', revocations: [root]', components=[
               '{id: app, size: 4096, slots: 2}',
               '{id: anchors, size: 2048, slots: 2, kind: trust-anchors}',
               '{id: revoked, size: 1024, slots: 2, kind: revocations}'])
    revoke('none.list', old, 1, '0' * 64)
    revoke('two.list', old, 2, old + '/leaf.pem')
    components = ('- {id: app, file: radio.bin}\n  - {id: anchors, file: %s, '
                  'format: trust-anchors}\n  - {id: revoked, file: %s, '
                  'format: revocations}')
    for n, alg, roots, lst in ((1, 'p256', old + '/root.pem', 'none.list'),
                               (2, 'p256', 'roots.pem', 'none.list'),
                               (3, 'p384', 'roots.pem', 'none.list'),
                               (4, 'p256', old + '/root.pem', 'two.list'),
                               (5, 'p256', old + '/root.pem', 'two.list')):
        build('bundle/t%d.fwb' % n, 'files', alg, n, components % (roots, lst))
    # No lists, but signed as images.
    for what, text in (('anchors', '- {id: app, file: radio.bin}\n  - {id: '
                        'anchors, file: sbom.json, invoke: false}\n  - {id: '
                        'revoked, file: none.list, format: revocations}'),
                       ('revoked', '- {id: app, file: radio.bin}\n  - {id: '
                        'anchors, file: roots.pem, format: trust-anchors}\n'
                        '  - {id: revoked, file: sbom.json, invoke: false}')):
        build('bundle/no-%s.fwb' % what, 'files', 'p256', 6, text)
    t = [['install', 'bundle/t%d.fwb' % n] for n in range(1, 6)]
    boot, confirm, status = ['boot'], ['confirm'], ['status']
    begin = [['provision', 1], t[0], boot, confirm, status]
    life('other anchors', 'trusting', begin + [
        t[2], t[1], boot, status, confirm, status, t[2], boot, confirm, t[3],
        status, boot])
    life('lists that are none', 'trusting', begin + [
        ['install', 'bundle/no-anchors.fwb'],
        ['install', 'bundle/no-revoked.fwb'], boot, status])
    life('revoked keys', 'trusting', begin + [
        t[3], boot, confirm, status, t[4], boot, status])
    life('a list by itself', 'trusting', begin + [
        ['revoke', 'two.list'], status, ['revoke', 'none.list'],
        ['revoke', 'list/p256.fwr'], t[3], boot, status])


# ---- mutants ----------------------------------------------------------------

def signed_mutants(rng):
    """Mutants of manifests, signed all the same: they are what the decoder
    and the interpreter see."""
    sources = [('plain', 'state'), ('m-try', 'changes'), ('m-copy', 'changes'),
               ('d-three-sha-256', 'signed'), ('d-slots-sha-256', 'signed'),
               ('d-integrated-sha-512', 'signed')]
    device('signed', ['files/p256/root.pem'],
           components=['{id: main, size: 8192, slots: 2}',
                       '{id: radio, size: 8192}',
                       '{id: [a, "0x01"], size: 512}'])
    for source, dev in sources:
        bundle = parts.Bundle('bundle/%s.fwb' % source)
        manifest = bundle.tag.value[3]
        for i, (how, edits) in enumerate(mutate.mutants(manifest, 30, rng)):
            file = 'bundle/s-%s-%d.fwb' % (source, i)
            parts.write(file, bundle.with_manifest(
                mutate.apply(manifest, edits)).signed('files/p256'))
            both('signed mutant %s %d: %s' % (source, i, how), dev, file)


def mutants(rng):
    """Those that meet a slow signature are few."""
    plan = [('plain', 'check', 'changes', 'bundle/plain.fwb', 400),
            ('p256', 'check', 'p256', 'bundle/p256.fwb', 150),
            ('stored', 'store', 'slot1', 'bundle/d-three-sha-256.fwb', 300),
            ('slots', 'check', 'slot0', 'bundle/d-slots-sha-384.fwb', 100),
            ('rsa', 'check', 'rsa3072', 'bundle/rsa3072.fwb', 500),
            ('p384', 'check', 'p384', 'bundle/p384.fwb', 40),
            ('two signers', 'check', 'rule', 'bundle/p256-p384.fwb', 40),
            ('integrated', 'run', 'p256', 'envelope/integrated.suit', 200),
            ('list', 'revocations', 'lists-p256', 'list/p256.fwr', 80),
            ('chain', 'chain', 'chain-p256', 'chain/p256', 60),
            ('signature', 'signature', 'all', 'signature/-9', 40),
            ('PSS', 'signature', 'all', 'signature/-37', 60)]
    plan += [('draft %d' % n, 'run', 'draft', 'envelope/example%d.suit' % n, 80)
             for n in range(6)]
    for name, kind, dev, file, count in plan:
        with open(file, 'rb') as f:
            data = f.read()
        case('mutant base: ' + name, kind, dev, file)
        for i, (how, edits) in enumerate(mutate.mutants(data, count, rng)):
            case('mutant %s %d: %s' % (name, i, how), kind, dev, file, edits,
                 devices[dev] if kind == 'check' and i % 10 == 0 else None)


# ---- all of it --------------------------------------------------------------

def main():
    os.chdir(DIR)
    for d in ('device', 'bundle', 'envelope', 'chain', 'signature', 'list',
              'life', 'profile'):
        os.makedirs(d, exist_ok=True)
    parts.write('app.bin', parts.noise(3000, 10))
    parts.write('radio.bin', parts.noise(700, 11))
    parts.write('sbom.json', b'{"bomFormat": "CycloneDX"}\n')
    algorithms()
    policies()
    descriptors()
    build('bundle/plain.fwb', 'files', 'p256')
    device('changes', ['files/p256/root.pem'],
           components=['{id: main, size: 8192, slots: 2}',
                       '{id: radio, size: 8192}'], more='allow: [swap]')
    device('state', ['files/p256/root.pem'], components=[
        '{id: main, size: 8192, version: 1.2.3}'],
           more='allow: [unordered]\nstate:\n  battery: 5000\n'
                '  authorized-priority: 3\n'
                '  events: {power: met, network: pending}')
    device('clocked', ['files/p256/root.pem'], clock='{source: trusted}')
    tool('envelope-files', ['files/p256/root.pem'], NOW, True)
    manifests()
    first = len(cases)
    wrong.numbers(device, both)
    wrong.chains(tool, NOW, case, both)
    parts.write('wrong.cbor', cbor2.dumps(cases[first:]))
    wrong.attachments(build, both)
    wrong.failures(device, case, both)
    headers()
    chains()
    signatures()
    examples()
    lists()
    lives()
    rng = random.Random(20261122)
    signed_mutants(rng)
    mutants(rng)
    parts.write('program.json', json.dumps(
        [[n, a, f, [[o, r, i.hex()] for o, r, i in e]]
         for n, a, f, e in program]).encode())
    parts.write('corpus.cbor', cbor2.dumps(cases))
    print('%d cases, %d of them mutants' % (len(cases), sum(
        1 for c in cases if 'mutant ' in c[0] and 'base' not in c[0])))


main()
