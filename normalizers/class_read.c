/* SPDX-License-Identifier: Apache-2.0 */
/* The constants of a class (JVMS 4.4). */
#include "class_read.h"

uint64_t class_get(struct assay_span s, uint64_t at, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | s.data[at + i];
	return value;
}

/* What the two numbers of a constant are: u a Utf8, c a class, n a name and type, m a field or method,
 * 1 2 a number of that many bytes. */
static const struct {
	uint8_t size; /* behind the tag; 0 = no such tag */
	char parts[3];
} shapes[CLASS_TAGS] = {
	[CLASS_UTF8] = { 2, "" },	  [CLASS_INTEGER] = { 4, "" },
	[CLASS_FLOAT] = { 4, "" },	  [CLASS_LONG] = { 8, "" },
	[CLASS_DOUBLE] = { 8, "" },	  [CLASS_CLASS] = { 2, "u" },
	[CLASS_STRING] = { 2, "u" },	  [CLASS_FIELD] = { 4, "cn" },
	[CLASS_METHOD] = { 4, "cn" },	  [CLASS_INTERFACE_METHOD] = { 4, "cn" },
	[CLASS_NAME_AND_TYPE] = { 4, "uu" }, [CLASS_METHOD_HANDLE] = { 3, "1m" },
	[CLASS_METHOD_TYPE] = { 2, "u" }, [CLASS_DYNAMIC] = { 4, "2n" },
	[CLASS_INVOKE_DYNAMIC] = { 4, "2n" }, [CLASS_MODULE] = { 2, "u" },
	[CLASS_PACKAGE] = { 2, "u" },
};

static enum assay_code read_constant(struct class_file *class, size_t index, uint64_t at,
				     struct assay_error *err)
{
	struct assay_span rest = assay_span_cut(class->file, at, SIZE_MAX);
	struct class_constant *c = &class->pool[index];
	uint64_t from = 1;
	uint16_t *parts[2] = { &c->a, &c->b };
	size_t size;

	*c = (struct class_constant){ .at = at, .tag = rest.len ? rest.data[0] : 0 };
	if (c->tag >= CLASS_TAGS || !shapes[c->tag].size)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: constant %zu: no such tag: %u",
				  (unsigned long long)at, index, c->tag);
	size = 1 + (size_t)shapes[c->tag].size;
	if (rest.len >= size && c->tag == CLASS_UTF8)
		size += class_get(rest, 1, 2);
	if (rest.len < size)
		return assay_fail(err, ASSAY_EINPUT, "offset %llu: constant %zu: cut short",
				  (unsigned long long)at, index);
	for (size_t i = 0; shapes[c->tag].parts[i]; i++) {
		unsigned bytes = shapes[c->tag].parts[i] == '1' ? 1 : 2;

		*parts[i] = (uint16_t)class_get(rest, from, bytes);
		from += bytes;
	}
	c->end = at + size;
	return ASSAY_OK;
}

static bool refers_well(const struct class_file *class, char part, uint16_t index)
{
	uint8_t tag;

	if (part == '1' || part == '2')
		return true;
	tag = index < class->count ? class->pool[index].tag : 0;
	switch (part) {
	case 'u':
		return tag == CLASS_UTF8;
	case 'c':
		return tag == CLASS_CLASS;
	case 'n':
		return tag == CLASS_NAME_AND_TYPE;
	default:
		return tag >= CLASS_FIELD && tag <= CLASS_INTERFACE_METHOD;
	}
}

enum assay_code class_read(struct assay_span file, struct assay_arena *arena, struct class_file *ret,
			   struct assay_error *err)
{
	uint64_t at = CLASS_HEAD;

	if (file.len < CLASS_HEAD)
		return assay_fail(err, ASSAY_EINPUT, "class: cut short");
	*ret = (struct class_file){ .file = file, .count = class_get(file, 8, 2) };
	ret->pool = assay_arena_alloc(arena, (ret->count + 1) * sizeof(*ret->pool));
	if (!ret->pool)
		return assay_fail(err, ASSAY_ELIMIT, "constants: out of memory or above the limit");
	for (size_t i = 1; i < ret->count; i++) {
		if (read_constant(ret, i, at, err))
			return err->code;
		at = ret->pool[i].end;
		/* they take two indices (JVMS 4.4.5) */
		if (ret->pool[i].tag == CLASS_LONG || ret->pool[i].tag == CLASS_DOUBLE)
			i++;
	}
	ret->end = at;
	for (size_t i = 1; i < ret->count; i++) {
		const struct class_constant *c = &ret->pool[i];

		if (c->tag && (!refers_well(ret, shapes[c->tag].parts[0] ? shapes[c->tag].parts[0] : '1', c->a) ||
			       (shapes[c->tag].parts[0] &&
				!refers_well(ret, shapes[c->tag].parts[1] ? shapes[c->tag].parts[1] : '1', c->b))))
			return assay_fail(err, ASSAY_EINPUT,
					  "constant %zu refers to one of another kind, or to none", i);
	}
	return ASSAY_OK;
}

struct assay_span class_utf8(const struct class_file *class, uint64_t index)
{
	if (index >= class->count || class->pool[index].tag != CLASS_UTF8)
		return assay_span_of(NULL, 0);
	return assay_span_cut(class->file, class->pool[index].at + 3,
			      class->pool[index].end - class->pool[index].at - 3);
}

/* ---- as text -------------------------------------------------------------------------------------------- */

/* Escaped so that no two strings give one text; UTF-8 is left readable. */
static void write_text(struct assay_span s, struct assay_buf *out)
{
	bool readable = assay_span_is_utf8(s);

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (c == '\\' || c == '"')
			assay_buf_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !readable))
			assay_buf_printf(out, "\\x%02x", c);
		else
			assay_buf_add(out, &c, 1);
	}
}

void class_write_bytes(struct assay_span bytes, struct assay_buf *out)
{
	for (size_t i = 0; i < bytes.len; i += 32) {
		assay_buf_add_text(out, "    bytes ");
		for (size_t k = i; k < bytes.len && k < i + 32; k++)
			assay_buf_printf(out, "%02x", bytes.data[k]);
		assay_buf_add_text(out, "\n");
	}
}

static void write_name_and_type(const struct class_file *class, uint16_t index, struct assay_buf *out)
{
	write_text(class_utf8(class, class->pool[index].a), out);
	assay_buf_add_text(out, "\":\"");
	write_text(class_utf8(class, class->pool[index].b), out);
}

static void write_member(const struct class_file *class, uint16_t index, struct assay_buf *out)
{
	const struct class_constant *c = &class->pool[index];

	write_text(class_utf8(class, class->pool[c->a].a), out);
	assay_buf_add_text(out, "\".\"");
	write_name_and_type(class, c->b, out);
}

static const char *const words[CLASS_TAGS] = {
	[CLASS_UTF8] = "utf8",
	[CLASS_INTEGER] = "int",
	[CLASS_FLOAT] = "float",
	[CLASS_LONG] = "long",
	[CLASS_DOUBLE] = "double",
	[CLASS_CLASS] = "class",
	[CLASS_STRING] = "string",
	[CLASS_FIELD] = "field",
	[CLASS_METHOD] = "method",
	[CLASS_INTERFACE_METHOD] = "interface method",
	[CLASS_NAME_AND_TYPE] = "name and type",
	[CLASS_METHOD_HANDLE] = "method handle",
	[CLASS_METHOD_TYPE] = "method type",
	[CLASS_DYNAMIC] = "dynamic",
	[CLASS_INVOKE_DYNAMIC] = "invoke dynamic",
	[CLASS_MODULE] = "module",
	[CLASS_PACKAGE] = "package",
};

void class_write_constant(const struct class_file *class, uint64_t index, struct assay_buf *out)
{
	const struct class_constant *c;

	if (index >= class->count || !class->pool[index].tag) {
		assay_buf_printf(out, "#%llu", (unsigned long long)index);
		return;
	}
	c = &class->pool[index];
	assay_buf_printf(out, "%s \"", words[c->tag]);
	switch (c->tag) {
	case CLASS_UTF8:
		write_text(class_utf8(class, index), out);
		break;
	case CLASS_INTEGER:
	case CLASS_FLOAT:
	case CLASS_LONG:
	case CLASS_DOUBLE:
		assay_buf_printf(out, "0x%llx",
				 (unsigned long long)class_get(class->file, c->at + 1,
							       (unsigned)(c->end - c->at - 1)));
		break;
	case CLASS_FIELD:
	case CLASS_METHOD:
	case CLASS_INTERFACE_METHOD:
		write_member(class, (uint16_t)index, out);
		break;
	case CLASS_NAME_AND_TYPE:
		write_name_and_type(class, (uint16_t)index, out);
		break;
	case CLASS_METHOD_HANDLE:
		assay_buf_printf(out, "%u %s ", c->a, words[class->pool[c->b].tag]);
		write_member(class, c->b, out);
		break;
	case CLASS_DYNAMIC:
	case CLASS_INVOKE_DYNAMIC:
		assay_buf_printf(out, "%u ", c->a);
		write_name_and_type(class, c->b, out);
		break;
	default:
		write_text(class_utf8(class, c->a), out);
	}
	assay_buf_add_text(out, "\"");
}
