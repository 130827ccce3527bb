#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""For the shell tests: SUIT envelopes seen by another decoder (cbor2).

suit_tool.py compare FILE.suit [OUTPUT.json]   is inspect's JSON what cbor2 says?
suit_tool.py validate SCHEMA OUTPUT.json...    does it fit the schema?
suit_tool.py commands OUTPUT.json              one line for each section
suit_tool.py sign KEY.pem CHAIN.pem IN OUT     ESP256 with x5chain instead
suit_tool.py add IN OUT NAME=FILE...           integrated payloads
suit_tool.py bits FILE FOLDER STEP             copies with one bit flipped
suit_tool.py cuts FILE FOLDER STEP             copies cut short
suit_tool.py printable FILE...                 UTF-8 without control characters
"""
import base64
import hashlib
import json
import subprocess
import sys
import unicodedata
import uuid

import cbor2

SECTIONS = {4: 'shared', 16: 'payload-fetch', 20: 'install', 7: 'validate',
            8: 'load', 9: 'invoke'}
COMMANDS = {
    1: 'condition-vendor-identifier', 2: 'condition-class-identifier',
    3: 'condition-image-match', 5: 'condition-component-slot',
    6: 'condition-check-content', 12: 'directive-set-component-index',
    14: 'condition-abort', 15: 'directive-try-each', 18: 'directive-write',
    20: 'directive-override-parameters', 21: 'directive-fetch',
    22: 'directive-copy', 23: 'directive-invoke',
    24: 'condition-device-identifier', 31: 'directive-swap',
    32: 'directive-run-sequence'}
PARAMETERS = {
    1: 'vendor-identifier', 2: 'class-identifier', 3: 'image-digest',
    5: 'component-slot', 12: 'strict-order', 13: 'soft-failure',
    14: 'image-size', 18: 'content', 21: 'uri', 22: 'source-component',
    23: 'invoke-args', 24: 'device-identifier', 25: 'fetch-arguments'}
DIGESTS = {-16: 'sha-256', -43: 'sha-384', -44: 'sha-512'}


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)


# ---- compare ---------------------------------------------------------------

def digest(item):
    return '%s:%s' % (DIGESTS[item[0]], item[1].hex())


def hashed(item, content):
    """A digest with what a hash over the byte string and its head gives."""
    got = hashlib.new(DIGESTS[item[0]].replace('-', ''),
                      cbor2.dumps(content)).hexdigest()
    return {'digest': digest(item),
            'digest-computed': '%s:%s' % (DIGESTS[item[0]], got),
            'digest-matches': got == item[1].hex()}


def parameter(key, value):
    out = {'key': key, 'name': PARAMETERS[key], 'value': value}
    if key in (1, 2, 24):
        out['value'] = str(uuid.UUID(bytes=value))
    elif key == 3:
        out['value'] = digest(cbor2.loads(value))
    elif key in (18, 23, 25):
        out.update(value=value.hex(), size=len(value))
    return out


def command(code, arg):
    out = {'code': code, 'name': COMMANDS[code]}
    if code == 12:
        out['components'] = ('all' if arg is True else
                             arg if isinstance(arg, list) else [arg])
    elif code == 15:
        out['alternatives'] = [commands(a) for a in arg if a is not None]
        out['or-nothing'] = arg[-1] is None
    elif code == 32:
        out['commands'] = commands(arg)
    elif code == 20:
        out['parameters'] = [parameter(k, v) for k, v in arg.items()]
    else:
        names = ['record-on-success', 'record-on-failure',
                 'sysinfo-on-success', 'sysinfo-on-failure']
        out['policy'] = arg
        out['reports'] = [n for i, n in enumerate(names) if arg >> i & 1]
    return out


def commands(content):
    flat = cbor2.loads(content)
    return [command(c, a) for c, a in zip(flat[::2], flat[1::2])]


def identifier(item):
    readable = all(s and all(0x20 < b < 0x7f and b not in b'/\\' for b in s)
                   for s in item) and len(item) > 0
    return {'identifier': [s.hex() for s in item],
            'label': '/'.join(s.decode() for s in item) if readable else None}


def block(content):
    tag = cbor2.loads(content)
    protected = cbor2.loads(tag.value[0])
    chain = protected.get(33, [])
    return {'type': {18: 'COSE_Sign1'}[tag.tag],
            'algorithm-id': protected[1],
            'detached': tag.value[2] is None,
            'signature': tag.value[3].hex(),
            'certificates': ['sha-256:' + hashlib.sha256(c).hexdigest() for c in
                             ([chain] if isinstance(chain, bytes) else chain)]}


def text_map(content):
    out = []
    for language, entries in cbor2.loads(content).items():
        fields = {k: v for k, v in entries.items() if isinstance(k, int)}
        parts = [dict(identifier(list(k)), fields=dict(v))
                 for k, v in entries.items() if not isinstance(k, int)]
        out.append({'language': language, 'fields': fields,
                    'components': parts})
    return out


def expected(data):
    env = cbor2.loads(data).value
    auth = cbor2.loads(env[2])
    man = cbor2.loads(env[3])
    common = cbor2.loads(man[3])
    sequences, severable = [], []
    for key, name in SECTIONS.items():
        value = common.get(4) if key == 4 else man.get(key)
        where = 'manifest'
        if isinstance(value, list):
            where = 'envelope'
            value = env.get(key)
        if value is not None:
            sequences.append({'section': name, 'where': where,
                              'commands': commands(value)})
    for key, name in ((16, 'payload-fetch'), (20, 'install'), (23, 'text')):
        if isinstance(man.get(key), list):
            there = key in env
            severable.append(dict(
                hashed(man[key], env[key]) if there else
                {'digest': digest(man[key])},
                section=name, state='present' if there else 'severed'))
    text = man.get(23)
    if isinstance(text, list):
        text = env.get(23)
    return {
        'size': len(data),
        'digest': hashed(cbor2.loads(auth[0]), env[3]),
        'signatures': [block(b) for b in auth[1:]],
        'version': man[1], 'sequence-number': man[2],
        'reference-uri': man.get(4),
        'components': [dict(identifier(c), index=i)
                       for i, c in enumerate(common[2])],
        'sequences': sequences, 'severable': severable,
        'text': text_map(text) if text else [],
        'payloads': [{'name': k, 'size': len(v)} for k, v in env.items()
                     if isinstance(k, str)]}


def fields_of(entry):
    return {f['key']: f['text'] for f in entry['fields']}


def shown(tree):
    env = tree['envelope']
    man = env['manifest']
    signatures = []
    for s in env['authentication']['signatures']:
        one = {k: s[k] for k in ('type', 'algorithm-id', 'detached',
                                 'signature')}
        one['certificates'] = [c['fingerprint'] for c in s['certificates']]
        signatures.append(one)
    return {
        'size': env['size'], 'digest': {
            k: v for k, v in env['authentication'].items()
            if k != 'signatures'},
        'signatures': signatures, 'version': man['version'],
        'sequence-number': man['sequence-number'],
        'reference-uri': man['reference-uri'],
        'components': man['components'], 'sequences': env['sequences'],
        'severable': env['severable'],
        'text': [{'language': t['language'], 'fields': fields_of(t),
                  'components': [{'identifier': c['identifier'],
                                  'label': c['label'],
                                  'fields': fields_of(c)}
                                 for c in t['components']]}
                 for t in env['text']],
        'payloads': env['payloads']}


def compare(suit, output):
    tree = json.loads(read(output))
    want, got = expected(read(suit)), shown(tree)
    bad = [k for k in want if want[k] != got[k]]
    for key in bad:
        print('%s: %r\n  instead of %r' % (key, got[key], want[key]))
    if tree['problems']:
        print(tree['problems'])
    return not bad and not tree['problems']


# ---- the rest ----------------------------------------------------------------

def validate(schema, *outputs):
    import jsonschema
    rules = json.loads(read(schema))
    jsonschema.Draft202012Validator.check_schema(rules)
    validator = jsonschema.Draft202012Validator(rules)
    good = len(outputs) > 0
    for path in outputs:
        for error in validator.iter_errors(json.loads(read(path))):
            print('%s: %s: %s' % (path, list(error.absolute_path),
                                  error.message[:200]))
            good = False
    return good


def names(items):
    out = []
    for c in items:
        name = c['name'].split('-', 1)[1]
        if 'components' in c:
            name += str(c['components']).replace(' ', '')
        if 'alternatives' in c:
            name += '(%s)' % ' | '.join(names(a) for a in c['alternatives'])
        out.append(name)
    return ' '.join(out)


def show_commands(output):
    for section in json.loads(read(output))['sequences']:
        print('%s: %s' % (section['section'], names(section['commands'])))
    return True


def raw_signature(der):
    """r and s of 32 bytes each from a DER SEQUENCE of two INTEGERs."""
    out, at = b'', 2
    for _ in range(2):
        n = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + n], 'big').to_bytes(
            32, 'big')
        at += 2 + n
    return out


def encode(env):
    """An envelope; map keys in the order of their encodings."""
    ordered = sorted(env.items(), key=lambda pair: cbor2.dumps(pair[0]))
    return cbor2.dumps(cbor2.CBORTag(107, dict(ordered)))


def sign(key, chain, source, target):
    env = cbor2.loads(read(source)).value
    payload = cbor2.loads(env[2])[0]
    certs = [base64.b64decode(part.split('-----END')[0]) for part in
             read(chain).decode().split('-----BEGIN CERTIFICATE-----')[1:]]
    protected = cbor2.dumps({1: -9, 33: certs[0] if len(certs) == 1 else
                             certs})
    tbs = cbor2.dumps(['Signature1', protected, b'', payload])
    der = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', key],
                         input=tbs, stdout=subprocess.PIPE, check=True).stdout
    cose = cbor2.CBORTag(18, [protected, {}, None, raw_signature(der)])
    env[2] = cbor2.dumps([payload, cbor2.dumps(cose)])
    write(target, encode(env))
    return True


def add(source, target, *pairs):
    env = cbor2.loads(read(source)).value
    for pair in pairs:
        name, path = pair.split('=', 1)
        env[name] = read(path)
    write(target, encode(env))
    return True


def bits(source, folder, step):
    data = bytearray(read(source))
    for bit in range(0, 8 * len(data), int(step)):
        data[bit // 8] ^= 1 << bit % 8
        write('%s/bit%05d' % (folder, bit), data)
        data[bit // 8] ^= 1 << bit % 8
    return True


def cuts(source, folder, step):
    data = read(source)
    for n in range(0, len(data), int(step)):
        write('%s/cut%05d' % (folder, n), data[:n])
    return True


def printable(*paths):
    good = len(paths) > 0
    for path in paths:
        text = read(path).decode('utf-8')
        for c in text:
            if c != '\n' and (unicodedata.category(c) == 'Cc' or
                              c in '\u202a\u202b\u202c\u202d\u202e'):
                print('%s: %r' % (path, c))
                good = False
                break
    return good


TOOLS = {'compare': compare, 'validate': validate, 'commands': show_commands,
         'sign': sign, 'add': add, 'bits': bits, 'cuts': cuts,
         'printable': printable}

if __name__ == '__main__':
    sys.exit(0 if TOOLS[sys.argv[1]](*sys.argv[2:]) else 1)
