/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key in a token, by its URI (RFC 7512):
 *
 *	pkcs11:token=farm;object=authority?pin-source=file:/etc/assay/pin&module-path=/usr/lib/softhsm/libsofthsm2.so
 *
 * The PIN is in a file that only its owner can read: pin-source, else "authority.pin" among systemd's credentials; a
 * pin-value is refused.  Without module-path it is one of the modules that p11-kit knows.
 */
#ifndef ASSAY_PKCS11_INT_H
#define ASSAY_PKCS11_INT_H

#include <openssl/evp.h>

#include "assay/error.h"

struct pkcs11 {
	void *engine; /* OpenSSL's; held as long as the key */
	EVP_PKEY *key;
};

/* ASSAY_EUSAGE for a URI that is wrong; ASSAY_EUNSUPPORTED without the engine or its module; ASSAY_EUNTRUSTED when the
 * token does not give the key. */
enum assay_code pkcs11_open(const char *uri, struct pkcs11 *ret,
			    struct assay_error *err) ASSAY_CHECKED;
void pkcs11_close(struct pkcs11 *token);

#endif
