# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Private SoftHSM tokens, for tests and the demo: all of a token is in one
# folder, nothing outside of it is read or changed.  To be sourced; needs the
# Debian packages softhsm2 and opensc.
#
#	token_new FOLDER [LABEL]	make a token and use it
#	token_use FOLDER		use a token made before
#	token_key ALG LABEL ID		make a key pair in it; ALG: p256, p384,
#					p521, ed25519, rsa3072, rsa4096
#	token_cert FILE LABEL ID	store a certificate (PEM) in it
#	token_uri LABEL			print the key's URI, with module-path
#					and pin-source
#	token_encode TEXT		percent-encode for a URI
#
# token_use sets
#	SOFTHSM2_CONF XDG_CONFIG_HOME	exported; the latter so that p11-kit
#					knows SoftHSM only (as root it reads
#					the system's configuration instead)
#	LSAN_OPTIONS			exported
#	fwsign				with SAN=1 and where it is set: a
#					script that starts it
#	TOKEN_LABEL TOKEN_MODULE TOKEN_PIN TOKEN_SO_PIN TOKEN_PIN_FILE
# shellcheck disable=SC2034  # used by those who read this

TOKEN_PIN=246813
TOKEN_SO_PIN=97531864

token_module() {
	for m_ in /usr/lib/*/softhsm/libsofthsm2.so \
	    /usr/lib/softhsm/libsofthsm2.so /usr/lib*/pkcs11/libsofthsm2.so \
	    /usr/local/lib/softhsm/libsofthsm2.so; do
		if [ -e "$m_" ]; then
			echo "$m_"
			return 0
		fi
	done
	echo 'token.sh: SoftHSM is not installed (softhsm2)' >&2
	return 1
}

token_encode() {
	printf %s "$1" | od -An -v -tx1 | tr ' ' '\n' | while read -r b_; do
		case $b_ in
		'') ;;
		2d | 2e | 2f | 3[0-9] | 4[1-9a-f] | 5[0-9a] | 5f | 6[1-9a-f] | \
		7[0-9a])
			# shellcheck disable=SC2059  # an octal escape
			printf "\\$(printf %o "0x$b_")" ;;
		*)
			printf '%%%s' "$b_" ;;
		esac
	done
}

token_use() {
	TOKEN_MODULE=$(token_module) || return 1
	TOKEN_DIR=$(cd "$1" && pwd) || return 1
	TOKEN_LABEL=$(cat "$TOKEN_DIR/label") || return 1
	TOKEN_PIN_FILE=$TOKEN_DIR/pin
	export SOFTHSM2_CONF="$TOKEN_DIR/softhsm2.conf"
	export XDG_CONFIG_HOME="$TOKEN_DIR/config"
	# SoftHSM 2.6.1 leaks a few bytes for each Ed25519 signature, which is
	# not to be blamed on programs built with SAN=1.
	export LSAN_OPTIONS="suppressions=$TOKEN_DIR/leaks:print_suppressions=0\
:fast_unwind_on_malloc=0:malloc_context_size=12"
	if [ -n "${SAN:-}" ] && [ -n "${fwsign:-}" ]; then
		token_unwind
	fi
}

# To know who leaks, the sanitizer has to unwind each allocation slowly, which
# takes 20 times as long as the rest: only where others may leak, with Ed25519
# and where p11-kit starts all modules.  Of what leaks elsewhere nothing is
# suppressed.
token_unwind() {
	cat >"$TOKEN_DIR/fwsign" <<-END
		#!/bin/sh
		case "\$*" in
		*[Ee][Dd]25519*) ;;
		*module-path=* | *--module*)
			LSAN_OPTIONS=\$LSAN_OPTIONS:fast_unwind_on_malloc=1 ;;
		*pkcs11:* | key\ *) ;;
		*)	LSAN_OPTIONS=\$LSAN_OPTIONS:fast_unwind_on_malloc=1 ;;
		esac
		exec '$B/fwsign' "\$@"
	END
	chmod +x "$TOKEN_DIR/fwsign" && fwsign=$TOKEN_DIR/fwsign
}

token_new() {
	mkdir -p "$1/tokens" "$1/config/pkcs11/modules" || return 1
	chmod 700 "$1" || return 1
	dir_=$(cd "$1" && pwd) || return 1
	echo "${2:-fwsign-test}" >"$1/label"
	(umask 077 && echo "$TOKEN_PIN" >"$1/pin") || return 1
	cat >"$1/softhsm2.conf" <<-END
		directories.tokendir = $dir_/tokens
		objectstore.backend = file
		log.level = ERROR
	END
	# As root, p11-kit initializes all modules that the system has.
	printf 'leak:%s\n' libsofthsm2 libtpm2_pkcs11 \
	    p11_kit_module_initialize >"$1/leaks"
	echo 'user-config: only' >"$1/config/pkcs11/pkcs11.conf"
	echo "module: $(token_module)" \
	    >"$1/config/pkcs11/modules/softhsm2.module"
	token_use "$1" || return 1
	softhsm2-util --init-token --free --label "$TOKEN_LABEL" \
	    --pin "$TOKEN_PIN" --so-pin "$TOKEN_SO_PIN" >/dev/null
}

token_tool() {
	pkcs11-tool --module "$TOKEN_MODULE" --token-label "$TOKEN_LABEL" \
	    --login --pin "$TOKEN_PIN" "$@" >/dev/null 2>"$TOKEN_DIR/log" || {
		cat "$TOKEN_DIR/log" >&2
		return 1
	}
}

token_key() {
	case $1 in
	p256) type_=EC:prime256v1 ;;
	p384) type_=EC:secp384r1 ;;
	p521) type_=EC:secp521r1 ;;
	ed25519) type_=EC:edwards25519 ;;
	rsa*) type_=rsa:${1#rsa} ;;
	*) echo "token.sh: no algorithm '$1'" >&2; return 1 ;;
	esac
	token_tool --keypairgen --key-type "$type_" --usage-sign \
	    --label "$2" --id "$3"
}

token_cert() {
	openssl x509 -in "$1" -outform DER -out "$TOKEN_DIR/cert.der" &&
	    token_tool --write-object "$TOKEN_DIR/cert.der" --type cert \
	    --label "$2" --id "$3" && rm "$TOKEN_DIR/cert.der"
}

token_uri() {
	printf 'pkcs11:token=%s;object=%s?module-path=%s&pin-source=%s\n' \
	    "$(token_encode "$TOKEN_LABEL")" "$(token_encode "$1")" \
	    "$(token_encode "$TOKEN_MODULE")" \
	    "$(token_encode "$TOKEN_PIN_FILE")"
}
