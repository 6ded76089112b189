/* SPDX-License-Identifier: Apache-2.0 */
/* The library call: states, reasons, passes by name, times; encoders and ropes below it. */
#include "assay/normalize.h"

#include "assay/codec.h"
#include "assay/digest.h"
#include "normalizers/rope.h"
#include "pair.h"
#include "tests/fuzz/canon.h"

/* A gzip member by hand: flags, optional fields, an empty stored block of no data, sums. */
static struct assay_span gzip_file(struct assay_buf *out, uint8_t flags, const char *fields, size_t len)
{
	const uint8_t head[] = { 0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 2, 3 };
	static const uint8_t body[] = { 3, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	assay_buf_add(out, head, sizeof(head));
	assay_buf_add(out, fields, len);
	assay_buf_add(out, body, sizeof(body));
	return assay_buf_span(out);
}

/* The result; the canonical form in *out. */
static json_t *normalize(struct assay_span file, const struct assay_normalize_options *options,
			 struct assay_buf *out)
{
	int in = canon_file(file.data, file.len), made;
	json_t *result = canon_normalize(in, options, &made);
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_ptr_nonnull(result);
	assay_buf_clear(out);
	ck_assert_int_eq(lseek(made, 0, SEEK_SET), 0);
	ck_assert_int_eq(assay_buf_read_fd(out, made, &err), ASSAY_OK);
	close(in);
	close(made);
	return result;
}

static void assert_state(const json_t *result, const char *state, const char *reason)
{
	ck_assert_str_eq(assay_json_text(result, "state", ""), state);
	if (reason)
		assert_says(assay_json_text(result, "reason", ""), reason);
}

START_TEST(gzip_header)
{
	static const uint8_t want[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0 };
	struct assay_buf in = ASSAY_BUF_INIT(4096), out = ASSAY_BUF_INIT(4096);
	json_t *result = normalize(gzip_file(&in, 8, "name", 5), NULL, &out), *digest;
	struct assay_digest sum;
	char hex[ASSAY_DIGEST_TEXT];

	assert_state(result, "changed", NULL);
	ck_assert_uint_eq(out.len, sizeof(want) + 8);
	ck_assert_mem_eq(out.data, want, sizeof(want));
	digest = json_object_get(json_object_get(result, "canonical"), "digest");
	assay_digest_span(assay_buf_span(&out), &sum);
	ck_assert_str_eq(assay_json_text(digest, "sha256", ""), assay_digest_hex(&sum, hex));
	json_decref(result);
	assay_buf_clear(&in);
	assay_buf_add(&in, out.data, out.len);
	result = normalize(assay_buf_span(&in), NULL, &out);
	assert_state(result, "canonical", NULL);
	json_decref(result);
	assay_buf_release(&in);
	assay_buf_release(&out);
}
END_TEST

/* A name that leads elsewhere is never folded, so it stays; a comment goes only when asked for. */
START_TEST(gzip_fields_that_stay)
{
	static const char *const unsafe[] = { "gzip-comment", NULL };
	struct assay_normalize_options options = { .unsafe = unsafe };
	struct assay_buf in = ASSAY_BUF_INIT(4096), out = ASSAY_BUF_INIT(4096);
	json_t *result = normalize(gzip_file(&in, 8, "../x", 5), NULL, &out), *passes;

	ck_assert_int_eq(out.data[3], 8);
	ck_assert_str_eq(out.data + 10, "../x");
	json_decref(result);
	assay_buf_clear(&in);
	result = normalize(gzip_file(&in, 16, "free", 5), NULL, &out);
	ck_assert_int_eq(out.data[3], 16);
	json_decref(result);
	result = normalize(assay_buf_span(&in), &options, &out);
	ck_assert_int_eq(out.data[3], 0);
	passes = json_object_get(result, "passes");
	ck_assert(assay_json_bool(json_array_get(passes, json_array_size(passes) - 1), "unsafe"));
	json_decref(result);
	assay_buf_release(&in);
	assay_buf_release(&out);
}
END_TEST

START_TEST(what_is_left_alone)
{
	struct assay_buf in = ASSAY_BUF_INIT(4096), out = ASSAY_BUF_INIT(4096);
	json_t *result;

	gzip_file(&in, 0, "", 0);
	assay_buf_add(&in, "x", 1);
	result = normalize(assay_buf_span(&in), NULL, &out);
	assert_state(result, "kept", "ambiguous: 1 bytes behind the last member");
	ck_assert_uint_eq(out.len, 0);
	json_decref(result);
	assay_buf_clear(&in);
	gzip_file(&in, 0, "", 0);
	in.data[12] ^= 1; /* the sum */
	result = normalize(assay_buf_span(&in), NULL, &out);
	assert_state(result, "kept", "malformed gzip");
	json_decref(result);
	result = normalize(assay_span_text("plain text\n"), NULL, &out);
	assert_state(result, "canonical", NULL);
	ck_assert_str_eq(assay_json_text(result, "format", ""), "text");
	ck_assert_str_eq(assay_buf_text(&out), "plain text\n");
	json_decref(result);
	assay_buf_release(&in);
	assay_buf_release(&out);
}
END_TEST

START_TEST(times)
{
	static const char pyc[] = "\x6f\x0d\r\n\0\0\0\0\0\x10\x5e\x5f\1\0\0\0\xe3" "code";
	static const char *const skip[] = { "pyc-mtime", NULL };
	/* the time in it, 0x5f5e1000, is of 2020: behind the first epoch and before the second */
	const struct {
		struct assay_normalize_options options;
		uint32_t want;
	} cases[] = {
		{ { .spill_fd = -1 }, ASSAY_CANONICAL_TIME },
		{ { .has_epoch = true, .epoch = 1000 }, 1000 },
		{ { .has_epoch = true, .epoch = 1900000000 }, 0x5f5e1000 },
		{ { .skip = skip }, 0x5f5e1000 },
	};
	struct assay_buf out = ASSAY_BUF_INIT(4096);

	for (size_t i = 0; i < 4; i++) {
		json_t *result = normalize(assay_span_of(pyc, sizeof(pyc) - 1), &cases[i].options, &out);
		uint32_t have;

		memcpy(&have, out.data + 8, 4);
		ck_assert_uint_eq(have, cases[i].want);
		json_decref(result);
	}
	assay_buf_release(&out);
}
END_TEST

START_TEST(passes_by_name)
{
	json_t *object = assay_normalize_passes(), *pass;
	size_t i;

	ck_assert_uint_gt(json_array_size(json_object_get(object, "passes")), 30);
	json_array_foreach(json_object_get(object, "passes"), i, pass)
		ck_assert_uint_gt(json_array_size(json_object_get(pass, "fields")), 0);
	json_decref(object);
	ck_assert_ptr_null(assay_normalize_refuses("tar-mtime", false));
	ck_assert_ptr_null(assay_normalize_refuses("zip-comment", true));
	assert_says(assay_normalize_refuses("tar-mtime", true), "not unsafe");
	assert_says(assay_normalize_refuses("zip-comment", false), "is unsafe");
	assert_says(assay_normalize_refuses("zip-dialect", false), "written one way");
	assert_says(assay_normalize_refuses("nothing", false), "no such pass");
}
END_TEST

/* ---- encoders -------------------------------------------------------------------------------------- */

struct pipe {
	struct assay_span left;
	size_t step;
	struct assay_buf out;
};

static enum assay_code pull(void *data, struct assay_span *ret, struct assay_error *err)
{
	struct pipe *pipe = data;

	(void)err;
	*ret = assay_span_cut(pipe->left, 0, pipe->step);
	pipe->left = assay_span_cut(pipe->left, ret->len, SIZE_MAX);
	return ASSAY_OK;
}

static enum assay_code push(void *data, struct assay_span bytes, struct assay_error *err)
{
	struct pipe *pipe = data;

	assay_buf_add_span(&pipe->out, bytes);
	return assay_buf_check(&pipe->out, "pipe", err);
}

/* The same unit whatever the pieces, and the payload back. */
START_TEST(encoder_round_trip)
{
	static const enum assay_codec codecs[] = { ASSAY_CODEC_DEFLATE, ASSAY_CODEC_ZLIB, ASSAY_CODEC_XZ,
						   ASSAY_CODEC_ZSTD, ASSAY_CODEC_BZIP2 };
	struct assay_codec_space space = { .spill_fd = -1, .max = 64 * ASSAY_MIB };
	struct assay_error err = ASSAY_ERROR_INIT;
	char data[50000], name[96];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * i >> 7);
	for (size_t size = 0; size <= sizeof(data); size += 25000) {
		struct pipe pipes[2] = { { .step = 977, .out = ASSAY_BUF_INIT(1 << 20) },
					 { .step = SIZE_MAX, .out = ASSAY_BUF_INIT(1 << 20) } };
		struct assay_decoded decoded;
		struct assay_sink sink;
		struct assay_span encoded;
		uint64_t consumed;

		for (size_t i = 0; i < 2; i++) {
			struct assay_encode io = { pull, push, &pipes[i], size };

			pipes[i].left = assay_span_of(data, size);
			ck_assert_msg(!assay_codec_encode(codecs[_i], &io, &err), "%s", err.msg);
		}
		ck_assert(assay_span_equal(assay_buf_span(&pipes[0].out), assay_buf_span(&pipes[1].out)));
		encoded = assay_buf_span(&pipes[0].out);
		assay_sink_open(&sink, &space, encoded.len, 0);
		ck_assert_int_eq(assay_codec_decode(codecs[_i], &encoded, 1, &sink, &consumed, &err),
				 ASSAY_OK);
		ck_assert_int_eq(assay_sink_close(&sink, &decoded, &err), ASSAY_OK);
		ck_assert_uint_eq(consumed, encoded.len);
		ck_assert(assay_span_equal(decoded.bytes, assay_span_of(data, size)));
		assay_decoded_release(&decoded);
		assay_buf_release(&pipes[0].out);
		assay_buf_release(&pipes[1].out);
	}
	ck_assert_ptr_nonnull(strstr(assay_codec_encoder(codecs[_i], name, sizeof(name)), " "));
}
END_TEST

/* ---- ropes ----------------------------------------------------------------------------------------- */

START_TEST(rope_of_both_kinds)
{
	static const char source[] = "abcdef";
	struct assay_scratch scratch = ASSAY_SCRATCH_INIT(canon_file(NULL, 0), 300000);
	struct assay_rope rope = ASSAY_ROPE_INIT, other = ASSAY_ROPE_INIT;
	struct assay_error err = ASSAY_ERROR_INIT;
	char *large = malloc(200000), *whole = malloc(200016);
	bool same;

	memset(large, 'L', 200000);
	ck_assert(large && whole);
	ck_assert_int_eq(assay_rope_add(&rope, assay_span_of(source, 2), &err), ASSAY_OK);
	ck_assert_int_eq(assay_rope_add(&rope, assay_span_of(source + 2, 1), &err), ASSAY_OK);
	ck_assert_uint_eq(rope.count, 1); /* one piece of the source */
	ck_assert_int_eq(assay_rope_make(&rope, &scratch, assay_span_text("12"), &err), ASSAY_OK);
	ck_assert_int_eq(assay_rope_make(&other, &scratch, assay_span_of(large, 200000), &err), ASSAY_OK);
	ck_assert_int_eq(assay_rope_join(&rope, &other, &err), ASSAY_OK);
	ck_assert_uint_eq(rope.count, 2); /* made one after the other */
	ck_assert_int_eq(assay_rope_add(&rope, assay_span_of(source + 3, 3), &err), ASSAY_OK);
	ck_assert_uint_eq(rope.size, 200008);
	memcpy(whole, "abc12", 5);
	memcpy(whole + 5, large, 200000);
	memcpy(whole + 200005, "def", 3);
	ck_assert_int_eq(assay_rope_equals(&rope, &scratch, assay_span_of(whole, 200008), &same, &err),
			 ASSAY_OK);
	ck_assert(same);
	whole[100000] ^= 1;
	ck_assert_int_eq(assay_rope_equals(&rope, &scratch, assay_span_of(whole, 200008), &same, &err),
			 ASSAY_OK);
	ck_assert(!same);
	ck_assert_int_eq(assay_rope_make(&rope, &scratch, assay_span_of(large, 100000), &err),
			 ASSAY_ELIMIT);
	assay_rope_release(&rope);
	assay_scratch_release(&scratch);
	close(scratch.fd);
	free(large);
	free(whole);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, gzip_header);
	tcase_add_test(tcase, gzip_fields_that_stay);
	tcase_add_test(tcase, what_is_left_alone);
	tcase_add_test(tcase, times);
	tcase_add_test(tcase, passes_by_name);
	tcase_add_loop_test(tcase, encoder_round_trip, 0, 5);
	tcase_add_test(tcase, rope_of_both_kinds);
}

int main(void)
{
	return run_suite("normalize", add_tests);
}
