# SPDX-License-Identifier: Apache-2.0
"""Mutants: what was changed, and the edits that do it, for the runner (twin.c).

An edit is (offset, bytes removed, bytes inserted).
"""


def items(data, start, end, depth=0):
    """Begin and end of every CBOR item in data[start:end], also of those in
    byte strings that hold nothing but items; None when these are none."""
    out, at = [], start
    while at < end:
        got = item(data, at, end, depth)
        if got is None:
            return None
        out += got
        at = got[0][1]
    return out


def item(data, at, end, depth):
    begin = at
    major, info = data[at] >> 5, data[at] & 31
    n = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
    if depth > 40 or info > 27 or at + 1 + n > end:
        return None
    value = int.from_bytes(data[at + 1:at + 1 + n], 'big') if n else info
    at += 1 + n
    inner = []
    if major in (2, 3):
        if value > end - at:
            return None
        if major == 2 and value > 1:
            inner = items(data, at, at + value, depth + 1) or []
        at += value
    elif major in (4, 5, 6):
        for _ in range(value * (2 if major == 5 else 1) if major != 6 else 1):
            got = item(data, at, end, depth + 1) if at < end else None
            if got is None:
                return None
            inner += got
            at = got[0][1]
    return [(begin, at)] + inner


def fields(data):
    """Pieces worth exchanging: CBOR items, and members of an archive."""
    if data[257:262] != b'ustar':
        return items(data, 0, len(data)) or [(0, len(data))]
    out, at = [], 0
    while at < len(data) and data[at]:
        size = int(data[at + 124:at + 135], 8)
        out += [(at, at + 512), (at + 512, at + 512 + size),
                (at, at + 512 + size + -size % 512)]
        if at == 0:
            out += items(data, 512, 512 + size)
        at += 512 + size + -size % 512
    return out


def checksum(data, at):
    """The edit that makes the checksum of a header hold again."""
    block = data[at:at + 148] + b' ' * 8 + data[at + 156:at + 512]
    return (at + 148, 8, b'%06o\0 ' % sum(block))


def apply(data, edits):
    for at, n, new in edits:
        data = data[:at] + new + data[at + n:]
    return data


def one(data, pieces, rng):
    """Which kind it is, and its edits.  Of bundles, the envelope is met more
    often than its size would have it."""
    archive = data[257:262] == b'ustar'
    at = rng.randrange(len(data))
    if archive and rng.random() < .7:
        at = 512 + rng.randrange(int(data[124:135], 8))
    how = rng.choice(['bit', 'bit', 'bit', 'byte', 'cut', 'insert', 'delete',
                      'swap', 'swap', 'copy', 'repeat', 'number', 'header'])
    if how == 'bit':
        return how, [(at, 1, bytes([data[at] ^ 1 << rng.randrange(8)]))]
    if how == 'byte':
        return how, [(at, 1, bytes([rng.choice([0, 0xff, 0x7f, 0x80,
                                                rng.randrange(256)])]))]
    if how == 'cut':
        return how, [(at, len(data) - at, b'')]
    if how == 'insert':
        return how, [(at, 0, bytes(rng.randrange(256)
                                   for _ in range(rng.randrange(1, 5))))]
    if how == 'delete':
        return how, [(at, min(rng.randrange(1, 5), len(data) - at), b'')]
    if how == 'header' and archive:
        headers = [a for a, b in pieces if data[a + 257:a + 262] == b'ustar']
        at = rng.choice(headers)
        edit = [(at + rng.choice([0, 3, 104, 124, 130, 134, 156, 157, 265, 345,
                                  511]), 1, bytes([rng.randrange(256)]))]
        return how, edit + [checksum(apply(data, edit), at)]
    (a, b), (c, d) = sorted(rng.sample(pieces, 2)) if len(pieces) > 1 else \
        [pieces[0]] * 2
    if how == 'swap' and b <= c:
        return how, [(a, d - a, data[c:d] + data[b:c] + data[a:b])]
    if how == 'copy':
        return how, [(a, b - a, data[c:d])]
    if how == 'repeat' and b - a < 2000:
        return how, [(b, 0, data[a:b])]
    # The head of an item, which says its type and length.
    return 'head', [(a, 1, bytes([(data[a] + rng.choice([1, -1, 32, 64, 128]))
                                  & 255]))]


def mutants(data, count, rng):
    pieces, seen = fields(data), {data}
    while len(seen) <= count:
        how, edits = one(data, pieces, rng)
        new = apply(data, edits)
        if new not in seen:
            seen.add(new)
            yield how, edits
