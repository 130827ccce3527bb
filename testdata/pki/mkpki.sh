#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mkpki.sh [--files] [--expired|--future] FOLDER [ALG...]: make a public key
# infrastructure for tests and the demo: a root (20 years), an intermediate
# authority (10 years) and a release signer (2 years) for each ALG: p256 (if
# none is named), p384, p521, ed25519, rsa3072, rsa4096.  The keys are made in
# a private SoftHSM token, FOLDER/token (see token.sh), and never leave it; with
# --files they are PEM files, which is faster.
#
#	--expired	the signer's certificate expired a year ago
#	--future	it begins to be valid in a year
#
# Makes in FOLDER/ALG:
#	root.pem intermediate.pem leaf.pem	one certificate each
#	chain.pem full-chain.pem	leaf first, without and with the root
#	key.uri				the signer's key: a URI with
#					module-path and pin-source, or the path
#					of release.key
#	root.key intermediate.key release.key	with --files only
# and on the token the objects root-ALG, intermediate-ALG and release-ALG: key
# pairs, and the certificates under the same label and id.
#
# Needs the Debian packages gnutls-bin (certtool), openssl, and without --files
# softhsm2 and opensc.
set -eu

usage() {
	echo "usage: mkpki.sh [--files] [--expired|--future] FOLDER [ALG...]" >&2
	exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
files=false since='-1 day' ca_since='-1 day'
while [ $# -gt 0 ]; do
	case $1 in
	--files) files=true ;;
	--expired) since='-3 years' ca_since='-4 years' ;;
	--future) since='+1 year' ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || usage
mkdir -p "$1"
top=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- p256

# shellcheck source=testdata/token.sh
. "$here/../token.sh"
if ! $files; then
	if [ -d "$top/token" ]; then
		token_use "$top/token"
	else
		token_new "$top/token"
	fi
	# certtool takes the PIN from here and nowhere else.
	export GNUTLS_PIN="$TOKEN_PIN"
fi
export LC_ALL=C TZ=UTC

# make_key ROLE ID: a key pair in the token or a file.
make_key() {
	if ! $files; then
		token_key "$alg" "$1-$alg" "$2"
		return
	fi
	case $alg in
	p256) set -- "$1" EC -pkeyopt ec_paramgen_curve:P-256 ;;
	p384) set -- "$1" EC -pkeyopt ec_paramgen_curve:P-384 ;;
	p521) set -- "$1" EC -pkeyopt ec_paramgen_curve:P-521 ;;
	ed25519) set -- "$1" ED25519 ;;
	rsa*) set -- "$1" RSA -pkeyopt "rsa_keygen_bits:${alg#rsa}" ;;
	*) echo "mkpki.sh: no algorithm '$alg'" >&2; exit 2 ;;
	esac
	role=$1
	shift
	# It shows its progress on stderr, and that only, if all goes well.
	(umask 077 && openssl genpkey -algorithm "$@" -out "$role.key" \
	    2>genpkey.log) || {
		cat genpkey.log >&2
		exit 1
	}
	rm -f genpkey.log
}

# key ROLE TYPE SUFFIX: what certtool calls the key, in the token or as a file.
key() {
	if $files; then
		echo "$1.$3"
	else
		echo "pkcs11:token=$TOKEN_LABEL;object=$1-$alg;type=$2"
	fi
}

certtool_() {
	if $files; then
		certtool "$@"
	else
		certtool --provider "$TOKEN_MODULE" "$@"
	fi >certtool.log 2>&1 || {
		cat certtool.log >&2
		exit 1
	}
}

day() {
	date -u -d "$1" '+%Y-%m-%d %H:%M:%S'
}

# template NAME SINCE DAYS: what all certificates have.
template() {
	cat <<-END
		cn = "fwsign test $1 ($alg)"
		organization = "Example Devices"
		activation_date = "$(day "$2") UTC"
		expiration_date = "$(day "$2 + $3 days") UTC"
	END
}

# issue ROLE ISSUER FILE: a certificate for a role's key, by cert.cfg.
issue() {
	$files && openssl pkey -in "$1.key" -pubout -out "$1.pub"
	certtool_ --generate-certificate --template cert.cfg \
	    --load-pubkey "$(key "$1" public pub)" \
	    --load-ca-certificate "$2.pem" \
	    --load-ca-privkey "$(key "$2" private key)" --outfile "$3"
	rm -f "$1.pub"
}

make_one() {
	make_key root "${id}1"
	make_key intermediate "${id}2"
	make_key release "${id}3"

	{
		template root "$ca_since" 7305
		printf '%s\n' ca 'path_len = 1' cert_signing_key
	} >cert.cfg
	certtool_ --generate-self-signed --template cert.cfg \
	    --load-privkey "$(key root private key)" --outfile root.pem
	{
		template intermediate "$ca_since" 3653
		printf '%s\n' ca 'path_len = 0' cert_signing_key
	} >cert.cfg
	issue intermediate root intermediate.pem
	{
		template release "$since" 731
		printf '%s\n' signing_key code_signing_key
	} >cert.cfg
	issue release intermediate leaf.pem
	rm -f cert.cfg certtool.log

	cat leaf.pem intermediate.pem >chain.pem
	cat chain.pem root.pem >full-chain.pem
	if $files; then
		echo "$PWD/release.key" >key.uri
		return
	fi
	token_cert root.pem "root-$alg" "${id}1"
	token_cert intermediate.pem "intermediate-$alg" "${id}2"
	token_cert leaf.pem "release-$alg" "${id}3"
	token_uri "release-$alg" >key.uri
}

for alg; do
	case $alg in
	p256) id=25600 ;;
	p384) id=38400 ;;
	p521) id=52100 ;;
	ed25519) id=25500 ;;
	rsa3072) id=30720 ;;
	rsa4096) id=40960 ;;
	*) echo "mkpki.sh: no algorithm '$alg'" >&2; exit 2 ;;
	esac
	mkdir -p "$top/$alg"
	cd "$top/$alg"
	make_one
done
