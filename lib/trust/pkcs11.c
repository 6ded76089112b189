/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys that stay in a token: PKCS#11 by OpenSSL's engine of that name, which Debian has in a package of its own and
 * which is loaded only when a key is named that way.  Engines are deprecated in OpenSSL 3; the provider that replaces this
 * one is not in Debian 12 (docs/adr/0025).
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "pkcs11_int.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/engine.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/hex.h"
#include "assay/path.h"
#include "key_int.h"
#include "x509_int.h"

#define SCHEME "pkcs11:"
#define CREDENTIAL "authority.pin"

enum { PIN_MAX = 256 };

struct uri {
	struct assay_buf object; /* without what is below, for the engine */
	struct assay_buf pin_source, module_path;
};

static void uri_release(struct uri *uri)
{
	assay_buf_release(&uri->object);
	assay_buf_release(&uri->pin_source);
	assay_buf_release(&uri->module_path);
}

/* RFC 3986, 2.1. */
static bool decode(const char *text, size_t len, struct assay_buf *out)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (byte == '%') {
			if (len - i < 3 ||
			    !assay_hex_decode(assay_span_of(text + i + 1, 2), &byte, 1) || !byte)
				return false;
			i += 2;
		}
		assay_buf_add(out, &byte, 1);
	}
	return true;
}

static bool has_name(const char *attribute, size_t len, const char *name)
{
	size_t want = strlen(name);

	return len > want && strncmp(attribute, name, want) == 0 && attribute[want] == '=';
}

/* RFC 7512: attributes of the object with ';' between them, behind '?' those of the access with '&'. */
static enum assay_code parse(const char *text, struct uri *uri, struct assay_error *err)
{
	const struct {
		const char *name;
		struct assay_buf *value;
	} kept[] = { { "pin-source", &uri->pin_source }, { "module-path", &uri->module_path } };
	const char *at = text + strlen(SCHEME);

	if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
		return assay_fail(err, ASSAY_EUSAGE, "want a URI " SCHEME "token=...;object=...");
	assay_buf_add_text(&uri->object, SCHEME);
	while (*at) {
		size_t len = strcspn(at, ";?&"), value;
		struct assay_buf *into = NULL;

		if (has_name(at, len, "pin-value"))
			return assay_fail(err, ASSAY_EUSAGE,
					  "pin-value: a PIN is not for a command line: name its "
					  "file, ?pin-source=file:/PATH");
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			if (has_name(at, len, kept[i].name))
				into = kept[i].value;
		value = into ? (size_t)(strchr(at, '=') + 1 - at) : 0;
		if (into && (into->len || !decode(at + value, len - value, into)))
			return assay_fail(err, ASSAY_EUSAGE,
					  "want %.*s once, and '%%' before two hex digits",
					  (int)value - 1, at);
		if (!into && len) {
			if (uri->object.len > strlen(SCHEME))
				assay_buf_add_text(&uri->object, ";");
			assay_buf_add(&uri->object, at, len);
		}
		at += len + (at[len] != '\0');
	}
	if (assay_buf_check(&uri->object, "pkcs11 URI", err) ||
	    assay_buf_check(&uri->pin_source, "pin-source", err))
		return err->code;
	return assay_buf_check(&uri->module_path, "module-path", err);
}

/* What the URI says, else what systemd's LoadCredential= put there; none: a token without a PIN. */
static enum assay_code pin_path(const struct uri *uri, char **ret, struct assay_error *err)
{
	const char *source = uri->pin_source.len ? assay_buf_text(&uri->pin_source) : "",
		   *folder = getenv("CREDENTIALS_DIRECTORY");

	*ret = NULL;
	if (*source) {
		source += strncmp(source, "file:", 5) == 0 ? 5 : 0;
		source += strncmp(source, "//", 2) == 0 ? 2 : 0;
		if (*source != '/')
			return assay_fail(err, ASSAY_EUSAGE,
					  "pin-source: want file:/PATH, have \"%s\"",
					  assay_buf_text(&uri->pin_source));
		*ret = strdup(source);
	} else if (folder) {
		*ret = assay_path_join(folder, CREDENTIAL);
		if (*ret && access(*ret, F_OK)) {
			free(*ret);
			*ret = NULL;
			return ASSAY_OK;
		}
	} else {
		return ASSAY_OK;
	}
	return *ret ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "out of memory");
}

/* The first line of the file. */
static enum assay_code read_pin(const struct uri *uri, struct assay_buf *pin,
				struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;
	assay_auto(assay_fd_closep) int fd = -1;

	if (pin_path(uri, &path, err) || !path)
		return err->code;
	if (assay_file_open(AT_FDCWD, path, &fd, err) || key_check_private(path, fd, err) ||
	    assay_buf_read_fd(pin, fd, err) || assay_buf_check(pin, "PIN", err))
		return err->code;
	pin->len = strcspn(assay_buf_text(pin), "\r\n");
	pin->data[pin->len] = '\0';
	return pin->len ? ASSAY_OK
			: assay_fail(err, ASSAY_EINPUT, "%s: want a PIN in its first line", path);
}

/* ---- the engine ----------------------------------------------------------------------------------- */

static enum assay_code start_engine(const struct uri *uri, ENGINE **ret, struct assay_error *err)
{
	ENGINE *engine;

	OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, NULL);
	engine = ENGINE_by_id("pkcs11");
	if (!engine)
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "OpenSSL has no engine for PKCS#11 here: install "
				  "libengine-pkcs11-openssl (%s)",
				  x509_reason());
	/* it is loaded late, and then without a word about the file */
	if (uri->module_path.len && access(assay_buf_text(&uri->module_path), R_OK))
		assay_fail(err, ASSAY_EUSAGE, "module-path: %s: %s",
			   assay_buf_text(&uri->module_path), strerror(errno));
	else if (uri->module_path.len &&
		 !ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", assay_buf_text(&uri->module_path),
					 0))
		assay_fail(err, ASSAY_EUSAGE, "module-path: %s", x509_reason());
	else if (!ENGINE_init(engine))
		assay_fail(err, ASSAY_EUNSUPPORTED, "the PKCS#11 module %s cannot be used: %s",
			   uri->module_path.len ? assay_buf_text(&uri->module_path) : "of p11-kit",
			   x509_reason());
	else
		*ret = engine;
	ENGINE_free(engine);
	return err->code;
}

static enum assay_code load(ENGINE *engine, struct uri *uri, EVP_PKEY **ret,
			    struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf pin = ASSAY_BUF_INIT(PIN_MAX);

	if (!read_pin(uri, &pin, err)) {
		if (pin.len && !ENGINE_ctrl_cmd_string(engine, "PIN", assay_buf_text(&pin), 0))
			assay_fail(err, ASSAY_EIO, "PIN: %s", x509_reason());
		else if (!(*ret = ENGINE_load_private_key(engine, assay_buf_text(&uri->object),
							  NULL, NULL)))
			assay_fail(err, ASSAY_EUNTRUSTED,
				   "no private key by %s%s: is the token there, the PIN right, and "
				   "the key one for signing? (%s)",
				   assay_buf_text(&uri->object), pin.len ? "" : ", without a PIN",
				   x509_reason());
	}
	if (pin.data)
		OPENSSL_cleanse(pin.data, pin.len);
	return err->code;
}

enum assay_code pkcs11_open(const char *text, struct pkcs11 *ret, struct assay_error *err)
{
	struct uri uri = { ASSAY_BUF_INIT(ASSAY_MAX_FIELD), ASSAY_BUF_INIT(ASSAY_MAX_FIELD),
			   ASSAY_BUF_INIT(ASSAY_MAX_FIELD) };
	ENGINE *engine = NULL;
	EVP_PKEY *key = NULL;

	if (!parse(text, &uri, err) && !start_engine(&uri, &engine, err) &&
	    !load(engine, &uri, &key, err))
		*ret = (struct pkcs11){ engine, key };
	else if (engine)
		ENGINE_finish(engine);
	uri_release(&uri);
	return err->code;
}

void pkcs11_close(struct pkcs11 *token)
{
	EVP_PKEY_free(token->key);
	if (token->engine)
		ENGINE_finish(token->engine);
	*token = (struct pkcs11){ NULL, NULL };
}
