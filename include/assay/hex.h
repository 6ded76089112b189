/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to text and back: lowercase hex and base64. */
#ifndef ASSAY_HEX_H
#define ASSAY_HEX_H

#include "assay/buf.h"
#include "assay/error.h"
#include "assay/span.h"

/* Writes 2 * s.len digits and a NUL; out must hold them.  Returns out. */
char *assay_hex_encode(struct assay_span s, char *out);
/* Both cases accepted; false unless text is exactly 2 * len hex digits. */
bool assay_hex_decode(struct assay_span text, uint8_t *out, size_t len);
/* Standard alphabet with padding (RFC 4648 section 4), appended to out. */
void assay_base64_encode(struct assay_span s, struct assay_buf *out);
/* Standard and URL-safe alphabet, padding optional, nothing else; false otherwise. */
bool assay_base64_decode(struct assay_span text, struct assay_buf *out);

#endif
