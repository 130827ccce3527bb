# SPDX-License-Identifier: Apache-2.0
"""More cases for corpus.py, each refused for one thing that is not right: they
are told by the functions of corpus.py that are handed in."""
import cbor2

import certs
import parts


def numbers(device, both):
    """What 32 bits do not hold: sequence numbers and sizes."""
    roots = ['files/p256/root.pem']
    device('far', roots, sequence=2 ** 32 + 1)
    device('vast', roots, components=['{id: main, size: 4294967396}'])
    for d in 'far', 'vast':
        for file in 'plain', 'm-sequence-33-bits', 'm-size-33-bits':
            both('%s for %s' % (file, d), d, 'bundle/%s.fwb' % file)
    # As large as the manifest says, and too large by 2^32.
    source = parts.Bundle('bundle/m-size-33-bits.fwb')
    (head, envelope), (app, image) = source.members()
    parts.write('bundle/a-33-bits.fwb', head + parts.padded(envelope) +
                parts.header(app, 2 ** 32 + len(image)) + image)
    for d in 'changes', 'vast':
        both('an image of 33 bits for ' + d, d, 'bundle/a-33-bits.fwb')


def chains(tool, now, case, both):
    """Certificates that hold and say what they must not."""
    pki = 'files/p256'
    bundles = {'leaf-same', 'leaf-no-purpose', 'leaf-no-usage', 'leaf-ca',
               'leaf-issuing-usage', 'leaf-version-1', 'leaf-twice-purpose',
               'leaf-unknown-critical', 'ca-no-usage', 'ca-not-critical',
               'path-too-long'}
    source = parts.Bundle('bundle/plain.fwb')
    tool('chain-files', [pki + '/root.pem'], now)
    for name, chain in certs.chains(pki, 'other/p256'):
        parts.write('chain/' + name, cbor2.dumps(chain))
        case('certificates: ' + name, 'chain', 'chain-files', 'chain/' + name)
        file = 'bundle/c-%s.fwb' % name
        if name in bundles:
            parts.write(file, source.signed(pki, chain=chain))
        elif 'rsa' in name:
            parts.write(file, source.signed(pki, alg=-37, chain=chain,
                                            key=name[5:] + '.key'))
        else:
            continue
        both('bundle with certificates: ' + name, 'changes', file)


def attachments(build, both):
    build('bundle/attached.fwb', 'files', 'p256', more='attachments:\n'
          '  - {name: sbom.json, file: sbom.json, type: application/json}')
    source = parts.Bundle('bundle/attached.fwb')
    both('attached', 'changes', 'bundle/attached.fwb')
    *others, (head, sbom) = source.members()

    def of(rows):
        return b''.join(h + parts.padded(d) for h, d in rows) + bytes(1024)

    for name, data in (
            ('missing', of(others)),
            ('spoilt', of(others + [(head, b'[' + sbom[1:])])),
            ('larger', of(others + [(parts.header(head, len(sbom) + 1),
                                     sbom + b' ')])),
            ('renamed', of(others + [(parts.header(head, len(sbom), 'x'),
                                      sbom)])),
            ('twice', of(others + [(head, sbom)] * 2)),
            ('list-spoilt', source.with_text('"size"', '"sixe"').signed(
                'files/p256')),
            ('list-name', source.with_text('sbom.json', 'app.bin').signed(
                'files/p256')),
            ('size-33-bits', source.with_text(
                ':%d,' % len(sbom), ':%d,' % (2 ** 32 + len(sbom))).signed(
                    'files/p256'))):
        parts.write('bundle/t-%s.fwb' % name, data)
        both('attachment: ' + name, 'changes', 'bundle/t-%s.fwb' % name)


def failures(device, case, both):
    """Policies that are none, a clock that is late, a bundle that cannot be
    read, crypto that fails."""
    for name, at, value in (('no-anchor', 0, []), ('no-threshold', 1, 0),
                            ('no-signer', 1, 2), ('other-clock', 2, 99)):
        with open('device/changes', 'rb') as f:
            encoded = cbor2.loads(f.read())
        encoded[9][at] = value
        parts.write('device/' + name, cbor2.dumps(encoded))
        case('policy: ' + name, 'check', name, 'bundle/plain.fwb')
        case('policy: %s, a chain' % name, 'chain', name, 'chain/leaf-same')
    device('late', ['files/p256/root.pem'], clock='{source: trusted, '
           'not-before: 2200-01-01T00:00:00Z}')
    both('a clock that is late', 'late', 'bundle/plain.fwb')
    for kind in 'unreadable', 'crypto-fails':
        case(kind, kind, 'changes', 'bundle/plain.fwb')
