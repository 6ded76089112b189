/* SPDX-License-Identifier: Apache-2.0 */
/* Which bucket, which service, whose keys.  Keys never come from a command line, where others could read them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "s3_request.h"

static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";

static const char *first_set(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);

		if (value && *value)
			return value;
	}
	return NULL;
}

/* ---- keys ---------------------------------------------------------------------------------------- */

static char *copy_span(struct assay_span s)
{
	return strndup((const char *)s.data, s.len);
}

static void set(char **field, struct assay_span value)
{
	free(*field);
	*field = copy_span(value);
}

static bool is_text(struct assay_span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

/* "name = value" of the profile's section; what is not known is somebody else's. */
static void read_line(struct s3 *s3, struct assay_span line)
{
	const uint8_t *equals = line.len ? memchr(line.data, '=', line.len) : NULL;
	const struct {
		const char *name;
		char **field;
	} fields[] = { { "aws_access_key_id", &s3->key_id },
		       { "aws_secret_access_key", &s3->secret },
		       { "aws_session_token", &s3->token } };
	struct assay_span name, value;

	if (!equals)
		return;
	name = assay_span_trim(assay_span_of(line.data, (size_t)(equals - line.data)));
	value = assay_span_trim(assay_span_of(equals + 1, line.len - (size_t)(equals + 1 - line.data)));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (is_text(name, fields[i].name))
			set(fields[i].field, value);
}

static enum assay_code read_keys(struct s3 *s3, const char *path, const char *profile, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_span rest, line = { NULL, 0 };
	char section[300];
	bool inside = false;

	if (assay_file_read(AT_FDCWD, path, &text, err))
		return assay_context(err, "keys of the object store: no AWS_ACCESS_KEY_ID in the environment, and %s",
				     path);
	snprintf(section, sizeof(section), "[%s]", profile);
	rest = assay_buf_span(&text);
	while (assay_span_next_line(&rest, &line)) {
		line = assay_span_trim(line);
		if (line.len && line.data[0] == '[')
			inside = is_text(line, section);
		else if (inside && line.len && line.data[0] != '#' && line.data[0] != ';')
			read_line(s3, line);
	}
	explicit_bzero(text.data, text.len);
	if (!s3->key_id || !s3->secret)
		return assay_fail(err, ASSAY_EUSAGE, "%s: want aws_access_key_id and aws_secret_access_key in [%s]",
				  path, profile);
	return ASSAY_OK;
}

static enum assay_code find_keys(struct s3 *s3, struct assay_error *err)
{
	const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
	const char *token = getenv("AWS_SESSION_TOKEN"), *file = getenv("AWS_SHARED_CREDENTIALS_FILE");
	const char *profile = getenv("AWS_PROFILE"), *home = getenv("HOME");
	assay_auto(assay_freep) char *path = NULL;

	if (id && *id && secret && *secret) {
		set(&s3->key_id, assay_span_text(id));
		set(&s3->secret, assay_span_text(secret));
		if (token && *token)
			set(&s3->token, assay_span_text(token));
		return ASSAY_OK;
	}
	if ((id && *id) || (secret && *secret))
		return assay_fail(err, ASSAY_EUSAGE, "keys of the object store: want AWS_ACCESS_KEY_ID and "
						     "AWS_SECRET_ACCESS_KEY, have one of them");
	path = file && *file ? strdup(file) : assay_path_join(home ? home : "", ".aws/credentials");
	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return read_keys(s3, path, profile && *profile ? profile : "default", err);
}

/* ---- the URL ------------------------------------------------------------------------------------- */

static enum assay_code read_parameters(struct s3 *s3, const char *query, struct assay_error *err)
{
	assay_auto(assay_freep) char *copy = strdup(query);
	char *rest = copy;

	if (!copy)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	for (char *one = strsep(&rest, "&"); one; one = strsep(&rest, "&")) {
		if (strncmp(one, "endpoint=", 9) == 0)
			set(&s3->endpoint, assay_span_text(one + 9));
		else if (strncmp(one, "region=", 7) == 0)
			set(&s3->region, assay_span_text(one + 7));
		else
			return assay_fail(err, ASSAY_EUSAGE, "want endpoint=URL or region=NAME behind the \"?\", have \"%s\"",
					  one);
	}
	return ASSAY_OK;
}

/* The service: what the URL says, else the environment, else Amazon's. */
static enum assay_code find_service(struct s3 *s3, struct assay_error *err)
{
	static const char *const regions[] = { "AWS_REGION", "AWS_DEFAULT_REGION", NULL };
	static const char *const endpoints[] = { "ASSAY_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", NULL };
	const char *region = first_set(regions), *endpoint = first_set(endpoints);

	if (!s3->region)
		set(&s3->region, assay_span_text(region ? region : "us-east-1"));
	if (!s3->endpoint && endpoint)
		set(&s3->endpoint, assay_span_text(endpoint));
	if (!s3->endpoint && s3->region && asprintf(&s3->endpoint, "https://s3.%s.amazonaws.com", s3->region) < 0)
		s3->endpoint = NULL;
	if (!s3->region || !s3->endpoint)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (strspn(s3->region, name_characters) != strlen(s3->region))
		return assay_fail(err, ASSAY_EUSAGE, "region: want a name, have \"%s\"", s3->region);
	if ((strncmp(s3->endpoint, "https://", 8) != 0 && strncmp(s3->endpoint, "http://", 7) != 0) ||
	    strpbrk(s3->endpoint, "?#@ "))
		return assay_fail(err, ASSAY_EUSAGE, "endpoint: want https://host or http://host, have \"%s\"",
				  strchr(s3->endpoint, '@') ? "(hidden: may hold a password)" : s3->endpoint);
	while (s3->endpoint[strlen(s3->endpoint) - 1] == '/')
		s3->endpoint[strlen(s3->endpoint) - 1] = '\0';
	return ASSAY_OK;
}

static enum assay_code read_url(const char *url, struct s3 *s3, struct assay_error *err)
{
	const char *at = url + strlen("s3://");
	size_t bucket = strcspn(at, "/?"), prefix;

	set(&s3->bucket, assay_span_of(at, bucket));
	at += bucket + (at[bucket] == '/');
	prefix = strcspn(at, "?");
	if (!s3->bucket || asprintf(&s3->prefix, "%.*s%s", (int)prefix, at, prefix && at[prefix - 1] != '/' ? "/" : "") < 0)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (!bucket || strspn(s3->bucket, name_characters) != bucket ||
	    strspn(s3->prefix, name_characters) != strlen(s3->prefix) || s3->prefix[0] == '/' ||
	    strstr(s3->prefix, "//") || strstr(s3->prefix, "./"))
		return assay_fail(err, ASSAY_EUSAGE, "want s3://BUCKET/PREFIX of letters, digits, \".\", \"_\" and \"-\"");
	return at[prefix] ? read_parameters(s3, at + prefix + 1, err) : ASSAY_OK;
}

enum assay_code s3_configure(const char *url, struct s3 *s3, struct assay_error *err)
{
	if (read_url(url, s3, err) || find_service(s3, err) || find_keys(s3, err))
		return assay_context(err, "%.*s", (int)strcspn(url, "?"), url);
	return ASSAY_OK;
}
