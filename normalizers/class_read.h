/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Java class file (JVMS chapter 4): its constants, and the class as text with every constant written
 * out where it is used.  The text does not depend on the order of the constants; whatever else differs
 * in the file differs in the text.
 */
#ifndef ASSAY_NORMALIZERS_CLASS_READ_H
#define ASSAY_NORMALIZERS_CLASS_READ_H

#include "assay/arena.h"
#include "assay/buf.h"
#include "assay/error.h"
#include "assay/span.h"

enum class_tag {
	CLASS_UTF8 = 1,
	CLASS_INTEGER = 3,
	CLASS_FLOAT,
	CLASS_LONG,
	CLASS_DOUBLE,
	CLASS_CLASS,
	CLASS_STRING,
	CLASS_FIELD,
	CLASS_METHOD,
	CLASS_INTERFACE_METHOD,
	CLASS_NAME_AND_TYPE,
	CLASS_METHOD_HANDLE = 15,
	CLASS_METHOD_TYPE,
	CLASS_DYNAMIC,
	CLASS_INVOKE_DYNAMIC,
	CLASS_MODULE,
	CLASS_PACKAGE,
	CLASS_TAGS,
};

struct class_constant {
	uint64_t at, end; /* in the file; equal: an index that cannot be used */
	uint8_t tag;
	uint16_t a, b; /* indices, or the kind of a method handle and an index */
};

struct class_file {
	struct assay_span file;
	struct class_constant *pool; /* by index; the first is unused */
	size_t count;
	uint64_t end; /* of the constants */
};

#define CLASS_HEAD 10 /* magic, version, number of constants */

/* Big-endian, 1 to 8 bytes; the caller checks the bounds. */
uint64_t class_get(struct assay_span s, uint64_t at, unsigned bytes);
/* Reads the constants; every reference between them leads to one of the right kind then. */
enum assay_code class_read(struct assay_span file, struct assay_arena *arena, struct class_file *ret,
			   struct assay_error *err) ASSAY_CHECKED;
/* Bytes of a Utf8 constant; empty when it is none. */
struct assay_span class_utf8(const struct class_file *class, uint64_t index);

/* One constant as text: equal texts, equal constants. */
void class_write_constant(const struct class_file *class, uint64_t index, struct assay_buf *out);
void class_write_bytes(struct assay_span bytes, struct assay_buf *out);
/* class_code.c */
void class_write_code(const struct class_file *class, struct assay_span code, struct assay_buf *out);
/* class_text.c: the whole class. */
void class_write(const struct class_file *class, struct assay_buf *out);

#endif
