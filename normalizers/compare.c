/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay_compare(): two descriptors in, one report object out.  Equal bytes end it at once; everything
 * else is the walk's, and the verdict is drawn from what the walk wrote down.
 */
#include "assay/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/archive_late.h"
#include "assay/cleanup.h"
#include "assay/digest.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/textdiff.h"
#include "assay/verdict.h"
#include "directory.h"
#include "elf_instructions.h"
#include "sums.h"
#include "walk.h"

enum assay_code assay_spill_open(int *ret_fd, struct assay_error *err)
{
	const char *directory = getenv("TMPDIR");
	int fd;

	if (!directory || !*directory)
		directory = "/var/tmp";
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/assay-spill-XXXXXX", directory);
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	if (fd < 0)
		return assay_fail_errno(err, "temporary file in %s", directory);
	*ret_fd = fd;
	return ASSAY_OK;
}

/* ---- the two files ---------------------------------------------------------------------------- */

struct hashing {
	struct assay_span bytes;
	struct assay_digest digest;
};

static void *hash_main(void *data)
{
	struct hashing *hashing = data;

	assay_digest_span(hashing->bytes, &hashing->digest);
	return NULL;
}

/* Equal files are hashed once, beside the comparison of their bytes. */
static bool equal_and_hashed(struct hashing hashing[2], bool two_threads)
{
	pthread_t thread;
	bool started, equal;

	started = two_threads && hashing[0].bytes.len >= ASSAY_MIB &&
		  pthread_create(&thread, NULL, hash_main, &hashing[0]) == 0;
	if (!started)
		hash_main(&hashing[0]);
	equal = assay_span_equal(hashing[0].bytes, hashing[1].bytes);
	if (equal && started)
		pthread_join(thread, NULL);
	if (equal) {
		hashing[1].digest = hashing[0].digest;
		return true;
	}
	hash_main(&hashing[1]);
	if (started)
		pthread_join(thread, NULL);
	return false;
}

static json_t *file_json(const struct assay_side *side, const struct hashing *hashing)
{
	json_t *object = assay_json_object(), *digest = assay_json_object();
	char hex[ASSAY_DIGEST_TEXT];

	assay_json_set_text(object, "name", side->name ? side->name : "");
	assay_json_set_int(object, "size", (int64_t)hashing->bytes.len);
	assay_json_set_text(digest, "sha256", assay_digest_hex(&hashing->digest, hex));
	assay_json_set(object, "digest", digest);
	return object;
}

static json_t *directory_json(const struct assay_side *side)
{
	json_t *object = assay_json_object();

	assay_json_set_text(object, "name", side->name ? side->name : "");
	assay_json_set_text(object, "type", "directory");
	return object;
}

/* ---- the verdict ------------------------------------------------------------------------------- */

static void passes_text(const json_t *passes, char *out, size_t size)
{
	size_t i, used = 0;
	json_t *pass;

	out[0] = '\0';
	json_array_foreach(passes, i, pass)
		if (used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
						 assay_json_text(pass, "name", ""));
}

static void reason_text(const struct assay_walk *walk, const struct assay_ledger_sums *sums,
			const json_t *passes, enum assay_verdict verdict, char *out, size_t size)
{
	char names[512];

	if (verdict == ASSAY_REPRODUCIBLE)
		snprintf(out, size, "bit for bit identical");
	else if (verdict == ASSAY_EQUIVALENT) {
		passes_text(passes, names, sizeof(names));
		snprintf(out, size, "identical after %s", names);
	} else if (walk->truncated || walk->ledger.truncated)
		snprintf(out, size, "differs, and not everything could be compared: %s",
			 walk->truncated ? walk->why_truncated : "too many differences to list");
	else if (!sums->all_folded)
		snprintf(out, size, "%zu difference%s; the gravest: %s", sums->records,
			 sums->records == 1 ? "" : "s", sums->worst ? sums->worst : "");
	else
		snprintf(out, size,
			 "safe passes explain every difference, but the structure of %s side is not "
			 "canonical",
			 walk->structure[0][0] ? (walk->structure[1][0] ? "either" : "the left") :
						 "the right");
}

/* Equivalent asks for all of it: every difference folded, both structures canonical, nothing cut. */
static enum assay_verdict judge(const struct assay_walk *walk, const struct assay_ledger_sums *sums)
{
	bool canonical = !walk->structure[0][0] && !walk->structure[1][0];

	if (sums->records == 0 && !walk->truncated && !walk->ledger.truncated)
		return ASSAY_REPRODUCIBLE;
	return sums->all_folded && canonical && !walk->truncated && !walk->ledger.truncated ?
		       ASSAY_EQUIVALENT :
		       ASSAY_DIVERGENT;
}

static void set_structure(json_t *report, const struct assay_walk *walk, bool examined)
{
	json_t *structure = assay_json_object();
	static const char *const keys[] = { "left", "right" };

	for (size_t i = 0; i < 2; i++)
		assay_json_set_text(structure, keys[i],
				    !examined		       ? "not examined" :
				    walk->structure[i][0] ? walk->structure[i] :
								 "canonical");
	assay_json_set(report, "structure", structure);
}

/* A fact of its own, beside what differs: a signature vouches for bytes that a rebuild cannot sign. */
static void set_signed(json_t *report, const struct assay_walk *walk)
{
	static const char *const keys[] = { "left", "right" };
	json_t *object;

	if (!walk->signature[0][0] && !walk->signature[1][0])
		return;
	object = assay_json_object();
	for (size_t i = 0; i < 2; i++)
		if (walk->signature[i][0])
			assay_json_set_text(object, keys[i], walk->signature[i]);
	assay_json_set(report, "signed", object);
}

static json_t *write_report(struct assay_walk *walk, json_t *subject, json_t *candidate)
{
	json_t *report = assay_json_object(), *accounting = assay_json_object(), *passes;
	struct assay_ledger_sums sums;
	enum assay_verdict verdict;
	char reason[2048];

	assay_ledger_close(&walk->ledger, &sums);
	verdict = judge(walk, &sums);
	passes = assay_ledger_passes(&walk->ledger);
	reason_text(walk, &sums, passes, verdict, reason, sizeof(reason));
	assay_json_set_text(report, "schema", "assay.report/1");
	assay_json_set_text(report, "verdict", assay_verdict_name(verdict));
	assay_json_set_text(report, "reason", reason);
	assay_json_set(report, "subject", subject);
	assay_json_set(report, "candidate", candidate);
	if (verdict == ASSAY_EQUIVALENT)
		assay_json_set_text(report, "grade", assay_grade_name(sums.grade));
	assay_json_set_int(accounting, "bytes_different", (int64_t)sums.different);
	assay_json_set_int(accounting, "bytes_explained", (int64_t)sums.explained);
	assay_json_set_int(accounting, "bytes_unexplained", (int64_t)sums.unexplained);
	assay_json_set(report, "accounting", accounting);
	assay_json_set(report, "divergences", assay_ledger_divergences(&walk->ledger));
	assay_json_set(report, "passes", passes);
	set_structure(report, walk, verdict != ASSAY_REPRODUCIBLE);
	set_signed(report, walk);
	assay_json_set_bool(report, "truncated", walk->truncated || walk->ledger.truncated);
	return report;
}

/* ---- the two kinds of pairs --------------------------------------------------------------------- */

static void walk_init(struct assay_walk *walk, const struct assay_side *left,
		      const struct assay_side *right, const struct assay_compare_options *options)
{
	*walk = (struct assay_walk){ .sides = { left, right } };
	for (size_t i = 0; i < 2; i++)
		walk->spaces[i] = (struct assay_codec_space){
			.spill_fd = options ? options->spill_fd[i] : -1,
			.max = ASSAY_MAX_DECODED,
		};
	walk->two_threads = options && options->threads == 2;
	assay_ledger_init(&walk->ledger);
}

static void walk_release(struct assay_walk *walk)
{
	assay_ledger_release(&walk->ledger);
	free(walk->pending);
}

/* Two lists of digests are compared as the sets they stand for. */
static enum assay_code compare_bytes(struct assay_walk *walk, struct assay_span left,
				     struct assay_span right, struct assay_error *err)
{
	struct assay_sums l, r = { .count = 0 };
	enum assay_code code;

	if (assay_sums_parse(left, &l) && assay_sums_parse(right, &r) && l.digits == r.digits)
		code = assay_sums_compare(walk, &l, &r, err);
	else
		code = assay_walk_content(walk, NULL, left, right, err);
	assay_sums_release(&l);
	assay_sums_release(&r);
	return code;
}

static enum assay_code compare_files(struct assay_walk *walk, json_t **ret, struct assay_error *err)
{
	assay_auto(assay_map_release) struct assay_map left = { 0 };
	assay_auto(assay_map_release) struct assay_map right = { 0 };
	struct hashing hashing[2] = { 0 };

	if (assay_map_fd(walk->sides[0]->fd, &left, err))
		return assay_context(err, "%s", walk->sides[0]->name);
	if (assay_map_fd(walk->sides[1]->fd, &right, err))
		return assay_context(err, "%s", walk->sides[1]->name);
	hashing[0].bytes = left.bytes;
	hashing[1].bytes = right.bytes;
	if (!equal_and_hashed(hashing, walk->two_threads)) {
		if (compare_bytes(walk, left.bytes, right.bytes, err))
			return err->code;
		if (walk->recorded == 0)
			return assay_fail(err, ASSAY_EBUG,
					  "the files differ and nothing was recorded");
	}
	*ret = write_report(walk, file_json(walk->sides[0], &hashing[0]),
			    file_json(walk->sides[1], &hashing[1]));
	return ASSAY_OK;
}

static enum assay_code compare_directories(struct assay_walk *walk, json_t **ret,
					   struct assay_error *err)
{
	if (assay_directory_compare(walk, walk->sides[0]->fd, walk->sides[1]->fd, err))
		return err->code;
	*ret = write_report(walk, directory_json(walk->sides[0]), directory_json(walk->sides[1]));
	return ASSAY_OK;
}

/* One of the two is a directory, the other a list of what should be in it. */
static enum assay_code check_directory(struct assay_walk *walk, bool list_is_left, json_t **ret,
				       struct assay_error *err)
{
	const struct assay_side *list = walk->sides[!list_is_left], *directory = walk->sides[list_is_left];
	struct hashing hashing = { .bytes = { NULL, 0 } };
	struct assay_map map = { 0 };
	json_t *sides[2];

	if (assay_sums_check(walk, list->fd, directory->fd, list_is_left, err) ||
	    assay_map_fd(list->fd, &map, err))
		return assay_context(err, "%s and %s", walk->sides[0]->name, walk->sides[1]->name);
	hashing.bytes = map.bytes;
	hash_main(&hashing);
	sides[!list_is_left] = file_json(list, &hashing);
	sides[list_is_left] = directory_json(directory);
	assay_map_release(&map);
	*ret = write_report(walk, sides[0], sides[1]);
	if (!walk->recorded)
		assay_json_set_text(*ret, "reason", "every file has the SHA-256 that the list gives");
	return ASSAY_OK;
}

/* ---- without a jail ----------------------------------------------------------------------------- */

static bool read_all(int fd, size_t size, struct assay_buf *buf)
{
	uint8_t block[16 * ASSAY_KIB];
	ssize_t got;

	while (buf->len < size) {
		got = pread(fd, block, sizeof(block), (off_t)buf->len);
		if (got <= 0)
			return false;
		assay_buf_add(buf, block, (size_t)got);
	}
	return !buf->failed && buf->len == size;
}

/* Read, not mapped: another process may cut the files short.  What cannot be read is left to the jail's words. */
enum assay_code assay_compare_identical(const struct assay_side *left, const struct assay_side *right,
					json_t **ret, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf a = ASSAY_BUF_INIT(2 * ASSAY_MAX_SMALL);
	assay_auto(assay_buf_release) struct assay_buf b = ASSAY_BUF_INIT(2 * ASSAY_MAX_SMALL);
	struct hashing hashing = { .bytes = { NULL, 0 } };
	struct assay_walk walk;
	struct stat l, r;

	*ret = NULL;
	if (fstat(left->fd, &l))
		return assay_fail_errno(err, "%s", left->name);
	if (fstat(right->fd, &r))
		return assay_fail_errno(err, "%s", right->name);
	if (!S_ISREG(l.st_mode) || !S_ISREG(r.st_mode) || l.st_size != r.st_size ||
	    (uint64_t)l.st_size > ASSAY_MAX_SMALL ||
	    !read_all(left->fd, (size_t)l.st_size, &a) || !read_all(right->fd, (size_t)r.st_size, &b) ||
	    !assay_span_equal(assay_buf_span(&a), assay_buf_span(&b)))
		return ASSAY_OK;
	hashing.bytes = assay_buf_span(&a);
	hash_main(&hashing);
	walk_init(&walk, left, right, NULL);
	*ret = write_report(&walk, file_json(left, &hashing), file_json(right, &hashing));
	walk_release(&walk);
	return ASSAY_OK;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

enum assay_code assay_compare_prepare(int fd, struct assay_error *err)
{
	static const struct {
		const char *magic;
		enum assay_code (*load)(struct assay_error *err);
	} wants[] = {
		{ "7z\xbc\xaf\x27\x1c", archive_late_load },
		{ "MSCF", archive_late_load },
		{ "\x7f"
		  "ELF", assay_elf_instructions_prepare },
		/* packages and static libraries: what matters in them is code */
		{ "!<arch>\n", assay_elf_instructions_prepare },
	};
	char head[8] = { 0 };

	if (pread(fd, head, sizeof(head), 0) < 4)
		return ASSAY_OK; /* a directory, or too short */
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		if (memcmp(head, wants[i].magic, strlen(wants[i].magic)) == 0)
			return wants[i].load(err);
	return ASSAY_OK;
}

enum assay_code assay_compare_prepare_all(struct assay_error *err)
{
	return assay_text_diff_prepare(err) ? err->code : assay_elf_instructions_prepare(err);
}

enum assay_code assay_compare(const struct assay_side *left, const struct assay_side *right,
			      const struct assay_compare_options *options, json_t **ret,
			      struct assay_error *err)
{
	struct assay_walk walk;
	struct stat l, r;
	enum assay_code code;

	if (fstat(left->fd, &l))
		return assay_fail_errno(err, "%s", left->name);
	if (fstat(right->fd, &r))
		return assay_fail_errno(err, "%s", right->name);
	walk_init(&walk, left, right, options);
	if (S_ISDIR(l.st_mode) != S_ISDIR(r.st_mode))
		code = check_directory(&walk, S_ISDIR(r.st_mode), ret, err);
	else
		code = S_ISDIR(l.st_mode) ? compare_directories(&walk, ret, err) :
					    compare_files(&walk, ret, err);
	walk_release(&walk);
	return code;
}
