/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Being somebody on a farm, from the side of a worker or user.  A directory (mode 0700) holds
 *
 *	authority.pem	whom to believe
 *	identity.pem	key and certificate, mode 0600; replaced as a whole
 *
 * The token of `assay scheduler token` names the authority, so that a stranger's scheduler is found out before the token
 * is shown to it.
 */
#ifndef ASSAY_ENROLMENT_H
#define ASSAY_ENROLMENT_H

#include "assay/authority.h"
#include "assay/http.h"

#define ASSAY_ENROLMENT_AUTHORITY "authority.pem"
#define ASSAY_ENROLMENT_IDENTITY "identity.pem"

/* Makes a key, spends the token for a certificate, and writes both into the directory. */
enum assay_code assay_enrol(const char *url, const char *token, const char *directory, struct assay_certificate *ret,
			    struct assay_error *err) ASSAY_CHECKED;
/* A client that shows what is in the directory; *ret_about (may be NULL) says what that is.  ASSAY_ENOTFOUND when
 * nobody enrolled there. */
enum assay_code assay_enrolment_connect(const char *url, const char *directory, struct assay_http_client **ret,
					struct assay_certificate *ret_about, struct assay_error *err) ASSAY_CHECKED;
/* Another key and certificate by means of the one that still holds.  The client goes on showing the old one: connect
 * again. */
enum assay_code assay_enrolment_renew(struct assay_http_client *client, const char *directory, struct assay_error *err)
	ASSAY_CHECKED;
/* Half of its time is over. */
bool assay_enrolment_is_due(const struct assay_certificate *certificate, int64_t now);

#endif
