/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zip archive as a list of entries, each proven to be where and what both of its headers say
 * (PKWARE APPNOTE 6.3.10; clauses as "4.3.7").  Readers start from the central directory or from the
 * first local header; every place where the two ways lead to different members is the archive's doubt.
 */
#ifndef ASSAY_NORMALIZERS_ZIP_READ_H
#define ASSAY_NORMALIZERS_ZIP_READ_H

#include "assay/arena.h"
#include "assay/error.h"
#include "assay/span.h"

struct assay_anatomy;
struct assay_emit;
struct assay_rope;

enum {
	ZIP_LOCAL_SIZE = 30,
	ZIP_CENTRAL_SIZE = 46,
	ZIP_END_SIZE = 22,
	ZIP_END64_SIZE = 56,
	ZIP_LOCATOR_SIZE = 20,
};

#define ZIP_LOCAL_MAGIC 0x04034b50U
#define ZIP_CENTRAL_MAGIC 0x02014b50U
#define ZIP_END_MAGIC 0x06054b50U
#define ZIP_END64_MAGIC 0x06064b50U
#define ZIP_LOCATOR_MAGIC 0x07064b50U
#define ZIP_DESCRIPTOR_MAGIC 0x08074b50U

/* Creators (4.4.2.2) whose modes readers believe; libarchive believes those of Darwin not. */
enum { ZIP_HOST_UNIX = 3, ZIP_HOST_DARWIN = 19 };
enum { ZIP_ENCRYPTED = 1, ZIP_HAS_DESCRIPTOR = 8, ZIP_UTF8 = 0x800, ZIP_STRONG = 0x2040 };

struct zip_entry {
	uint64_t local, data, end;	/* end: behind the data descriptor */
	uint64_t central, central_size; /* the whole central header */
	uint64_t packed, size;
	uint32_t crc, external;
	uint16_t made_by, flags, method, time, date;
	uint16_t name_size, central_extra, comment; /* in the central header */
	uint16_t local_name, local_extra;	    /* lengths in the local header */
	uint8_t descriptor; /* its length, 0 = none */
};

struct zip_doubt {
	uint64_t offset;
	char text[192];
};

struct zip_archive {
	struct assay_span file;
	struct zip_entry *entries; /* in the order of the central directory */
	size_t count;
	uint32_t *by_local; /* indices in the order of the local headers */
	uint64_t base;	    /* bytes in front of the archive, to which offsets are relative */
	uint64_t head;	    /* bytes in front of it that its readers want there, see zip_head() */
	uint64_t central, central_size;
	uint64_t end64, end; /* end64: 0 = none */
	uint16_t comment;
	bool has_set_id; /* some member is set-id: only its central header says so */
	struct zip_doubt doubt;
};

/* Little-endian, 1 to 8 bytes; the caller checks the bounds. */
uint64_t zip_get(struct assay_span s, uint64_t at, unsigned bytes);
/* Where the end record stands (4.3.16): one that reaches to the end of the file, or the last one; false
 * when there is none in the last 64 KiB. */
bool zip_end_find(struct assay_span file, uint64_t *ret);
/* What a reader of its own wants in front of an archive: the interpreter line of a Python application (PEP
 * 441), the magic of a jmod file; 0 when the file starts with neither. */
uint64_t zip_head(struct assay_span file);
enum assay_code zip_read(struct assay_span file, struct assay_arena *arena,
			 struct zip_archive *ret, struct assay_error *err) ASSAY_CHECKED;
struct assay_span zip_entry_name(const struct zip_archive *zip, const struct zip_entry *entry);

/* Cuts the next extra field off *rest, with its 4-byte header in *whole; false at the end or when
 * what is left is no field (*rest not empty). */
bool zip_extra_next(struct assay_span *rest, uint16_t *id, struct assay_span *body,
		    struct assay_span *whole);
bool zip_extra_find(struct assay_span extras, uint16_t id, struct assay_span *body);
struct assay_span zip_local_extras(const struct zip_archive *zip, const struct zip_entry *entry);
struct assay_span zip_central_extras(const struct zip_archive *zip, const struct zip_entry *entry);

/* ---- what a member effectively is (fmt_zip.c) ------------------------------------------------------- */

/* "file", "directory", "symlink" or "special". */
const char *zip_entry_type(const struct zip_archive *zip, const struct zip_entry *entry);
/* Seconds: those that most readers restore. */
int64_t zip_entry_time(const struct zip_entry *entry, struct assay_span extras);
/* But for the umask the mode that readers make up as well, where they believe none that is written. */
bool zip_mode_is_plain(const struct zip_archive *zip, const struct zip_entry *entry);
/* Who a mode is from, as far as readers tell it apart. */
const char *zip_host_word(const struct zip_entry *entry);
/* Its readers want it stored, or not: the method stays. */
bool zip_method_is_fixed(const struct zip_archive *zip, const struct zip_entry *entry);
/* Body of extra field 0x7875. */
bool zip_owner_is_valid(struct assay_span body);
/* What readers that look at the first members only find: "any", or names that are there. */
const char *zip_leading(struct assay_span first, struct assay_span second);

/* zip_emit.c: the canonical form. */
enum assay_code zip_emit(struct assay_emit *e, const struct assay_anatomy *anatomy,
			 struct assay_rope *rope, struct assay_error *err) ASSAY_CHECKED;

#endif
