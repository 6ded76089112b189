/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A class as text (JVMS 4.1 to 4.7).  Attributes are read by a shape, a little language:
 *	c constant   1 2 4 a number of that many bytes   *( ) a list counted by two bytes   #( ) by one
 *	C code counted by four bytes   A attributes   N annotation   E value of an annotation
 *	T type annotation   S frame of a stack map
 * Bytes that the shape leaves over, and attributes without one, are written as bytes.
 */
#include <stdlib.h>

#include "class_read.h"

#define NESTING 32 /* annotations within annotations */

static const struct {
	const char *name, *shape;
} attributes[] = {
	{ "ConstantValue", "c" },
	{ "Code", "22C*(222c)A" },
	{ "StackMapTable", "*(S)" },
	{ "Exceptions", "*(c)" },
	{ "InnerClasses", "*(ccc2)" },
	{ "EnclosingMethod", "cc" },
	{ "Synthetic", "" },
	{ "Signature", "c" },
	{ "SourceFile", "c" },
	{ "LineNumberTable", "*(22)" },
	{ "LocalVariableTable", "*(22cc2)" },
	{ "LocalVariableTypeTable", "*(22cc2)" },
	{ "Deprecated", "" },
	{ "RuntimeVisibleAnnotations", "*(N)" },
	{ "RuntimeInvisibleAnnotations", "*(N)" },
	{ "RuntimeVisibleParameterAnnotations", "#(*(N))" },
	{ "RuntimeInvisibleParameterAnnotations", "#(*(N))" },
	{ "RuntimeVisibleTypeAnnotations", "*(T)" },
	{ "RuntimeInvisibleTypeAnnotations", "*(T)" },
	{ "AnnotationDefault", "E" },
	{ "BootstrapMethods", "*(c*(c))" },
	{ "MethodParameters", "#(c2)" },
	{ "Module", "c2c*(c2c)*(c2*(c))*(c2*(c))*(c)*(c*(c))" },
	{ "ModulePackages", "*(c)" },
	{ "ModuleMainClass", "c" },
	{ "NestHost", "c" },
	{ "NestMembers", "*(c)" },
	{ "Record", "*(ccA)" },
	{ "PermittedSubclasses", "*(c)" },
};

struct writer {
	const struct class_file *class;
	struct assay_span rest; /* of the innermost thing that has a length */
	struct assay_buf *out;
	unsigned depth;
	bool broken; /* the rest is written as bytes */
};

static void write_attributes(struct writer *w);
static void write_shape(struct writer *w, const char *shape, const char *end);

/* Takes a number off the rest; 0 and broken when there is none. */
static uint64_t take(struct writer *w, unsigned bytes)
{
	uint64_t value;

	if (w->broken || w->rest.len < bytes) {
		w->broken = true;
		return 0;
	}
	value = class_get(w->rest, 0, bytes);
	w->rest = assay_span_cut(w->rest, bytes, SIZE_MAX);
	return value;
}

static void write_number(struct writer *w, unsigned bytes)
{
	uint64_t value = take(w, bytes);

	if (!w->broken)
		assay_buf_printf(w->out, " %llu", (unsigned long long)value);
}

static void write_index(struct writer *w)
{
	uint64_t index = take(w, 2);

	if (w->broken)
		return;
	assay_buf_add_text(w->out, " ");
	class_write_constant(w->class, index, w->out);
}

/* The closing bracket of a list whose shape begins at shape. */
static const char *closing(const char *shape)
{
	unsigned depth = 1;

	for (; *shape; shape++) {
		depth += *shape == '(';
		depth -= *shape == ')';
		if (!depth)
			break;
	}
	return shape;
}

static const char *write_list(struct writer *w, const char *shape, unsigned bytes)
{
	const char *end = closing(shape);
	uint64_t count = take(w, bytes);

	if (!w->broken)
		assay_buf_printf(w->out, " (%llu)\n", (unsigned long long)count);
	for (uint64_t i = 0; i < count && !w->broken && !w->out->failed; i++) {
		assay_buf_add_text(w->out, "   ");
		write_shape(w, shape, end);
		assay_buf_add_text(w->out, "\n");
	}
	return end;
}

static void write_code(struct writer *w)
{
	uint64_t length = take(w, 4);

	if (w->broken || length > w->rest.len) {
		w->broken = true;
		return;
	}
	assay_buf_printf(w->out, " code %llu\n", (unsigned long long)length);
	class_write_code(w->class, assay_span_cut(w->rest, 0, length), w->out);
	w->rest = assay_span_cut(w->rest, length, SIZE_MAX);
}

/* JVMS 4.7.16.1 */
static void write_element(struct writer *w)
{
	char tag = (char)take(w, 1);

	if (w->broken || ++w->depth > NESTING) {
		w->broken = true;
		return;
	}
	assay_buf_printf(w->out, " value %u", (unsigned)(uint8_t)tag);
	if (tag == 'e')
		write_shape(w, "cc", NULL);
	else if (tag == '@')
		write_shape(w, "N", NULL);
	else if (tag == '[')
		write_shape(w, "*(E)", NULL);
	else
		write_shape(w, "c", NULL);
	w->depth--;
}

/* JVMS 4.7.20: the target by its type, the path, then an annotation. */
static void write_type_annotation(struct writer *w)
{
	static const struct {
		uint8_t first, last;
		const char *shape;
	} targets[] = {
		{ 0x00, 0x01, "1" }, { 0x10, 0x10, "2" }, { 0x11, 0x12, "11" },	    { 0x13, 0x15, "" },
		{ 0x16, 0x16, "1" }, { 0x17, 0x17, "2" }, { 0x40, 0x41, "*(222)" }, { 0x42, 0x42, "2" },
		{ 0x43, 0x46, "2" }, { 0x47, 0x4b, "21" },
	};
	uint64_t type = take(w, 1);
	size_t i = 0, count = sizeof(targets) / sizeof(targets[0]);

	while (i < count && (type < targets[i].first || type > targets[i].last))
		i++;
	if (w->broken || i == count) {
		w->broken = true;
		return;
	}
	assay_buf_printf(w->out, " target %llu", (unsigned long long)type);
	write_shape(w, targets[i].shape, NULL);
	write_shape(w, "#(11)N", NULL);
}

static void write_verification_type(struct writer *w)
{
	uint64_t tag = take(w, 1);

	if (!w->broken)
		assay_buf_printf(w->out, " type %llu", (unsigned long long)tag);
	if (tag == 7)
		write_index(w);
	else if (tag == 8)
		write_number(w, 2);
}

static void write_verification_types(struct writer *w, uint64_t count)
{
	for (uint64_t i = 0; i < count && !w->broken && !w->out->failed; i++)
		write_verification_type(w);
}

/* JVMS 4.7.4 */
static void write_frame(struct writer *w)
{
	uint64_t type = take(w, 1);

	if (!w->broken)
		assay_buf_printf(w->out, " frame %llu", (unsigned long long)type);
	if (type >= 64 && type <= 127)
		write_verification_types(w, 1);
	if (type >= 247)
		write_number(w, 2);
	if (type == 247)
		write_verification_types(w, 1);
	if (type >= 252 && type <= 254)
		write_verification_types(w, type - 251);
	for (int i = 0; type == 255 && i < 2; i++) {
		uint64_t count = take(w, 2);

		if (!w->broken)
			assay_buf_printf(w->out, " (%llu)", (unsigned long long)count);
		write_verification_types(w, count);
	}
}

static void write_shape(struct writer *w, const char *shape, const char *end)
{
	for (; *shape && shape != end && !w->broken && !w->out->failed; shape++) {
		switch (*shape) {
		case 'c':
			write_index(w);
			break;
		case '1':
		case '2':
		case '4':
			write_number(w, (unsigned)(*shape - '0'));
			break;
		case '*':
		case '#':
			shape = write_list(w, shape + 2, *shape == '*' ? 2 : 1);
			break;
		case 'C':
			write_code(w);
			break;
		case 'A':
			write_attributes(w);
			break;
		case 'N':
			write_shape(w, "c*(cE)", NULL);
			break;
		case 'E':
			write_element(w);
			break;
		case 'T':
			write_type_annotation(w);
			break;
		default:
			write_frame(w);
		}
	}
}

static void write_attribute(struct writer *w)
{
	uint64_t name = take(w, 2), length = take(w, 4);
	struct writer inner = *w;
	size_t i = 0, count = sizeof(attributes) / sizeof(attributes[0]);

	if (w->broken || length > w->rest.len || w->depth >= NESTING) {
		w->broken = true;
		return;
	}
	inner.rest = assay_span_cut(w->rest, 0, length);
	inner.depth++;
	w->rest = assay_span_cut(w->rest, length, SIZE_MAX);
	assay_buf_add_text(w->out, "  attribute ");
	class_write_constant(w->class, name, w->out);
	while (i < count && !assay_span_equal_text(class_utf8(w->class, name), attributes[i].name))
		i++;
	if (i < count)
		write_shape(&inner, attributes[i].shape, NULL);
	assay_buf_add_text(w->out, "\n");
	class_write_bytes(inner.rest, w->out);
	assay_buf_printf(w->out, "  end %llu\n", (unsigned long long)length);
}

static void write_attributes(struct writer *w)
{
	uint64_t count = take(w, 2);

	if (!w->broken)
		assay_buf_printf(w->out, " attributes (%llu)\n", (unsigned long long)count);
	for (uint64_t i = 0; i < count && !w->broken && !w->out->failed; i++)
		write_attribute(w);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All of them, sorted: one that nothing refers to is a difference too. */
static void write_constants(const struct class_file *class, struct assay_buf *out)
{
	char **list = calloc(class->count + 1, sizeof(*list));
	size_t count = 0;

	if (!list) {
		out->failed = ASSAY_ENOMEM;
		return;
	}
	for (size_t i = 1; i < class->count && !out->failed; i++) {
		struct assay_buf one = ASSAY_BUF_INIT(out->max);

		if (!class->pool[i].tag)
			continue;
		class_write_constant(class, i, &one);
		list[count] = assay_buf_take(&one);
		if (!list[count])
			out->failed = ASSAY_ENOMEM;
		else
			count++;
		assay_buf_release(&one);
	}
	qsort(list, count, sizeof(*list), by_text);
	for (size_t i = 0; i < count; i++) {
		assay_buf_printf(out, "%s\n", list[i]);
		free(list[i]);
	}
	free(list);
}

void class_write(const struct class_file *class, struct assay_buf *out)
{
	struct writer w = { .class = class, .out = out,
			    .rest = assay_span_cut(class->file, class->end, SIZE_MAX) };

	assay_buf_printf(out, "Java class, its constants written out where they are used:\nversion %u.%u\n",
			 (unsigned)class_get(class->file, 6, 2), (unsigned)class_get(class->file, 4, 2));
	assay_buf_add_text(out, "class");
	write_shape(&w, "2cc", NULL);
	assay_buf_add_text(out, "\ninterfaces");
	write_shape(&w, "*(c)", NULL);
	assay_buf_add_text(out, "fields");
	write_shape(&w, "*(2ccA)", NULL);
	assay_buf_add_text(out, "methods");
	write_shape(&w, "*(2ccA)", NULL);
	assay_buf_add_text(out, "class");
	write_attributes(&w);
	if (w.rest.len) {
		assay_buf_add_text(out, "rest\n");
		class_write_bytes(w.rest, out);
	}
	assay_buf_add_text(out, "constants\n");
	write_constants(class, out);
}
