#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# loader_test.sh BUILD-DIR: the boot loader in lib/loader, of which fwdevice(3)
# shows excerpts, is compiled with the command that is shown there for the board
# in board.c, and lives through installations, boots and power that fails; what
# the page says about structures and their sizes is what the headers say.
# shellcheck source=testdata/lib.sh
. "$(dirname "$0")/lib.sh"

page=$top/man/fwdevice.3
loader=$top/lib/loader
"$top/testdata/pki/mkpki.sh" --files "$T/pki" p256 || exit 1
cd "$T" || exit 1
P=pki/p256

# ---- the release ----------------------------------------------------------------

head -c 5000 /dev/urandom >fw
cat >d.yaml <<'END'
descriptor: 1
device: {vendor-domain: acme.example, model: Infusion Pump Display}
sequence-number: 7
version: "1"
components:
  - {id: firmware, file: fw, invoke: true}
END
"$fwsign" build d.yaml -o release.fwb --key $P/release.key \
    --chain $P/full-chain.pem --quiet >.o 2>.e || { cat .e >&2; exit 1; }

# ---- the loader --------------------------------------------------------------------

# blocks FIRST LAST: the literal blocks between these lines, %% between them.
blocks() {
	sed -n "/$1/,/$2/p" "$page" | sed -n '/^\.Bd -literal/,/^\.Ed/p' |
	    sed -e '/^\.Bd/d' -e 's/^\.Ed$/%%/' -e 's/\\(dq/"/g' -e 's/\\e/\\/g'
}
block() {
	blocks '^\.Sh EXAMPLES' '^\.Sh SEE ALSO' |
	    awk -v n="$1" '/^%%$/ { i++; next } i == n - 1'
}
# What is shown of the loader is in it, word by word.
shown() {
	n=4
	while block $n >shown.c && grep -q '[{;]' shown.c; do
		"$python" -c 'import sys
part, whole = (open(name).read() for name in sys.argv[1:])
sys.exit(part.strip() not in whole)' shown.c "$loader/loader.c" || {
			cat shown.c
			return 1
		}
		n=$((n + 1))
	done
	[ $n -gt 6 ]
}
try 'the excerpts are from lib/loader/loader.c' shown

"$loader/trust.sh" $P/root.pem >trust.c
cp "$top/testdata/board.c" .
sanitizers=
if nm "$B/libfwdevice.a" 2>/dev/null | grep -q ' __asan_'; then
	sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all'
fi
warnings='-Wall -Wextra -Wconversion -Wshadow -Werror'
compile=$(block $n | sed -e 's/^\$ //' -e 's/\\$//' | tr '\n' ' ' |
    sed -e "s|^cc |${CC:-cc} -g $warnings $sanitizers |" \
    -e "s|-Ilib|-I'$top/lib'|" -e "s|lib/loader/|$loader/|g" \
    -e "s|build/plain/|'$B'/|g")
try "the command: $(block $n | tr -d '\\\n\t')" sh -c "$compile"
./loader release.fwb

# The same life with limits of one device: the smallest that this release has.
limits='-DFWD_COMPONENTS_MAX=1 -DFWD_PAYLOADS_MAX=1 -DFWD_ATTACHMENTS_MAX=1
    -DFWD_AUTH_MAX=1 -DFWD_CHAIN_MAX=2 -DFWD_NAME_MAX=14'
small() {
	mkdir -p small
	for c in "$top"/lib/device/*.c; do
		case $c in
		*_test.c)	continue ;;
		esac
		# shellcheck disable=SC2086  # words
		"${CC:-cc}" -std=c11 -g $warnings $sanitizers $limits \
		    -I"$top/lib" -c -o "small/$(basename "$c" .c).o" "$c" ||
		    return 1
	done
	ar rcs small/libfwdevice.a small/*.o
	sh -c "$(echo "$compile" | sed -e "s|'$B'/libfwdevice.a|small/libfwdevice.a|" \
	    -e "s| -g | -g $(echo "$limits" | tr '\n' ' ') |" -e 's|-o loader|-o loader.small|')"
}
try 'the same with smaller limits' small
./loader.small release.fwb

# All that it is made of is installed.
san=
[ -z "$sanitizers" ] || san=1
try 'make install' env MAKEFLAGS= make -C "$top" B="${B#"$top/"}" SAN="$san" \
    DESTDIR="$T/dest" PREFIX=/opt/fw install
ex=$T/dest/opt/fw/share/fwsign/examples
# shellcheck disable=SC2086  # words
try 'compile what is installed' ${CC:-cc} -std=c11 -g $warnings $sanitizers \
    -I"$ex" -o loader.installed board.c trust.c "$ex/loader/loader.c" \
    "$ex/loader/flash.c" "$ex/loader/product.c" "$ex/port/bearssl.c" \
    "$ex"/device/*.c -lbearssl
try 'it is what is here' sh -c 'cd "$1" && find . -type f |
    while read -r f; do cmp "$f" "$2/lib/$f" || exit 1; done' - "$ex" "$top"
try 'it makes trust.c' sh -c '"$1/loader/trust.sh" "$2" | cmp - trust.c' \
    - "$ex" $P/root.pem

try 'it needs nothing of the host' sh -c '! grep -E \
    "#include <(stdio|stdlib|unistd|fcntl)" "$1"/*.[ch]' - "$loader"

# ---- structures ----------------------------------------------------------------------

cat >structures.py <<'END'
"""Each declaration that the page shows is in the headers, word by word."""
import re
import sys


def words(text):
    text = re.sub(r'/\*.*?\*/', ' ', text, flags=re.S)
    text = re.sub(r'^#.*$', ' ', text, flags=re.M)
    return ' '.join(re.findall(r'\w+|[^\w\s]', text))


headers = words(''.join(open(name).read() for name in sys.argv[2:]))
shown = words(open(sys.argv[1]).read())
found = re.findall(r'struct \w+ \{ .*? \} ;', shown)
for struct in found:
    # "uint64_t a , b ;" in a header is what the page may not show otherwise
    if struct not in headers:
        sys.exit('not as in the headers: ' + struct)
if len(found) < 5:
    sys.exit('only %d structures' % len(found))
END
blocks '^\.Sh DESCRIPTION' '^\.Sh RETURN VALUES' | sed 's/^%%$//' >shown
try 'structures are those of the headers' "$python" structures.py shown \
    "$top/lib/device/fwdevice.h" "$top/lib/device/fwslots.h"

# ---- sizes --------------------------------------------------------------------------------

# said TYPE COLUMN: what the page says, as a range of bytes.
said() {
	sed -n "s/^\\.It Vt struct $1 Ta //p" "$page" | sed 's/ Ta / /' |
	    awk -v c="$2" '{ printf "%d %d\n", ($c - 0.05) * 1024 - 1,
	        ($c + 0.05) * 1024 + 1 }'
}
# measure COLUMN COMPILER...: by the symbols of an object
measure() {
	column=$1
	shift
	for type in fwd_ctx fwd_device; do
		echo '#include "device/fwslots.h"' >size.c
		echo "char size_of[sizeof(struct $type)];" >>size.c
		"$@" -std=c11 -I"$top/lib" -c -o size.o size.c || return 1
		bytes=$(nm -S --radix=d size.o |
		    sed -n 's/^[0-9]* 0*\([0-9]*\) . size_of$/\1/p')
		range=$(said $type "$column")
		[ -n "$bytes" ] && [ "$bytes" -ge "${range% *}" ] &&
		    [ "$bytes" -le "${range#* }" ] || {
			echo "$type: $bytes, the page says $range"
			return 1
		}
	done
}
if [ "$(uname -m)" = x86_64 ]; then
	try 'sizes on x86-64' measure 2 "${CC:-cc}"
fi
if command -v arm-none-eabi-gcc >/dev/null; then
	try 'sizes on Cortex-M3' measure 1 arm-none-eabi-gcc -mcpu=cortex-m3 \
	    -mthumb
	try 'the loader on Cortex-M3' arm-none-eabi-gcc -mcpu=cortex-m3 \
	    -mthumb -Os -std=c11 -Wall -Wextra -Werror -I"$top/lib" -c \
	    -o loader32.o "$loader/loader.c"
	try 'needs what the page says' sh -c '
	    n=$(arm-none-eabi-size loader32.o | tail -n 1 | awk "{ print \$2 + \$3 }")
	    said=$(tr "\n" " " <"$1" | sed -n "s/.*has \([0-9.]*\) KiB of data in all.*/\1/p")
	    awk -v n="$n" -v s="$said" "BEGIN { d = n / 1024 - s
	        exit !(d > -0.1 && d < 0.1) }" || { echo "$n, said $said"; exit 1; }' \
	    - "$page"
fi
