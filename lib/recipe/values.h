/* SPDX-License-Identifier: Apache-2.0 */
/* Setters for the single values of a recipe: each checks the text and stores it in its field. */
#ifndef ASSAY_RECIPE_VALUES_H
#define ASSAY_RECIPE_VALUES_H

#include "reader.h"

/* const char * fields */
reader_set value_text;       /* one line, no control characters */
reader_set value_command;    /* several lines allowed */
reader_set value_name;       /* [A-Za-z0-9][A-Za-z0-9._+-]* */
reader_set value_location;   /* an https, http or file URL, or a path; the field must be free */
reader_set value_commit;     /* a full commit id; a branch or tag when unpinned values are allowed */
reader_set value_inner_path; /* relative, without "..": inside the build directory */
reader_set value_build_path; /* absolute, no system directory */
reader_set value_hostname;
reader_set value_word;       /* locale, time zone */
reader_set value_oci_digest; /* sha256:<hex> */
reader_set value_accept;
reader_set value_scheme;     /* of a signature */
/* others */
reader_set value_sha256;     /* struct assay_digest */
reader_set value_umask;      /* unsigned */
reader_set value_cpus;       /* unsigned */
reader_set value_duration;   /* uint64_t, seconds: "90s", "20min", "2h" */
reader_set value_size;       /* uint64_t, bytes: "512KiB", "64MiB", "4GiB" */
reader_set value_count;      /* uint64_t */

/* What a full commit id is: 40 or 64 lowercase hex digits. */
bool value_is_commit(struct assay_span s);
/* [A-Za-z_][A-Za-z0-9_]* */
bool value_is_variable(struct assay_span s);

#endif
