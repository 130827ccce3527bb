#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""commands_tool.py IN.fwb OUT.fwb SECTION=COMMANDS... | versions | notext: change an
unsigned bundle.  Put commands at the beginning of a section (a number of the
draft; 4 is the shared sequence): COMMANDS is a list in Python, W(x) a byte
string that holds x in CBOR, and index 0 is set before them.  Or let alternatives
depend on the component's version in place of its slot: 1 for slot 0, and so on.
Or sever the texts.
"""
import hashlib
import sys

import cbor2

COMMON, SHARED, INSTALL, TEXT = 3, 4, 20, 23


def wrap(value):
    return cbor2.dumps(value)


def put(section, commands):
    old = cbor2.loads(section) if section is not None else []
    return wrap([12, 0] + commands + old)


def by_version(section):
    out = []
    commands = cbor2.loads(section)
    for code, arg in zip(commands[::2], commands[1::2]):
        if code == 20 and 5 in arg:
            arg = {28: wrap([3, [arg[5] + 1]])}
        elif code == 15:
            arg = [by_version(alternative) for alternative in arg]
        out += [28 if code == 5 else code, arg]
    return wrap(out)


def change(envelope, additions):
    tag = cbor2.loads(envelope)
    manifest = cbor2.loads(tag.value[3])
    for key, commands in additions:
        if key == TEXT:
            del tag.value[TEXT]
        elif key is None:
            common = cbor2.loads(manifest[COMMON])
            common[SHARED] = by_version(common[SHARED])
            manifest[COMMON] = wrap(common)
            manifest[INSTALL] = by_version(manifest[INSTALL])
        elif key == SHARED:
            common = cbor2.loads(manifest[COMMON])
            common[SHARED] = put(common.get(SHARED), commands)
            manifest[COMMON] = wrap(common)
        else:
            manifest[key] = put(manifest.get(key), commands)
    # RFC 8949 section 4.2.1: keys in the order of their encodings
    manifest = dict(sorted(manifest.items(), key=lambda kv: wrap(kv[0])))
    tag.value[3] = wrap(manifest)
    digest = hashlib.sha256(wrap(tag.value[3])).digest()
    tag.value[2] = wrap([wrap([-16, digest])])
    return wrap(tag)


def header(old, size):
    """The ustar header with another size."""
    new = old[:124] + b'%011o\0' % size + old[136:148] + b' ' * 8 + old[156:]
    return new[:148] + b'%06o\0 ' % sum(new) + new[156:]


def main():
    source, target = sys.argv[1:3]
    additions = []
    for arg in sys.argv[3:]:
        if arg in ('versions', 'notext'):
            additions.append((TEXT if arg == 'notext' else None, None))
            continue
        key, commands = arg.split('=', 1)
        additions.append((int(key), eval(commands, {'W': wrap})))
    with open(source, 'rb') as file:
        bundle = file.read()
    size = int(bundle[124:135], 8)
    envelope = change(bundle[512:512 + size], additions)
    with open(target, 'wb') as out:
        out.write(header(bundle[:512], len(envelope)))
        out.write(envelope + bytes(-len(envelope) % 512))
        out.write(bundle[512 + size + -size % 512:])


main()
