/* SPDX-License-Identifier: Apache-2.0 */
/* What a zip archive is to those who use it, by what is in it; and which of its parts sign it. */
#ifndef ASSAY_NORMALIZERS_ZIP_KIND_H
#define ASSAY_NORMALIZERS_ZIP_KIND_H

#include "zip_read.h"

/* "jar", "wheel", ...; NULL when nothing says more than zip. */
const char *zip_kind(const struct zip_archive *zip);
/* A member that holds nothing but a signature or what is signed in place of the archive. */
bool zip_is_signature(struct assay_span name);
/* Which signatures the archive has, as words for the report, into out; "none" when it has none. */
void zip_signatures(const struct zip_archive *zip, char *out, size_t size);

/* The signing block of an APK (source.android.com: APK Signature Scheme v2), which stands between the
 * last member and the central directory.  False when [at, end) is not exactly one. */
bool zip_apk_block(struct assay_span file, uint64_t at, uint64_t end);
/* Cuts the next pair off *rest: its 12 bytes of length and id, then its value. */
bool zip_apk_pair(struct assay_span *rest, uint32_t *id, struct assay_span *value);
/* Name of an id; NULL when it is unknown. */
const char *zip_apk_id_name(uint32_t id);

enum { ZIP_APK_SIZE = 8, ZIP_APK_TAIL = 24, ZIP_APK_PAIR = 12 };
#define ZIP_APK_PADDING 0x42726577U

/* Name of an extra field of the APPNOTE, or of Info-ZIP, Java or Android; NULL when it is unknown. */
const char *zip_extra_name(uint16_t id);

#endif
