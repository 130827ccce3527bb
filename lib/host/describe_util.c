/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a description and the values it is made of. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "host/describe_internal.h"

/* ---- places and problems ---------------------------------------------- */

size_t
fw_d_enter(struct fw_describe *d, const char *fmt, ...)
{
	const size_t mark = strlen(d->where);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(d->where + mark, sizeof d->where - mark, fmt, ap);
	va_end(ap);
	return mark;
}

void
fw_d_leave(struct fw_describe *d, size_t mark)
{
	d->where[mark] = '\0';
}

void
fw_d_note(struct fw_describe *d, const char *code, const char *text,
    const uint8_t *p)
{
	json_t *o;

	/* One more than the rest may use, for the note that says so. */
	if (json_array_size(d->problems) > FW_DESCRIBE_NODES)
		return;
	o = fw_d_object(d, NULL, NULL);
	fw_d_set(d, o, "where", fw_d_str(d->where));
	fw_d_set(d, o, "code", fw_d_str(code));
	fw_d_set(d, o, "text", fw_d_str(text));
	if (p != NULL && d->data.p != NULL && p >= d->data.p &&
	    p <= d->data.p + d->data.n)
		fw_d_set(d, o, "offset",
		    fw_d_uint((uint64_t)(p - d->data.p)));
	fw_d_add(d, d->problems, o);
}

void
fw_d_problem(struct fw_describe *d, fwd_status status, const uint8_t *p)
{
	if (status != FWD_OK)
		fw_d_note(d, fwd_status_code(status), fwd_status_text(status),
		    p);
}

bool
fw_d_more(struct fw_describe *d)
{
	if (d->nodes > 0) {
		d->nodes--;
		return true;
	}
	if (!d->limit_told)
		fw_d_note(d, "limit", "there is more than can be shown", NULL);
	d->limit_told = true;
	return false;
}

/* ---- objects and lists ------------------------------------------------ */

void
fw_d_set(struct fw_describe *d, json_t *object, const char *key,
    json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		d->no_memory = true;
}

void
fw_d_add(struct fw_describe *d, json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) != 0)
		d->no_memory = true;
}

/* Hand value over to parent under key, if there is a parent. */
static json_t *
hang(struct fw_describe *d, json_t *parent, const char *key, json_t *value)
{
	if (value == NULL)
		d->no_memory = true;
	else if (key != NULL && json_object_set_new(parent, key, value) != 0)
		value = NULL;
	if (value == NULL)
		d->no_memory = true;
	return value;
}

json_t *
fw_d_object(struct fw_describe *d, json_t *parent, const char *key)
{
	return hang(d, parent, key, json_object());
}

json_t *
fw_d_list(struct fw_describe *d, json_t *parent, const char *key)
{
	return hang(d, parent, key, json_array());
}

json_t *
fw_d_entry(struct fw_describe *d, json_t *list)
{
	json_t *o = json_object();

	if (o == NULL || json_array_append_new(list, o) != 0) {
		d->no_memory = true;
		return NULL;
	}
	return o;
}

/* ---- values ------------------------------------------------------------ */

json_t *
fw_d_uint(uint64_t v)
{
	if (v > INT64_MAX)
		return json_sprintf("%llu", (unsigned long long)v);
	return json_integer((json_int_t)v);
}

json_t *
fw_d_hex(struct fwd_span s)
{
	static const char digit[] = "0123456789abcdef";
	const size_t n = s.n < FW_DESCRIBE_HEX ? s.n : FW_DESCRIBE_HEX;
	FW_FREE char *hex = malloc(2 * n + sizeof "...");

	if (hex == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digit[s.p[i] >> 4];
		hex[2 * i + 1] = digit[s.p[i] & 15];
	}
	memcpy(hex + 2 * n, n < s.n ? "..." : "", n < s.n ? 4 : 1);
	return json_string(hex);
}

json_t *
fw_d_str(const char *s)
{
	return json_string(s);
}

/* Text is UTF-8 where the device library has read it; what is not becomes
   printable. */
json_t *
fw_d_text(struct fwd_span s)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf copy = { 0 };
	struct fw_error err;
	size_t n = s.n;
	json_t *j;

	if (n == 0)
		return json_string("");
	if (n > FW_DESCRIBE_TEXT) {
		n = FW_DESCRIBE_TEXT;	/* cut, but not in a character */
		while (n > 0 && (s.p[n] & 0xc0) == 0x80)
			n--;
	}
	if (fw_buf_add(&copy, s.p, n, &err) != FW_OK || (n < s.n &&
	    fw_buf_add(&copy, "...", 3, &err) != FW_OK))
		return NULL;
	j = json_stringn((const char *)copy.p, copy.n);
	if (j != NULL)
		return j;
	fw_buf_deinit(&copy);
	copy = (struct fw_buf){ 0 };
	if (fw_escape(&copy, (struct fwd_span){ s.p, n }, &err) != FW_OK)
		return NULL;
	return json_stringn((const char *)copy.p, copy.n);
}

json_t *
fw_json_printable(const char *text)
{
	return fw_d_text((struct fwd_span){ (const uint8_t *)text,
	    strlen(text) });
}

/* ---- maps --------------------------------------------------------------- */

bool
fw_d_map(struct fw_describe *d, struct fwd_span data, struct fw_pairs *pairs)
{
	fwd_status s;

	*pairs = (struct fw_pairs){ .c = fwd_cbor_open(data) };
	s = fwd_cbor_map(&pairs->c, &pairs->map);
	fw_d_problem(d, s, data.p);
	return s == FWD_OK;
}

bool
fw_d_pair(struct fw_describe *d, struct fw_pairs *pairs,
    struct fwd_span *key, struct fwd_span *value)
{
	const uint64_t left = pairs->map.left;
	const uint8_t *const p = pairs->c.left.p;
	fwd_status s;

	if (left == 0) {
		fw_d_problem(d, fwd_cbor_end(&pairs->c), p);
		return false;
	}
	if (!fw_d_more(d))
		return false;
	s = fwd_cbor_key(&pairs->c, &pairs->map);
	if (s == FWD_E_CBOR_ORDER) {	/* can be read all the same */
		if (!pairs->order_told)
			fw_d_problem(d, s, p);
		pairs->order_told = true;
		pairs->map.left = left - 1;
		s = FWD_OK;
	}
	if (s == FWD_OK)
		s = fwd_cbor_skip(&pairs->c, key);
	pairs->map.last = *key;
	if (s == FWD_OK)
		s = fwd_cbor_skip(&pairs->c, value);
	fw_d_problem(d, s, p);
	return s == FWD_OK;
}

fwd_status
fw_d_item_int(struct fwd_span item, int64_t *v)
{
	struct fwd_cbor c = fwd_cbor_open(item);
	const fwd_status s = fwd_cbor_int(&c, v);

	return s != FWD_OK ? s : fwd_cbor_end(&c);
}

fwd_status
fw_d_item_uint(struct fwd_span item, uint64_t *v)
{
	struct fwd_cbor c = fwd_cbor_open(item);
	const fwd_status s = fwd_cbor_uint(&c, v);

	return s != FWD_OK ? s : fwd_cbor_end(&c);
}

fwd_status
fw_d_item_bytes(struct fwd_span item, struct fwd_span *v)
{
	struct fwd_cbor c = fwd_cbor_open(item);
	const fwd_status s = fwd_cbor_bytes(&c, v);

	return s != FWD_OK ? s : fwd_cbor_end(&c);
}

fwd_status
fw_d_item_text(struct fwd_span item, struct fwd_span *v)
{
	struct fwd_cbor c = fwd_cbor_open(item);
	const fwd_status s = fwd_cbor_text(&c, v);

	return s != FWD_OK ? s : fwd_cbor_end(&c);
}

/* ---- digests and components ---------------------------------------------- */

json_t *
fw_d_digest_text(int64_t alg, struct fwd_span bytes)
{
	FW_JSON json_t *hex = fw_d_hex(bytes);

	if (hex == NULL)
		return NULL;
	if (fwd_digest_size(alg) == 0)
		return json_sprintf("%lld:%s", (long long)alg,
		    json_string_value(hex));
	return json_sprintf("%s:%s", fwd_alg_name(alg),
	    json_string_value(hex));
}

/* Take a SUIT_Digest apart; its length is not judged. */
static fwd_status
read_digest(struct fwd_span encoded, int64_t *alg, struct fwd_span *bytes)
{
	struct fwd_cbor c = fwd_cbor_open(encoded);
	uint64_t n = 0;
	fwd_status s;

	s = fwd_cbor_array(&c, &n);
	if (s == FWD_OK && n != 2)
		s = FWD_E_DIGEST_ALG;
	if (s == FWD_OK)
		s = fwd_cbor_int(&c, alg);
	if (s == FWD_OK)
		s = fwd_cbor_bytes(&c, bytes);
	return s != FWD_OK ? s : fwd_cbor_end(&c);
}

void
fw_d_digest(struct fw_describe *d, json_t *parent, const char *key,
    struct fwd_span encoded)
{
	struct fwd_span bytes = { NULL, 0 };
	int64_t alg = 0;
	fwd_status s;

	s = read_digest(encoded, &alg, &bytes);
	fw_d_set(d, parent, key, s == FWD_OK ? fw_d_digest_text(alg, bytes) :
	    json_null());
	if (s == FWD_OK && (bytes.n == 0 || fwd_digest_size(alg) != bytes.n))
		s = FWD_E_DIGEST_ALG;
	fw_d_problem(d, s, encoded.p);
}

void
fw_d_compute(struct fw_describe *d, json_t *o, struct fwd_span encoded,
    struct fwd_span data)
{
	struct fwd_span want = { NULL, 0 };
	uint8_t got[EVP_MAX_MD_SIZE];
	int64_t alg = 0;
	const EVP_MD *md;
	unsigned n = 0;

	if (read_digest(encoded, &alg, &want) != FWD_OK)
		return;
	md = alg == FWD_SHA256 ? EVP_sha256() :
	    alg == FWD_SHA384 ? EVP_sha384() :
	    alg == FWD_SHA512 ? EVP_sha512() : NULL;
	if (md == NULL)
		return;
	if (EVP_Digest(data.p, data.n, got, &n, md, NULL) != 1) {
		d->no_memory = true;
		return;
	}
	fw_d_set(d, o, "digest-computed", fw_d_digest_text(alg,
	    (struct fwd_span){ got, n }));
	fw_d_set(d, o, "digest-matches", json_boolean(n == want.n &&
	    memcmp(got, want.p, n) == 0));
}

/* Can a segment be read by people and is it safe between '/'? */
static bool
readable(struct fwd_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '/' ||
		    s.p[i] == '\\')
			return false;
	return s.n != 0;
}

void
fw_d_component(struct fw_describe *d, json_t *o, struct fwd_span id)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf label = { 0 };
	struct fwd_cbor c = fwd_cbor_open(id);
	json_t *list = fw_d_list(d, o, "identifier");
	struct fwd_span segment;
	struct fw_error err;
	uint64_t n, i;
	bool text;
	fwd_status s;

	s = fwd_cbor_array(&c, &n);
	text = s == FWD_OK && n != 0;
	for (i = 0; s == FWD_OK && i < n && fw_d_more(d); i++) {
		s = fwd_cbor_bytes(&c, &segment);
		if (s != FWD_OK)
			break;
		fw_d_add(d, list, fw_d_hex(segment));
		text = text && readable(segment);
		if (text && ((i > 0 && fw_buf_add(&label, "/", 1, &err)) ||
		    fw_buf_add(&label, segment.p, segment.n, &err)))
			d->no_memory = true;
	}
	if (s == FWD_OK && i == n)
		s = fwd_cbor_end(&c);
	fw_d_problem(d, s, id.p);
	fw_d_set(d, o, "label", text && s == FWD_OK && i == n ?
	    fw_d_text(fw_buf_span(&label)) : json_null());
}
