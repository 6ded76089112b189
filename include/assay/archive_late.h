/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive, loaded when an archive is a source, or compared (assay/late.h).  A function that is missing here
 * belongs into the list and below it. */
#ifndef ASSAY_ARCHIVE_LATE_H
#define ASSAY_ARCHIVE_LATE_H

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>

#include "assay/late.h"

#define ARCHIVE_LATE(X) \
	X(archive_entry_filetype) X(archive_entry_hardlink) \
	X(archive_entry_hardlink_utf8) X(archive_entry_mode) \
	X(archive_entry_mtime) X(archive_entry_mtime_is_set) X(archive_entry_pathname) \
	X(archive_entry_pathname_utf8) X(archive_entry_size) X(archive_entry_size_is_set) \
	X(archive_entry_symlink) X(archive_entry_symlink_utf8) \
	X(archive_error_string) X(archive_filter_bytes) X(archive_read_data) X(archive_read_free) \
	X(archive_read_new) X(archive_read_next_header) X(archive_read_open_fd) \
	X(archive_read_open_memory) X(archive_read_set_option) \
	X(archive_read_support_filter_bzip2) X(archive_read_support_filter_gzip) \
	X(archive_read_support_filter_lzma) X(archive_read_support_filter_xz) \
	X(archive_read_support_filter_zstd) X(archive_read_support_format_7zip) \
	X(archive_read_support_format_cab) X(archive_read_support_format_tar) \
	X(archive_read_support_format_zip)

struct archive_late {
#define X(name) __typeof__(name) *name;
	ARCHIVE_LATE(X)
#undef X
};

extern struct archive_late archive_late;

/* Before the first call of any of them, and before a jail is entered. */
enum assay_code archive_late_load(struct assay_error *err) ASSAY_CHECKED;
bool archive_late_is_loaded(void);

#define archive_entry_filetype archive_late.archive_entry_filetype
#define archive_entry_hardlink archive_late.archive_entry_hardlink
#define archive_entry_hardlink_utf8 archive_late.archive_entry_hardlink_utf8
#define archive_entry_mode archive_late.archive_entry_mode
#define archive_entry_mtime archive_late.archive_entry_mtime
#define archive_entry_mtime_is_set archive_late.archive_entry_mtime_is_set
#define archive_entry_pathname archive_late.archive_entry_pathname
#define archive_entry_pathname_utf8 archive_late.archive_entry_pathname_utf8
#define archive_entry_size archive_late.archive_entry_size
#define archive_entry_size_is_set archive_late.archive_entry_size_is_set
#define archive_entry_symlink archive_late.archive_entry_symlink
#define archive_entry_symlink_utf8 archive_late.archive_entry_symlink_utf8
#define archive_error_string archive_late.archive_error_string
#define archive_filter_bytes archive_late.archive_filter_bytes
#define archive_read_data archive_late.archive_read_data
#define archive_read_free archive_late.archive_read_free
#define archive_read_new archive_late.archive_read_new
#define archive_read_next_header archive_late.archive_read_next_header
#define archive_read_open_fd archive_late.archive_read_open_fd
#define archive_read_open_memory archive_late.archive_read_open_memory
#define archive_read_set_option archive_late.archive_read_set_option
#define archive_read_support_filter_bzip2 archive_late.archive_read_support_filter_bzip2
#define archive_read_support_filter_gzip archive_late.archive_read_support_filter_gzip
#define archive_read_support_filter_lzma archive_late.archive_read_support_filter_lzma
#define archive_read_support_filter_xz archive_late.archive_read_support_filter_xz
#define archive_read_support_filter_zstd archive_late.archive_read_support_filter_zstd
#define archive_read_support_format_7zip archive_late.archive_read_support_format_7zip
#define archive_read_support_format_cab archive_late.archive_read_support_format_cab
#define archive_read_support_format_tar archive_late.archive_read_support_format_tar
#define archive_read_support_format_zip archive_late.archive_read_support_format_zip

#endif
