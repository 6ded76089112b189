/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package URLs of the type "deb" (purl specification; percent-encoding by RFC 3986) and the parts of
 * a version (deb-version(7)).  Names and versions end up in arguments of tools and in paths, so
 * nothing passes but what Debian policy 5.6.1 and 5.6.12 allow.
 */
#include <ctype.h>

#include "debian_int.h"

#define PREFIX "pkg:deb/debian/"

static bool all_of(const char *text, const char *allowed)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(allowed, *text))
			return false;
	return true;
}

bool debian_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (len < 2 || len > 120 || !isalnum((unsigned char)name[0]))
		return false;
	for (const char *p = name; *p; p++)
		if (isupper((unsigned char)*p))
			return false;
	return all_of(name, "+-.");
}

bool debian_version_is_valid(const char *version)
{
	return isdigit((unsigned char)version[0]) && strlen(version) < 120 &&
	       all_of(version, ".+-~:");
}

bool debian_architecture_is_valid(const char *architecture)
{
	return isalpha((unsigned char)architecture[0]) && strlen(architecture) < 32 &&
	       all_of(architecture, "-");
}

static int hex_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Undoes percent-encoding into out; false when malformed, too long, or hiding a NUL. */
static bool decode(struct assay_span in, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < in.len; i++) {
		int byte = in.data[i];

		if (byte == '%') {
			int high = i + 2 < in.len ? hex_value(in.data[i + 1]) : -1;
			int low = i + 2 < in.len ? hex_value(in.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			byte = high * 16 + low;
			i += 2;
		}
		if (byte == 0 || len + 1 >= size)
			return false;
		out[len++] = (char)byte;
	}
	out[len] = '\0';
	return true;
}

/* Cuts what follows the first separator off s; data is NULL when there is none. */
static struct assay_span cut_tail(struct assay_span *s, char separator)
{
	const uint8_t *at = s->len ? memchr(s->data, separator, s->len) : NULL;
	struct assay_span tail = { NULL, 0 };

	if (at) {
		size_t head = (size_t)(at - s->data);

		tail = assay_span_cut(*s, head + 1, s->len);
		s->len = head;
	}
	return tail;
}

static bool parse_qualifiers(struct assay_span text, struct assay_debian_target *ret,
			     struct assay_error *err)
{
	while (text.len) {
		struct assay_span key = text, value, rest;
		char shown[64];

		rest = cut_tail(&key, '&');
		value = cut_tail(&key, '=');
		if (!assay_span_equal_text(key, "arch") || ret->architecture[0]) {
			assay_fail(err, ASSAY_EUSAGE,
				   "package URL: want the qualifier \"arch\" once, have \"%s\"",
				   assay_span_show(key, shown, sizeof(shown)));
			return false;
		}
		if (!decode(value, ret->architecture, sizeof(ret->architecture)) ||
		    !debian_architecture_is_valid(ret->architecture)) {
			assay_fail(err, ASSAY_EUSAGE,
				   "package URL: arch: want an architecture like amd64, have \"%s\"",
				   assay_span_show(value, shown, sizeof(shown)));
			return false;
		}
		text = rest;
	}
	return true;
}

bool assay_debian_target_parse(const char *purl, struct assay_debian_target *ret,
			       struct assay_error *err)
{
	struct assay_span rest = assay_span_text(purl), qualifiers, version;
	char shown[160];

	*ret = (struct assay_debian_target){ 0 };
	if (!assay_span_starts(rest, PREFIX)) {
		assay_fail(err, ASSAY_EUSAGE,
			   "package URL: want \"" PREFIX "NAME[@VERSION][?arch=ARCH]\", have \"%s\"",
			   assay_span_show(rest, shown, sizeof(shown)));
		return false;
	}
	rest = assay_span_cut(rest, strlen(PREFIX), rest.len);
	qualifiers = cut_tail(&rest, '?');
	version = cut_tail(&rest, '@');
	if (!decode(rest, ret->name, sizeof(ret->name)) || !debian_name_is_valid(ret->name)) {
		assay_fail(err, ASSAY_EUSAGE, "package URL: want a package name, have \"%s\"",
			   assay_span_show(rest, shown, sizeof(shown)));
		return false;
	}
	if (version.data && (!decode(version, ret->version, sizeof(ret->version)) ||
			     !debian_version_is_valid(ret->version))) {
		assay_fail(err, ASSAY_EUSAGE, "package URL: want a Debian version, have \"%s\"",
			   assay_span_show(version, shown, sizeof(shown)));
		return false;
	}
	return parse_qualifiers(qualifiers, ret, err);
}

struct assay_span debian_version_without_binnmu(struct assay_span version)
{
	size_t end = version.len;

	while (end > 0 && version.data[end - 1] >= '0' && version.data[end - 1] <= '9')
		end--;
	if (end == version.len || end < 3 || version.data[end - 1] != 'b' ||
	    version.data[end - 2] != '+')
		return version;
	return assay_span_cut(version, 0, end - 2);
}

struct assay_span debian_version_upstream(struct assay_span version)
{
	const uint8_t *colon = version.len ? memchr(version.data, ':', version.len) : NULL;

	if (colon)
		version = assay_span_cut(version, (size_t)(colon - version.data) + 1, version.len);
	for (size_t i = version.len; i > 0; i--)
		if (version.data[i - 1] == '-')
			return assay_span_cut(version, 0, i - 1);
	return version;
}
