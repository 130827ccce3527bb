#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# setup.sh PACKAGE...: install the Debian packages that are missing.  Cheap
# when nothing is.  Where that is not possible, say what to install and fail.
set -eu

missing=
if command -v dpkg-query >/dev/null 2>&1; then
	have=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' "$@" \
	    2>/dev/null || :)"
	for p; do
		case $have in
		*" $p=installed "*) ;;
		*) missing="$missing $p" ;;
		esac
	done
	[ -n "$missing" ] || exit 0
else
	missing=" $*"
fi

give_up() {
	cat >&2 <<-END
	$1, so install these Debian packages first:
	   $missing
	  apt-get install$missing
	END
	exit 1
}

command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1 ||
	give_up 'there is no apt here (with these under other names: make check-run, make demo-run)'
if [ "$(id -u)" = 0 ]; then
	root=
elif ! command -v sudo >/dev/null 2>&1; then
	give_up 'you are not root, and there is no sudo'
elif [ -t 0 ]; then
	root=sudo
else
	root='sudo -n'
fi

apt() {
	# No questions, and no service that starts by being installed.
	$root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
	    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}
install_missing() {
	# shellcheck disable=SC2086  # a list of words
	apt install --no-install-recommends $missing
}

echo "installing:$missing"
# Lists that are missing or out of date make the first attempt fail.
if ! install_missing; then
	apt update && install_missing || give_up 'apt-get could not do it'
fi
