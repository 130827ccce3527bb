#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""For twin.sh: traces of the twin runner.

compare.py same A B          byte for byte; says where they differ first
compare.py ports A B         likewise, but for cases in which B lacks the
                             algorithm; prints how many were compared
compare.py program FWVERIFY CORPUS TRACE
                             what fwverify prints for the cases that
                             CORPUS/program.json names
compare.py codes HEADER TRACE
                             is there every code of FWD_STATUS_LIST?
compare.py self A B          is every single change of B seen?
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

LACKING = b'algorithm-unsupported'

# Codes that no case is refused with, and why.
NEVER = {
    'ok': 'is no refusal',
    'not-judged': 'is no refusal, and said of a bundle without a device only',
    'fault': 'needs a fault of the hardware; the fault tests have it',
}


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def by_case(trace):
    """Names and lines."""
    out = {}
    for line in trace.split(b'\n'):
        if line.startswith(b'== '):
            lines = out.setdefault(line[3:].decode(), [])
        elif line:
            lines.append(line)
    return out


def differs(a, b):
    """Where b differs from a, as text; None when it does not."""
    if a == b:
        return None
    left, right = a.split(b'\n'), b.split(b'\n')
    case = b'(none)'
    for i in range(max(len(left), len(right))):
        x = left[i] if i < len(left) else b'(end)'
        y = right[i] if i < len(right) else b'(end)'
        if x.startswith(b'== '):
            case = x[3:]
        if x != y:
            return "line %d, case '%s': '%s' is not '%s'" % (
                i + 1, *(t.decode(errors='replace') for t in (case, y, x)))
    return 'in line ends'


def same(a, b):
    why = differs(read(a), read(b))
    if why is not None:
        print(why)
    return why is None


def ports(a, b):
    left, right = by_case(read(a)), by_case(read(b))
    lacking = [n for n in left
               if any(LACKING in t for t in right.get(n, []))
               and left[n] != right[n]]
    for n in lacking:
        del left[n], right[n]
    wrong = [n for n in left if left[n] != right.get(n)]
    for n in wrong[:5]:
        print("case '%s': %s" % (n, differs(b'\n'.join(left[n]), b'\n'.join(
            right.get(n, [])))), file=sys.stderr)
    good = not wrong and len(left) == len(right)
    print('%s (%d lack it)' % ('yes' if good else 'NO', len(lacking)))
    return good


def edited(data, edits):
    for at, n, new in edits:
        data = data[:at] + bytes.fromhex(new) + data[at + n:]
    return data


def program(fwverify, corpus, trace):
    """The lines of 'fwverify ... --trace', for mutants as well."""
    cases = by_case(read(trace))
    os.chdir(corpus)
    wanted = json.loads(read('program.json'))
    compared = wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, how, file, edits in wanted:
            if edits:
                path = scratch + '/mutant'
                with open(path, 'wb') as f:
                    f.write(edited(read(file), edits))
                file = path
            done = subprocess.run([fwverify, *how, '--trace', '--json', file],
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False)
            if done.returncode not in (0, 1):
                raise SystemExit("compare.py: fwverify for '%s': %s" % (
                    name, done.stderr.decode()))
            report = json.loads(done.stdout)
            lines = [t.encode() for t in report['trace']]
            lines.append(b'-- accepted' if report['verdict'] == 'accepted' else
                         b'-- refused ' + report['refusal']['code'].encode())
            ours = [t for t in cases[name] if not t.startswith(b'> ')]
            compared += 1
            if lines != ours:
                wrong += 1
                print("fwverify, case '%s': %s" % (name, differs(
                    b'\n'.join(lines), b'\n'.join(ours))), file=sys.stderr)
    print('fwverify printed the same trace for %d of %d cases' % (
        compared - wrong, compared))
    return wrong == 0 and compared > 0


def codes(header, trace):
    """Each code refuses something, or is an exception that is one."""
    with open(header, encoding='ascii') as f:
        listed = re.findall(r'X\(FWD_\w+, 0x[0-9a-f]{8},\s*\\\s*"([a-z0-9-]+)"',
                            f.read())
    seen = {m.decode() for m in re.findall(
        rb'^(?:--|>) refused ([a-z0-9-]+)', read(trace), re.M)}
    wanted = set(listed) - set(NEVER)
    for code in sorted(wanted - seen):
        print("no case is refused with '%s'" % code, file=sys.stderr)
    for code in sorted(seen - wanted):
        print("'%s' is not expected, or in no list" % code, file=sys.stderr)
    print('%d of %d refusals occur' % (len(wanted & seen), len(wanted)))
    return seen == wanted and len(listed) == len(set(listed)) and \
        set(NEVER) < set(listed)


def self_test(a, b):
    """Flip bits, drop lines, exchange two: each has to be noticed."""
    rng = random.Random(1)
    left, right = read(a), read(b)
    assert differs(left, right) is None
    missed = tried = 0
    for _ in range(30):
        at = rng.randrange(len(right))
        for other in (
                right[:at] + bytes([right[at] ^ 1 << rng.randrange(8)]) +
                right[at + 1:], right[:at] + right[at + 1:], right[:at]):
            tried += 1
            missed += differs(left, other) is None
    lines = right.split(b'\n')
    for _ in range(10):
        at = rng.randrange(len(lines) - 1)
        tried += 1
        missed += differs(left, b'\n'.join(lines[:at] + lines[at + 1:])) is None
    print('%d of %d changed traces were noticed' % (tried - missed, tried))
    return missed == 0


def main():
    command = {'same': same, 'ports': ports, 'program': program,
               'codes': codes, 'self': self_test}[sys.argv[1]]
    sys.exit(0 if command(*sys.argv[2:]) else 1)


main()
