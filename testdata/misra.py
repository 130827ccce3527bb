#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""misra.py BUILD DEVIATIONS SOURCE...: hold the sources to MISRA C:2012, with
cppcheck and its addon.

Fails when a mandatory or required rule is not kept without a deviation for that
in DEVIATIONS, of the form of lib/device/MISRA.md; when a deviation is not
needed any more; and when cppcheck finds errors of its own.  Advisory rules are
counted.
"""
import collections
import fnmatch
import os
import re
import shutil
import subprocess
import sys

# MISRA C:2012 with amendments 1 and 2.  What is not here is required.
MANDATORY = set('''9.1 12.5 13.6 17.3 17.4 17.6 19.1 21.13 21.17 21.18 21.19
    21.20 22.2 22.4 22.5 22.6'''.split())
ADVISORY = set('''1.2 2.3 2.4 2.5 2.6 2.7 4.2 5.9 8.7 8.9 8.11 8.13 10.5 11.4
    11.5 12.1 12.3 12.4 13.3 13.4 15.1 15.4 15.5 17.5 17.8 18.4 18.5 19.2 20.1
    20.5 21.12'''.split())

Finding = collections.namedtuple('Finding', 'file line rule text')


class Deviation:
    """A section of the file of deviations: of one rule, in files, and in
    lines if only some may deviate."""

    def __init__(self, rule):
        self.rule = rule
        self.files = None
        self.lines = None
        self.reason = ''
        self.unused = set()

    def allows(self, finding):
        if self.rule != finding.rule or \
                (self.lines and not re.search(self.lines, finding.text)):
            return False
        name = os.path.basename(finding.file)
        files = {f for f in self.files if fnmatch.fnmatch(name, f)}
        self.unused -= files
        return bool(files)


def fail(message):
    sys.exit('misra.py: ' + message)


def read_lines(path, cache={}):
    if path not in cache:
        with open(path, encoding='utf-8') as f:
            cache[path] = f.read().splitlines()
    return cache[path]


def category(rule):
    return 'mandatory' if rule in MANDATORY else \
        'advisory' if rule in ADVISORY else 'required'


# ---- deviations ------------------------------------------------------------

def read_deviations(path):
    found = []
    for line in read_lines(path):
        m = re.match(r'## Rule (\d+\.\d+)$', line)
        if m:
            found.append(Deviation(m[1]))
        elif line.startswith('#'):
            if found:
                fail("%s: '%s' is no rule" % (path, line))
        elif line.startswith('- Files: ') and found:
            found[-1].files = line[len('- Files: '):].split()
            found[-1].unused = set(found[-1].files)
        elif line.startswith('- Lines: `') and found:
            found[-1].lines = line[len('- Lines: `'):].rstrip('`')
        elif found:
            found[-1].reason += line.strip()
    for d in found:
        if not d.files or not d.reason:
            fail('%s: the deviation from rule %s lacks files or a reason' %
                 (path, d.rule))
        if category(d.rule) == 'mandatory':
            fail('%s: nothing may deviate from rule %s' % (path, d.rule))
    return found


# ---- findings --------------------------------------------------------------

def run_cppcheck(build, sources):
    """What cppcheck has to say, one finding a line."""
    shutil.rmtree(build, ignore_errors=True)    # it would trust old results
    os.makedirs(build)
    command = ['cppcheck', '--addon=misra', '--std=c11',
               '--platform=arm32-wchar_t4', '-Ilib', '--quiet',
               '--enable=style', '--suppress=missingIncludeSystem',
               '--cppcheck-build-dir=' + build, '-j', str(os.cpu_count()),
               '--template={file}:{line}:{severity}:{id}:{message}']
    run = subprocess.run(command + sources, stderr=subprocess.PIPE,
                         universal_newlines=True)
    if run.returncode != 0:
        fail('cppcheck failed: ' + run.stderr)
    return sorted(set(run.stderr.splitlines()))


def read_findings(output):
    """Those of the addon, and those of cppcheck itself that count."""
    misra, own = [], []
    for line in output:
        m = re.match(r'(.*?):(\d+):(\w+):([\w.-]+):', line)
        if not m:
            fail('cppcheck says: ' + line)
        path, number, severity, name = m.groups()
        rule = re.match(r'misra-c2012-(\d+\.\d+)$', name)
        if rule:
            text = read_lines(path)[max(int(number), 1) - 1]
            misra.append(Finding(path, int(number), rule[1], text))
        elif severity != 'style':
            own.append(line)
    return misra, own


def main(build, path, sources):
    deviations = read_deviations(path)
    misra, own = read_findings(run_cppcheck(build, sources))
    bad = ['%s: %s' % (o, 'cppcheck') for o in own]
    count = collections.Counter()
    for f in misra:
        kind = category(f.rule)
        d = next((d for d in deviations if d.allows(f)), None)
        if d is None and kind != 'advisory':
            bad.append('%s:%d: rule %s (%s): %s' %
                       (f.file, f.line, f.rule, kind, f.text.strip()))
        count[kind, f.rule, d is not None] += 1
    for d in deviations:
        if d.unused:
            bad.append('%s: nothing deviates from rule %s in %s any more' %
                       (path, d.rule, ' '.join(sorted(d.unused))))
    if not misra:
        bad.append('cppcheck found nothing at all: does the addon run?')
    report(count, sources, bad)
    sys.exit(1 if bad else 0)


def report(count, sources, bad):
    print('\n'.join(bad), end='\n' if bad else '')
    for kind in 'mandatory', 'required', 'advisory':
        rules = sorted((r for k, r, d in count if k == kind),
                       key=lambda r: [int(n) for n in r.split('.')])
        print('%s: %s' % (kind, ', '.join(
            '%s (%d)' % (r, count[kind, r, True] + count[kind, r, False])
            for r in dict.fromkeys(rules)) or 'none'))
    print('%d files, %d deviations stated, %d findings without one' %
          (len(sources), len({r for k, r, d in count if d}), len(bad)))


if __name__ == '__main__':
    if len(sys.argv) < 4:
        fail('usage: misra.py BUILD DEVIATIONS SOURCE...')
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
