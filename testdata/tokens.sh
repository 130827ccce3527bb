#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tokens.sh BUILD-DIR [TOKEN...]: the same signing test against every real
# PKCS #11 module that Debian has and that can run here, each in a private
# folder: softhsm, nss, opencryptoki, tpm, remote (all, if none is named).
# For each kind of key that the token has: make it there, issue a certificate,
# build a bundle, let fwverify judge it and openssl verify the signature, and
# look at the log of pkcs11-spy, which stands between, for what was asked of the
# token.  Prints
#	token	what it can sign with, and which mechanism was used
# and fails when anything fails or a token cannot be set up.
#
# All of it runs in namespaces of its own: private /run and /dev/shm for
# opencryptoki's daemon, and no process outlives it.
set -u

case ${TOKENS_INSIDE:-} in
'')
	TOKENS_INSIDE=$(mktemp -d "${TMPDIR:-/tmp}/fwsign-tokens.XXXXXX") ||
		exit 1
	export TOKENS_INSIDE
	trap 'rm -rf "$TOKENS_INSIDE"' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	user=
	[ "$(id -u)" = 0 ] || user='--user --map-root-user'
	# shellcheck disable=SC2086  # words
	unshare $user --mount --ipc --pid --fork --kill-child \
	    --propagation private "$0" "$@"
	exit $?
	;;
esac

umask 022
export LC_ALL=C TZ=UTC
unset NO_COLOR SOURCE_DATE_EPOCH SOFTHSM2_CONF POSIXLY_CORRECT \
    PKCS11SPY PKCS11SPY_OUTPUT P11_KIT_SERVER_ADDRESS
here=$(cd "$(dirname "$0")" && pwd)
B=$(cd "${1:?the build directory is missing}" && pwd) || exit 1
shift
T=$TOKENS_INSIDE
PIN=246813
SO_PIN=87654321
failed=0
# What a token says that has no such keys.
lacking='CKR_(MECHANISM_INVALID|CURVE_NOT_SUPPORTED|DOMAIN_PARAMS_INVALID)'
one_="token 'fw' serial '[0-9a-f]{16}' slot-id [0-9]+ module-path [^ ]*"

# find_module NAME: a module or library of that file name.
find_module() {
	for m_ in /usr/lib/*/"$1" /usr/lib/"$1" /usr/lib64/"$1"; do
		if [ -e "$m_" ]; then
			echo "$m_"
			return 0
		fi
	done
	echo "tokens.sh: there is no $1" >&2
	return 1
}
SPY=$(find_module pkcs11/pkcs11-spy.so) || exit 1

# p11-kit reads the configuration of a user, but not that of root.
as_user() {
	if [ -n "${XDG_CONFIG_HOME:-}" ]; then
		set -- unshare --user --map-user=65534 --map-group=65534 "$@"
	fi
	"$@"
}

# quietly COMMAND...: its output is shown when it fails.
quietly() {
	"$@" >"$D/output" 2>&1 || {
		sed 's/^/    /' "$D/output"
		return 1
	}
}

wait_for() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.25
	done
	"$@"
}

# ---- tokens ----------------------------------------------------------------
#
# Each function sets up one token, below $D:
#	make	the module with which keys are made
#	spied	the module that pkcs11-spy is put in front of
#	uri	how fwsign finds the token
# and is called as root of its namespace.

softhsm_at() {
	mkdir -p "$1/tokens"
	printf '%s\n' "directories.tokendir = $1/tokens" \
	    'objectstore.backend = file' 'log.level = ERROR' >"$1/conf"
	export SOFTHSM2_CONF="$1/conf"
	quietly softhsm2-util --init-token --free --label fw --pin "$PIN" \
	    --so-pin "$SO_PIN"
}

setup_softhsm() {
	make=$(find_module softhsm/libsofthsm2.so) || return
	spied=$make
	uri='pkcs11:token=fw'
	softhsm_at "$D"
}

# Softokn wants an initialization string, which p11-kit hands over.
nss_config() {
	mkdir -p "$1/pkcs11/modules"
	echo 'user-config: only' >"$1/pkcs11/pkcs11.conf"
	printf '%s\n' "module: $2" "x-init-reserved: configdir='sql:$D/db' \
certPrefix='' keyPrefix='' secmod='secmod.db' flags=" \
	    >"$1/pkcs11/modules/nss.module"
}

setup_nss() {
	make=$(find_module p11-kit-proxy.so) || return
	spied=$(find_module libsoftokn3.so) || return
	# Its other tokens are not for keys that stay.
	uri='pkcs11:token=NSS%20Certificate%20DB'
	mkdir -p "$D/db"
	(umask 077 && echo "$PIN" >"$D/pin")
	quietly certutil -N -d "sql:$D/db" -f "$D/pin" || return
	nss_config "$D/plain" "$spied"
	nss_config "$D/spied" "$SPY"
	export XDG_CONFIG_HOME="$D/plain"
}

setup_opencryptoki() {
	make=$(find_module opencryptoki/libopencryptoki.so.0) || return
	spied=$make
	uri='pkcs11:token=fw'
	mkdir -p "$D/etc" "$D/lib/swtok/TOK_OBJ"
	printf '%s\n' 'version opencryptoki-3.1' 'slot 0' '{' \
	    'stdll = libpkcs11_sw.so' '}' >"$D/etc/opencryptoki.conf"
	# Its group has to be one that there is in this namespace.
	sed 's/^\(pkcs11:[^:]*\):[0-9]*:/\1:0:/' /etc/group >"$D/group"
	mount --bind "$D/group" /etc/group &&
	    mount --bind "$D/etc" /etc/opencryptoki &&
	    mount --bind "$D/lib" /var/lib/opencryptoki &&
	    mount -t tmpfs tmpfs /run &&
	    mount -t tmpfs tmpfs /dev/shm || return
	mkdir -p /run/opencryptoki /run/lock/opencryptoki/swtok || return
	chmod -R 770 "$D/lib" /run/lock/opencryptoki
	quietly pkcsslotd || return
	wait_for pkcs11-tool --module "$make" -L || return
	quietly pkcs11-tool --module "$make" --init-token --slot 0 --label fw \
	    --so-pin "$SO_PIN" &&
	    quietly pkcs11-tool --module "$make" --login --login-type so \
	    --so-pin "$SO_PIN" --init-pin --new-pin "$PIN"
}

setup_tpm() {
	make=$(find_module pkcs11/libtpm2_pkcs11.so) || return
	spied=$make
	uri='pkcs11:token=fw'
	mkdir -p "$D/state" "$D/store"
	quietly swtpm_setup --tpm2 --tpmstate "$D/state" || return
	# A pair of ports of the loopback that nobody has.
	port=24000
	while :; do
		port=$((port + 2))
		[ "$port" -lt 25000 ] || return 1
		swtpm socket --tpm2 --tpmstate "dir=$D/state" \
		    --server "type=tcp,port=$port,bindaddr=127.0.0.1" \
		    --ctrl "type=tcp,port=$((port + 1)),bindaddr=127.0.0.1" \
		    --flags not-need-init,startup-clear --daemon \
		    >"$D/output" 2>&1 && break
	done
	export TPM2_PKCS11_STORE="$D/store"
	export TPM2_PKCS11_TCTI="swtpm:host=127.0.0.1,port=$port"
	quietly pkcs11-tool --module "$make" --init-token --slot-index 0 \
	    --label fw --so-pin "$SO_PIN" &&
	    quietly pkcs11-tool --module "$make" --token-label fw --login \
	    --login-type so --so-pin "$SO_PIN" --init-pin --new-pin "$PIN"
}

# SoftHSM in another process; only its socket is known here.
setup_remote() {
	setup_softhsm || return
	spied=$(find_module pkcs11/p11-kit-client.so) || return
	p11-kit server --foreground --name "$D/socket" --provider "$make" \
	    'pkcs11:token=fw' >"$D/server" 2>&1 &
	server=$!
	wait_for test -S "$D/socket" || return
	export P11_KIT_SERVER_ADDRESS="unix:path=$D/socket"
}

# ---- one kind of key --------------------------------------------------------

pkcs11_tool() {
	as_user pkcs11-tool --module "$make" --token-label "$label" --login \
	    --pin "$PIN" "$@"
}

# make_key KIND ID: in the token; its public key in pub.pem.  Status 2: the
# token has no keys of this kind.
make_key() {
	case $1 in
	p256) type_=EC:prime256v1 ;;
	p384) type_=EC:secp384r1 ;;
	p521) type_=EC:secp521r1 ;;
	ed25519) type_=EC:edwards25519 ;;
	rsa3072) type_=rsa:3072 ;;
	esac
	if ! pkcs11_tool --keypairgen --key-type "$type_" --usage-sign \
	    --label "$1" --id "$2" >output 2>&1; then
		grep -qE "not supported|$lacking" output && return 2
		sed 's/^/    /' output
		return 1
	fi
	if [ "$1" = rsa3072 ]; then
		quietly pkcs11_tool --read-object --type pubkey --id "$2" \
		    --output-file pub.der && quietly openssl pkey -pubin \
		    -inform DER -in pub.der -out pub.pem
		return
	fi
	pkcs11_tool --list-objects --type pubkey >objects 2>output || return
	/usr/bin/python3 "$here/token_check.py" public "$1" objects >pub.pem
}

# A certificate for pub.pem by the root of all of these.
issue() {
	printf '%s\n' 'basicConstraints = critical, CA:FALSE' \
	    'keyUsage = critical, digitalSignature' \
	    'extendedKeyUsage = codeSigning' \
	    'subjectKeyIdentifier = hash' 'authorityKeyIdentifier = keyid' \
	    >ext
	quietly openssl x509 -new -force_pubkey pub.pem -subj "/CN=$1" \
	    -CA ../root.pem -CAkey ../root.key -days 30 -extfile ext \
	    -set_serial "0x$2" -out leaf.pem || return
	cat leaf.pem ../root.pem >chain.pem
}

# spied_fwsign ARG...: fwsign with the spy's log in ./spy.
spied_fwsign() {
	rm -f spy
	as_user env PKCS11SPY="$spied" PKCS11SPY_OUTPUT="$PWD/spy" \
	    ${XDG_CONFIG_HOME:+XDG_CONFIG_HOME="$D/spied"} "$B/fwsign" "$@"
}

# The key's URI; a module with a configuration of its own is found by it.
key_uri() {
	if [ -n "${XDG_CONFIG_HOME:-}" ]; then
		echo "$uri;object=$1?module-name=nss"
	else
		echo "$uri;object=$1?module-path=$SPY"
	fi
}

# others_can ID MECHANISM: can another program sign with the key?  If that
# cannot either, it is the token.  (Its --label would not count: it takes any.)
others_can() {
	control=$spied
	[ "$token" != nss ] || control=$make
	case $2 in
	CKM_ECDSA) set -- "$1" ECDSA ;;
	CKM_EDDSA) set -- "$1" EDDSA ;;
	CKM_RSA_PKCS_PSS) set -- "$1" RSA-PKCS-PSS --hash-algorithm SHA256 ;;
	esac
	id_=$1 mechanism_=$2
	shift 2
	head -c 32 /dev/zero >digest
	as_user pkcs11-tool --module "$control" --token-label "$label" \
	    --login --pin "$PIN" --sign --mechanism "$mechanism_" "$@" \
	    --id "$id_" --input-file digest --output-file signature \
	    >output 2>&1
}

# signs KIND MECHANISM ID: a bundle, judged by three.  Status 3: the token has
# such keys and cannot sign with them.
signs() {
	cat >release.yaml <<-END
		descriptor: 1
		device: {vendor-domain: example.com, model: Pump 3}
		sequence-number: 7
		version: "1.2.3"
		components:
		  - {id: main, file: ../main.bin, format: raw}
	END
	export PIN_OF_TEST="$PIN"
	if ! spied_fwsign build release.yaml -o release.fwb \
	    --trust ../root.pem --key "$(key_uri "$1")" --chain chain.pem \
	    --pin-env PIN_OF_TEST >said 2>&1; then
		sed 's/^/    /' said
		grep -qE ': C_Sign(Init)? failed: CKR_' said &&
		    ! others_can "$3" "$2" && return 3
		return 1
	fi
	quietly "$B/fwverify" check --trust ../root.pem release.fwb &&
	    quietly /usr/bin/python3 "$here/token_check.py" cose release.fwb \
	    leaf.pem &&
	    quietly /usr/bin/python3 "$here/token_check.py" spy spy "$2" 1
}

# row TOKEN KIND ID MECHANISM: a field of the matrix.
row() {
	mkdir -p "$2" && cd "$2" || exit 1
	make_key "$2" "$3" && issue "$2" "$3" && signs "$2" "$4" "$3"
	case $? in
	0)	verdict="works ($4)" ;;
	2)	verdict='token lacks it' ;;
	3)	verdict='token lacks it (nor can pkcs11-tool sign)' ;;
	*)	verdict=FAILS ;;
	esac
	cd ..
	printf '%-14s %-9s %s\n' "$1" "$2" "$verdict" | tee -a "$T/matrix"
	[ "$verdict" != FAILS ]
}

matrix() {
	bad_=0
	row "$1" p256 01 CKM_ECDSA || bad_=1
	row "$1" p384 02 CKM_ECDSA || bad_=1
	row "$1" p521 03 CKM_ECDSA || bad_=1
	row "$1" rsa3072 04 CKM_RSA_PKCS_PSS || bad_=1
	row "$1" ed25519 05 CKM_EDDSA || bad_=1
	[ "$bad_" = 0 ] || return 1
	if ! grep "^$1 " "$T/matrix" | grep -q works; then
		echo "    not one kind of key works"
		return 1
	fi
}

# ---- more than signing -----------------------------------------------------

# wrong_pin STATUS LOGINS PATTERN: a run with a wrong PIN.
wrong_pin() {
	export PIN_OF_TEST=111111
	spied_fwsign build rsa3072/release.yaml -o wrong.fwb \
	    --key "$(key_uri rsa3072)" --chain rsa3072/chain.pem \
	    --pin-env PIN_OF_TEST >said 2>&1
	rc_=$?
	if [ "$rc_" = 3 ] && grep -qE "$1" said && [ ! -e wrong.fwb ] &&
	    /usr/bin/python3 "$here/token_check.py" spy spy - "$2"; then
		return 0
	fi
	echo "    exit status $rc_ instead of 3 with: $1"
	sed 's/^/    /' said
	return 1
}

# A token that counts: twice a wrong PIN, and no third time.
more_opencryptoki() {
	wrong_pin 'CKR_PIN_INCORRECT: the PIN is wrong .*few tries are left' \
	    0 &&
	    wrong_pin 'one try is left before it locks' 0 &&
	    wrong_pin 'one more wrong PIN locks it; no PIN was sent' -1 &&
	    echo 'opencryptoki: wrong PINs are sent once, the final try is left'
}

more_softhsm() {
	quietly softhsm2-util --init-token --free --label fw --pin "$PIN" \
	    --so-pin "$SO_PIN" || return
	export PIN_OF_TEST="$PIN"
	spied_fwsign build p256/release.yaml -o two.fwb \
	    --key "$(key_uri p256)" --chain p256/chain.pem \
	    --pin-env PIN_OF_TEST >said 2>&1
	[ $? = 3 ] && [ ! -e two.fwb ] &&
	    grep -qE "2 tokens match .*name one of: $one_, $one_\)" said &&
	    /usr/bin/python3 "$here/token_check.py" spy spy - -1 || {
		sed 's/^/    /' said
		return 1
	}
	echo 'softhsm: two tokens of one label are told apart by their serials'
}

# The server goes while nobody looks: an error with a name, no crash.
more_remote() {
	kill "$server"
	wait "$server"
	export PIN_OF_TEST="$PIN"
	spied_fwsign build p256/release.yaml -o gone.fwb \
	    --key "$(key_uri p256)" --chain p256/chain.pem \
	    --pin-env PIN_OF_TEST >said 2>&1
	[ $? = 3 ] && [ ! -e gone.fwb ] && [ "$(wc -l <said)" = 1 ] || {
		sed 's/^/    /' said
		return 1
	}
	echo "remote: $(sed 's/^fwsign: //' said)"
}

# ---- all of them -----------------------------------------------------------

one_token() {
	D=$T/$1 label=fw server=
	mkdir -p "$D" && cd "$D" || exit 1
	[ "$1" != nss ] || label='NSS Certificate DB'
	"setup_$1" || {
		echo "$1 cannot be set up"
		return 1
	}
	matrix "$1" || return
	case $1 in
	softhsm | opencryptoki | remote) "more_$1" ;;
	esac
}

cd "$T" || exit 1
openssl ecparam -name prime256v1 -genkey -noout -out root.key &&
    openssl req -new -x509 -key root.key -subj '/CN=tokens' -days 365 \
    -out root.pem || exit 1
head -c 5000 /dev/urandom >main.bin
: >matrix

[ $# -gt 0 ] || set -- softhsm nss opencryptoki tpm remote
for token; do
	case $token in
	softhsm | nss | opencryptoki | tpm | remote) ;;
	*) echo "tokens.sh: no token '$token'" >&2; exit 2 ;;
	esac
	# In a shell of its own: variables that one token needs disturb another.
	(
		cp root.key root.pem main.bin "$(mkdir -p "$token" &&
		    echo "$token")" && one_token "$token"
	) || {
		echo "not ok $token"
		failed=$((failed + 1))
		continue
	}
	echo "ok $token"
done

echo
sort -s -k 1,1 matrix
echo
echo "$(($# - failed)) passed, $failed failed"
[ "$failed" = 0 ]
