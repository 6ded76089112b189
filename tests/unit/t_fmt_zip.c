/* SPDX-License-Identifier: Apache-2.0 */
/* zip: each pair of the attack matrix that other tools called equal, and what may be folded. */
#include <zlib.h>

#include "pair.h"

struct entry {
	const char *name, *data;
	const char *local_name; /* NULL: as name */
	const char *extra;
	size_t extra_len;
	unsigned mode, host, date, method, flags;
	bool local_only, central_twice, bad_crc;
};

struct writer {
	struct assay_buf out, central;
	unsigned count;
};

static void put(struct assay_buf *b, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		char c = (char)(value >> (8 * i));

		assay_buf_add(b, &c, 1);
	}
}

static size_t pack(const struct entry *e, char *out, size_t room)
{
	z_stream z = { 0 };
	size_t len = strlen(e->data);

	if (e->method == 0) {
		memcpy(out, e->data, len);
		return len;
	}
	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, 0), Z_OK);
	z.next_in = (Bytef *)e->data;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static void common(struct assay_buf *b, const struct entry *e, size_t packed, const char *name)
{
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)e->data, (uInt)strlen(e->data));

	put(b, 20, 2);
	put(b, e->flags, 2);
	put(b, e->method, 2);
	put(b, 0, 2);
	put(b, e->date ? e->date : 0x5021, 2);
	put(b, e->bad_crc ? ~crc : crc, 4);
	put(b, packed, 4);
	put(b, strlen(e->data), 4);
	put(b, strlen(name), 2);
	put(b, e->extra_len, 2);
}

static void add(struct writer *w, const struct entry *e)
{
	const char *local = e->local_name ? e->local_name : e->name;
	size_t offset = w->out.len, packed;
	char data[4096];

	packed = pack(e, data, sizeof(data));
	put(&w->out, 0x04034b50, 4);
	common(&w->out, e, packed, local);
	assay_buf_add_text(&w->out, local);
	assay_buf_add(&w->out, e->extra, e->extra_len);
	assay_buf_add(&w->out, data, packed);
	for (int i = 0; i < (e->local_only ? 0 : e->central_twice ? 2 : 1); i++) {
		put(&w->central, 0x02014b50, 4);
		put(&w->central, 20, 1);
		put(&w->central, e->host, 1);
		common(&w->central, e, packed, e->name);
		put(&w->central, 0, 6); /* comment, disk, internal attributes */
		put(&w->central, (uint64_t)e->mode << 16, 4);
		put(&w->central, offset, 4);
		assay_buf_add_text(&w->central, e->name);
		assay_buf_add(&w->central, e->extra, e->extra_len);
		w->count++;
	}
}

static void finish(struct writer *w, const char *comment)
{
	size_t at = w->out.len;

	assay_buf_add_span(&w->out, assay_buf_span(&w->central));
	put(&w->out, 0x06054b50, 4);
	put(&w->out, 0, 4);
	put(&w->out, w->count, 2);
	put(&w->out, w->count, 2);
	put(&w->out, w->central.len, 4);
	put(&w->out, at, 4);
	put(&w->out, strlen(comment), 2);
	assay_buf_add_text(&w->out, comment);
}

static void writer_release(struct writer *w)
{
	assay_buf_release(&w->out);
	assay_buf_release(&w->central);
}

#define ZIP(name)                                                                                  \
	assay_auto(writer_release) struct writer name = { ASSAY_BUF_INIT(ASSAY_MIB),                \
							  ASSAY_BUF_INIT(ASSAY_MIB), 0 }

#define PLAIN .name = "good.py", .data = "print('a script, said twice: a script')", .mode = 0100644, \
	      .host = 3, .method = 8
#define TIME_EXTRA .extra = "UT\5\0\1\0\0\0\5", .extra_len = 9

static const struct entry plain = { PLAIN };

static void make(struct writer *w, const struct entry *e)
{
	static const struct entry first = { .name = "first", .data = "1", .mode = 0100644, .host = 3 };

	add(w, &first);
	add(w, e);
	finish(w, "");
}

static const struct {
	struct entry changed;
	const char *want;
} changes[] = {
	{ { PLAIN, .date = 0x5822 }, "equivalent: zip-mtime" },
	{ { PLAIN, TIME_EXTRA }, "equivalent" },
	{ { .name = "good.py", .data = "print('a script, said twice: a script')", .mode = 0100644,
	    .host = 3, .method = 0 },
	  "equivalent: zip-recompress" },
	{ { .name = "good.py", .data = "print('a script, said twice: a script')", .mode = 0100644,
	    .host = 0, .method = 8 },
	  "equivalent: zip-creator" },
	{ { .name = "good.py", .data = "print('a script, said twice: a script')", .mode = 0100664,
	    .host = 3, .method = 8 },
	  "divergent" }, /* no umask takes a bit from one member only */
	{ { .name = "good.py", .data = "print('a script, said twice: a script')", .mode = 0104644,
	    .host = 3, .method = 8 },
	  "divergent" },
	{ { .name = "good.py", .data = "print('a script, said twice: a script')", .mode = 0100755,
	    .host = 3, .method = 8 },
	  "divergent" },
	{ { .name = "good.py", .data = "print('a script, said twice: a script')", .mode = 0120777,
	    .host = 3, .method = 8 },
	  "divergent" },
	{ { .name = "good.py", .data = "print('a script, said thrice')", .mode = 0100644, .host = 3,
	    .method = 8 },
	  "divergent" },
	{ { PLAIN, .local_name = "evil.py" }, "divergent" },
	{ { PLAIN, .central_twice = true }, "divergent" },
	{ { PLAIN, .local_only = true }, "divergent" },
	{ { PLAIN, .bad_crc = true }, "divergent" },
	{ { PLAIN, .flags = 1 }, "divergent" },
	{ { PLAIN, .extra = "up\14\0\1\0\0\0\0evil.py", .extra_len = 16 }, "divergent" },
	{ { PLAIN, .extra = "zz\1\0a", .extra_len = 5 }, "divergent" },
};

START_TEST(changes_of_a_member)
{
	ZIP(left);
	ZIP(right);

	make(&left, &plain);
	make(&right, &changes[_i].changed);
	assert_says(pair_verdict_bufs(&left.out, &right.out), changes[_i].want);
	assert_says(pair_verdict_bufs(&right.out, &left.out), changes[_i].want);
}
END_TEST

static const struct {
	struct entry entry;
	const char *want;
} structures[] = {
	{ { PLAIN }, "zip canonical" },
	{ { PLAIN, TIME_EXTRA }, "zip canonical" },
	{ { PLAIN, .local_name = "evil.py" }, "names in the local and the central header" },
	{ { PLAIN, .local_name = "evil" }, "names in the local and the central header" },
	{ { PLAIN, .local_only = true }, "no member claims" },
	{ { PLAIN, .central_twice = true }, "overlap" },
	{ { PLAIN, .extra = "up\14\0\1\0\0\0\0evil.py", .extra_len = 16 }, "Unicode path" },
	{ { PLAIN, .extra = "zz\0\0zz\0\0", .extra_len = 8 }, "comes twice" },
	{ { PLAIN, .extra = "z", .extra_len = 1 }, "behind the extra fields" },
	{ { .name = "first", .data = "2", .host = 3 }, "comes twice" },
	{ { .name = "dir/", .data = "2", .host = 3 }, "with data" },
};

START_TEST(structure)
{
	ZIP(zip);

	make(&zip, &structures[_i].entry);
	assert_says(structure_of(assay_buf_span(&zip.out)), structures[_i].want);
}
END_TEST

START_TEST(what_stands_around_the_archive)
{
	assay_auto(assay_buf_release) struct assay_buf prefixed = ASSAY_BUF_INIT(ASSAY_MIB);
	ZIP(zip);
	ZIP(comment);
	ZIP(two);

	make(&zip, &plain);
	assay_buf_add_text(&prefixed, "dex\n035");
	assay_buf_add_span(&prefixed, assay_buf_span(&zip.out));
	assert_says(structure_of(assay_buf_span(&prefixed)), "bytes in front of the archive");
	assert_says(pair_verdict_bufs(&zip.out, &prefixed), "divergent");

	add(&comment, &plain);
	finish(&comment, "payload");
	add(&two, &plain);
	finish(&two, "");
	assert_says(pair_verdict_bufs(&comment.out, &two.out), "divergent");

	assay_buf_add_text(&zip.out, "x");
	assert_says(structure_of(assay_buf_span(&zip.out)), "1 bytes behind the archive");
}
END_TEST

START_TEST(order_and_what_must_come_first)
{
	struct entry manifest = plain, a = plain, b = plain;
	ZIP(left);
	ZIP(right);
	ZIP(jar);
	ZIP(other);

	manifest.name = "META-INF/MANIFEST.MF";
	a.name = "a";
	b.name = "b";
	add(&left, &a);
	add(&left, &b);
	finish(&left, "");
	add(&right, &b);
	add(&right, &a);
	finish(&right, "");
	assert_says(pair_verdict_bufs(&left.out, &right.out), "equivalent: zip-order");
	add(&jar, &manifest);
	add(&jar, &a);
	add(&jar, &b);
	finish(&jar, "");
	add(&other, &a);
	add(&other, &b);
	add(&other, &manifest);
	finish(&other, "");
	assert_says(pair_verdict_bufs(&jar.out, &other.out), "divergent");
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, changes_of_a_member, 0, sizeof(changes) / sizeof(changes[0]));
	tcase_add_loop_test(tcase, structure, 0, sizeof(structures) / sizeof(structures[0]));
	tcase_add_test(tcase, what_stands_around_the_archive);
	tcase_add_test(tcase, order_and_what_must_come_first);
}

int main(void)
{
	return run_suite("zip", add_tests);
}
