#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stack.py LIMIT OBJECT...: how much stack do the functions of the public
headers of lib/device need at most?  Fails when that is LIMIT bytes or more, or
when it cannot be told.

The objects are compiled with -fcallgraph-info=su,da: next to each lies a .ci
file with the frames of its functions and who calls whom.  Two things that the compiler does not know are stated here, and held against the sources so that they stay true: what a call through a pointer can reach
(REACHES), and how deep a recursion can go (BOUNDS).  Not counted is what lies
outside of the library: the caller's ports, fwd_panic(), and interrupts.
"""
import functools
import re
import subprocess
import sys

DEVICE = 'lib/device/'
HEADERS = [DEVICE + 'fwdevice.h', DEVICE + 'fwslots.h']

# Called, but neither of the library nor a port: the compiler's and the C
# library's functions, and more bytes than any of them takes on Cortex-M.
OUTSIDE = re.compile(r'mem(cpy|move|set|cmp)$|__aeabi_\w+$')
OUTSIDE_BYTES = 64
# They do not return.
LAST = {'fwd_panic', '__stack_chk_fail'}

# What a call through a pointer can reach, by the expression that is called.
# The first that fits holds.  An empty list: what the caller of the library has
# provided, and nothing of the library.
GLUE = DEVICE + 'slots_port.c:glue_'
X509 = DEVICE + 'x509.c:'
REACHES = [
    (r'\w*crypto->(hash_start|hash_add|hash_end|verify)$', []),
    (r'(\w+->)*(f|flash)->(erase|write|read)$', []),
    # A run remembers what failed, and hands on to the caller's tracer.
    (r'ctx->port->trace\.fn$', []),
    (r'(\w+->)*trace\.fn$', [DEVICE + 'verify.c:remember']),
    # The glue hands on to the caller's port.
    (r'g->under->\w+$', []),
    (r'extensions\[i\]\.read$', [
        X509 + 'read_basic_constraints', X509 + 'read_key_usage',
        X509 + 'read_ext_key_usage', X509 + 'refuse_extension']),
    # The port of a run: the caller's, or the glue of install and boot.
    (r'(\w+->)*port->read$', [GLUE + 'read']),
    (r'(\w+->)*port->identity$', [GLUE + 'identity']),
    (r'(\w+->)*port->component$', [GLUE + 'component']),
    (r'(\w+->)*port->slot$', [GLUE + 'slot']),
    (r'(\w+->)*port->sequence_number$', [GLUE + 'sequence_number']),
    (r'(\w+->)*port->now$', [GLUE + 'now']),
    (r'(\w+->)*port->store_begin$', [GLUE + 'begin']),
    (r'(\w+->)*port->store_write$', [GLUE + 'write']),
    (r'(\w+->)*port->store_end$', [GLUE + 'end']),
    (r'(\w+->)*port->store_read$', [GLUE + 'read_back']),
    (r'(\w+->)*port->store_swap$', []),
    (r'(\w+->)*port->invoke$', [GLUE + 'invoke']),
    (r'(\w+->)*port->uri_open$', [GLUE + 'uri_open']),
    (r'(\w+->)*port->uri_read$', [GLUE + 'uri_read']),
    (r'(\w+->)*port->environment$', [GLUE + 'environment']),
]

# Functions that call themselves, in the end: the constant that bounds it, and
# the words in the function that refuse to go on, before it calls any other.
# So it is entered once more than the constant says, but calls nothing then.
BOUNDS = {
    DEVICE + 'sequence.c:run':
        ('FWD_DEPTH_MAX', 'if (frame->depth >= FWD_DEPTH_MAX)'),
    DEVICE + 'survey.c:sequence':
        ('FWD_DEPTH_MAX', 'if (depth >= FWD_DEPTH_MAX)'),
}


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def fail(message):
    sys.exit('stack.py: ' + message)


# ---- what the compiler says ------------------------------------------------

class Graph:
    """Frames and calls of all objects."""

    def __init__(self, objects):
        self.frame = {}                 # bytes of those that are defined
        self.calls = {}
        self.indirect = {}              # expressions they call
        for path in objects:
            self.read_object(path)

    def read_object(self, path):
        for line in read(re.sub(r'\.o$', '.ci', path)).splitlines():
            m = re.match(r'node: { title: "([^"]+)" label: "([^"]+)"', line)
            if m:
                self.add_function(m[1], m[2])
            m = re.match(r'edge: { sourcename: "([^"]+)" targetname: '
                         r'"([^"]+)"(?: label: "([^"]+)")?', line)
            if m:
                self.add_call(m[1], m[2], m[3])

    def add_function(self, name, label):
        m = re.search(r'\\n(\d+) bytes \(([\w,]+)\)\\n(\d+) dynamic', label)
        if not m:
            return                      # declared here, defined elsewhere
        if m[2] != 'static' or m[3] != '0':
            fail('the frame of %s has no fixed size: %s' % (name, m[2]))
        self.frame[name] = int(m[1])
        self.calls.setdefault(name, set())
        self.indirect.setdefault(name, set())

    def add_call(self, caller, callee, place):
        if callee == '__indirect_call':
            self.indirect.setdefault(caller, set()).update(
                called_at(place, caller))
        else:
            self.calls.setdefault(caller, set()).add(callee)


def called_at(place, caller):
    """The expressions that are called, through a pointer, in the statement
    that begins there."""
    m = re.match(r'(.*):(\d+):(\d+)$', place or '')
    if not m:
        fail('%s calls a pointer, who knows where' % caller)
    lines = read(m[1]).splitlines()[int(m[2]) - 1:]
    lines[0] = lines[0][int(m[3]) - 1:]
    statement = '\n'.join(lines).split(';')[0]
    found = {re.sub(r'\s', '', x) for x in
             re.findall(r'(\w[\w\[\]]*(?:(?:->|\.)\w+)+)\s*\(', statement)}
    if not found:
        fail('%s: what does this call?' % place)
    return found


def pointed_at(objects):
    """The functions whose address is taken."""
    found = set()
    for path in objects:
        out = subprocess.run(['arm-none-eabi-objdump', '-r', path],
                             check=True, stdout=subprocess.PIPE,
                             universal_newlines=True).stdout
        source = re.search(r'lib/device/\w+\.', path)[0] + 'c'
        for name in re.findall(r'R_ARM_ABS32 +(\S+)', out):
            found.update((name, '%s:%s' % (source, name)))
    return found


# ---- held against the sources ----------------------------------------------

def resolve(graph, pointers):
    """Make direct calls of those through pointers."""
    used = set()
    for caller, expressions in graph.indirect.items():
        for e in expressions:
            rule = next((r for r in REACHES if re.match(r[0], e)), None)
            if rule is None:
                fail('%s calls %s: REACHES does not say what that is' %
                     (caller, e))
            used.add(rule[0])
            graph.calls[caller].update(rule[1])
    for pattern, targets in REACHES:
        if pattern not in used:
            fail('nothing calls %s any more (remove it from REACHES)' %
                 pattern)
        for t in targets:
            if t not in graph.frame:
                fail('there is no %s (look at REACHES)' % t)
    known = {t for r in REACHES for t in r[1]}
    for name in sorted(known ^ (pointers & set(graph.frame))):
        fail('%s: %s' % (name, 'its address is not taken' if name in known
                         else 'who calls it? (add it to REACHES)'))


def check_members():
    """The glue's functions are put into the members that REACHES names."""
    put = dict(re.findall(r'\.(\w+) = (?:[^,{}]*\?\s*)?(glue_\w+)',
                          read(DEVICE + 'slots_port.c')))
    for pattern, targets in REACHES:
        for t in targets:
            member = re.search(r'port->(\w+)\$$', pattern)
            if member and put.pop(member[1], '') != t.split(':')[1]:
                fail('%s is not in member %s' % (t, member[1]))
    if put:
        fail('REACHES does not have %s' % ', '.join(sorted(put)))


def body(function):
    """The text between the braces of a static function."""
    path, name = function.split(':')
    m = re.search(r'^%s\([^;]*?\)\n\{\n(.*?)^\}' % name, read(path),
                  re.S | re.M)
    return m[1] if m else ''


def bounds():
    """How often each function of BOUNDS can be on the stack."""
    limit = {}
    for function, (constant, words) in BOUNDS.items():
        m = re.search(r'^#define %s\s+(\d+)u?\b' % constant, read(HEADERS[0]),
                      re.M)
        before, found, after = body(function).partition(words)
        if not m or not found or re.search(r'\w\(', before):
            fail('%s is not bounded by %s (look at BOUNDS)' %
                 (function, constant))
        limit[function] = int(m[1])
    return limit


# ---- the deepest path ------------------------------------------------------

def original(name):
    """Without what the compiler appends to its copies of a function."""
    return re.sub(r'\.(constprop|isra|part|cold)\b.*', '', name)


def deepest(graph, limit):
    """A function that finds the deepest path from one of the graph's."""
    left = dict(limit)
    busy = []

    @functools.lru_cache(None)
    def path(name, turns):
        del turns                       # part of the key, no more
        best = (0, ())
        for callee in sorted(graph.calls[name]):
            best = max(best, enter(callee), key=lambda p: p[0])
        return (graph.frame[name] + best[0], (name,) + best[1])

    def enter(name):
        if name not in graph.frame:
            if OUTSIDE.match(name):
                return (OUTSIDE_BYTES, (name,))
            if name in LAST:
                return (0, ())
            fail('%s is called, but not there' % name)
        bound = original(name)
        if bound in left:
            if left[bound] == 0:        # a copy may yet be made by memcpy()
                return (graph.frame[name] + OUTSIDE_BYTES, (name,))
            saved = list(busy)
            busy.clear()                # a turn of its own
        elif name in busy:
            fail('recursion without a bound: %s' %
                 ' > '.join(busy[busy.index(name):] + [name]))
        if bound in left:
            left[bound] -= 1
        busy.append(name)
        found = path(name, tuple(sorted(left.items())))
        busy.pop()
        if bound in left:
            left[bound] += 1
            busy.extend(saved)
        return found
    return enter


def entry_points(graph):
    names = set(re.findall(r'\b(fwd_\w+)\(', ''.join(map(read, HEADERS))))
    return sorted(names & set(graph.frame))


def show(path):
    return ' > '.join('%s %s' % (original(n.split(':')[-1]), size)
                      for n, size in path)


def main(limit, objects):
    graph = Graph(objects)
    resolve(graph, pointed_at(objects))
    check_members()
    enter = deepest(graph, bounds())
    for name in graph.frame:            # recursion anywhere is an error
        enter(name)
    worst = {name: enter(name) for name in entry_points(graph)}
    if not worst:
        fail('no function was found')
    for name, (size, path) in sorted(worst.items(),
                                     key=lambda w: (-w[1][0], w[0])):
        print('%5d %s' % (size, name))
        if size >= limit // 4:
            print('      ' + show([(n, graph.frame.get(n, OUTSIDE_BYTES))
                                   for n in path]))
    most = max(size for size, path in worst.values())
    print('worst case: %d bytes of stack (fewer than %d are allowed)' %
          (most, limit))
    if most >= limit:
        sys.exit(1)


if __name__ == '__main__':
    if len(sys.argv) < 3:
        fail('usage: stack.py LIMIT OBJECT...')
    main(int(sys.argv[1]), sys.argv[2:])
