#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# source.sh FOLDER PACKAGE...: fetch Debian source packages into FOLDER/PACKAGE,
# from the archives that apt of this system knows, as it reaches them, and only
# what Debian's own keys have signed.  Nothing of the system is changed, and
# nobody has to be root.  Does nothing for a PACKAGE that is there already.
set -eu

dir=$1
shift
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

die() {
	echo "source.sh: $*" >&2
	exit 1
}

missing=
for p; do
	[ -e "$dir/$p.version" ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
[ -f "$keyring" ] || die "no '$keyring' (install debian-archive-keyring)"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
dir=$(cd "$dir" && pwd)

# Whatever form the system's own lists have: ask apt what is in them.
# shellcheck disable=SC2016  # for apt
archives() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
	    'Created-By: Packages' 'Origin: Debian' 'Component: main' |
	    sort -u | grep -E " $codename(-updates|-security)?\$"
}
[ -n "$(archives)" ] || die "apt knows no archive of Debian $codename" \
    "(run 'apt-get update')"
archives | while read -r uri suite; do
	echo "deb-src [signed-by=$keyring] $uri $suite main"
done >"$dir/apt/sources.list"

private_apt() {
	apt-get -q -q -o "Dir::Etc::sourcelist=$dir/apt/sources.list" \
	    -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$dir/apt/lists" \
	    -o "Dir::Cache=$dir/apt/cache" -o Acquire::Languages=none \
	    -o Acquire::AllowInsecureRepositories=false \
	    -o APT::Get::AllowUnauthenticated=false \
	    -o "APT::Sandbox::User=$(id -un)" "$@" </dev/null
}

echo "fetching source packages:$missing"
private_apt update
for p in $missing; do
	rm -rf "${dir:?}/$p" "$dir/apt/$p"
	mkdir "$dir/apt/$p"
	(cd "$dir/apt/$p" && private_apt source --download-only "$p")
	dpkg-source --no-copy -x "$dir/apt/$p"/*.dsc "$dir/$p" \
	    >"$dir/apt/$p.log" 2>&1 || {
		cat "$dir/apt/$p.log" >&2
		die "cannot unpack '$p'"
	}
	sed -n 's/^Version: //p' "$dir/apt/$p"/*.dsc | head -n 1 \
	    >"$dir/$p.version.new"
	mv "$dir/$p.version.new" "$dir/$p.version"
done
rm -rf "$dir/apt"
