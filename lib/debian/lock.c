/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an environment lock.  There is one text for one lock: what the reader accepts, the
 * writer gives back byte for byte, so that the digest of the text names the set.
 */
#include <inttypes.h>

#include "assay/deb822.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "debian_int.h"

#define MAGIC "assay-lock 2"
#define END "end "

int debian_file_compare(const void *a, const void *b)
{
	const struct assay_debian_file *x = a, *y = b;
	int order;

	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	order = strcmp(x->package, y->package);
	if (!order)
		order = strcmp(x->version, y->version);
	return order ? order : strcmp(x->architecture, y->architecture);
}

static void write_body(const struct assay_lock *lock, struct assay_buf *out)
{
	char hex[ASSAY_DIGEST_TEXT];

	assay_buf_printf(out,
			 MAGIC "\nsuite %s\narchitecture %s\nusr %s\nepoch %" PRId64 "\n",
			 lock->suite, lock->architecture, lock->usr_is_split ? "split" : "merged",
			 lock->epoch);
	for (size_t i = 0; i < lock->package_count; i++) {
		const struct assay_debian_file *p = &lock->packages[i];

		assay_buf_printf(out, "%u %s %s %s %s %" PRIu64 " %s\n", p->stage, p->package,
				 p->version, p->architecture, assay_digest_hex(&p->sha256, hex),
				 p->size, p->pool);
	}
}

void assay_lock_write(const struct assay_lock *lock, struct assay_buf *out)
{
	char hex[ASSAY_DIGEST_TEXT];

	write_body(lock, out);
	assay_buf_printf(out, END "%s\n", assay_digest_hex(&lock->digest, hex));
}

enum assay_code debian_lock_seal(struct assay_lock *lock, struct assay_error *err)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_LOCK);
	enum assay_code code;

	write_body(lock, &text);
	code = assay_buf_check(&text, "environment lock", err);
	if (!code)
		assay_digest_span(assay_buf_span(&text), &lock->digest);
	assay_buf_release(&text);
	return code;
}

void assay_lock_release(struct assay_lock *lock)
{
	assay_arena_release(&lock->arena);
	*lock = (struct assay_lock){ 0 };
}

static enum assay_code read_header(struct assay_lock *lock, struct assay_span *rest,
				   const char *name, const char **ret, struct assay_error *err)
{
	struct assay_span line, word;
	char shown[80];

	if (!assay_span_next_line(rest, &line))
		line = (struct assay_span){ NULL, 0 };
	word = assay_span_cut(line, strlen(name), line.len);
	if (!assay_span_starts(line, name) || !assay_span_starts(word, " ") || word.len > 64)
		return assay_fail(err, ASSAY_EINPUT, "want \"%s ...\", have \"%s\"", name,
				  assay_span_show(line, shown, sizeof(shown)));
	*ret = assay_arena_text(&lock->arena, assay_span_cut(word, 1, word.len));
	return *ret ? ASSAY_OK : assay_fail(err, ASSAY_ENOMEM, "environment lock: out of memory");
}

static bool is_pool_path(struct assay_span path)
{
	for (size_t i = 0; i < path.len; i++)
		if (path.data[i] <= 0x20 || path.data[i] >= 0x7f || path.data[i] == '\\')
			return false;
	return assay_path_is_contained(path) && assay_span_ends(path, ".deb");
}

static bool parse_package(struct assay_lock *lock, struct assay_span line,
			  struct assay_debian_file *ret)
{
	struct assay_span word[7], extra;
	uint64_t stage;

	for (size_t i = 0; i < 7; i++)
		if (!assay_deb822_next_word(&line, &word[i]))
			return false;
	if (assay_deb822_next_word(&line, &extra) || !is_pool_path(word[6]) ||
	    !assay_span_parse_u64(word[0], &stage) || stage > ASSAY_MAX_LOCK_STAGE ||
	    !assay_digest_parse(word[4], &ret->sha256) ||
	    !assay_span_parse_u64(word[5], &ret->size))
		return false;
	ret->stage = (unsigned)stage;
	ret->package = assay_arena_text(&lock->arena, word[1]);
	ret->version = assay_arena_text(&lock->arena, word[2]);
	ret->architecture = assay_arena_text(&lock->arena, word[3]);
	ret->pool = assay_arena_text(&lock->arena, word[6]);
	if (!ret->package || !ret->version || !ret->architecture || !ret->pool)
		return false;
	ret->name = assay_path_base(ret->pool);
	return debian_name_is_valid(ret->package) && debian_version_is_valid(ret->version) &&
	       debian_architecture_is_valid(ret->architecture);
}

static size_t count_lines(struct assay_span text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.data[i] == '\n';
	return count + 1;
}

static enum assay_code read_packages(struct assay_lock *lock, struct assay_span rest, size_t number,
				     struct assay_error *err)
{
	size_t room = count_lines(rest);
	struct assay_span line;
	char shown[120];

	if (room > ASSAY_MAX_LOCK_PACKAGES)
		return assay_fail(err, ASSAY_ELIMIT, "want at most %d packages",
				  ASSAY_MAX_LOCK_PACKAGES);
	lock->packages = assay_arena_alloc(&lock->arena, room * sizeof(*lock->packages));
	if (!lock->packages)
		return assay_fail(err, ASSAY_ENOMEM, "environment lock: out of memory");
	for (; assay_span_next_line(&rest, &line); number++) {
		struct assay_debian_file *p = &lock->packages[lock->package_count];

		if (!parse_package(lock, line, p))
			return assay_fail(err, ASSAY_EINPUT,
					  "line %zu: want \"stage name version architecture sha256 "
					  "size pool-path\", have \"%s\"",
					  number, assay_span_show(line, shown, sizeof(shown)));
		if (lock->package_count && debian_file_compare(p - 1, p) >= 0)
			return assay_fail(err, ASSAY_EINPUT,
					  "line %zu: package %s: want the lines sorted, each once",
					  number, p->package);
		lock->package_count++;
	}
	return ASSAY_OK;
}

/* Cuts the last line off, which says the digest of all before it. */
static enum assay_code cut_end(struct assay_span *text, struct assay_error *err)
{
	const size_t len = strlen(END) + ASSAY_DIGEST_TEXT;
	char hex[ASSAY_DIGEST_TEXT];
	struct assay_span line;
	struct assay_digest have;

	line = text->len < len ? assay_span_of(NULL, 0)
			       : assay_span_cut(*text, text->len - len, len);
	if (!assay_span_starts(line, END) || line.data[len - 1] != '\n')
		return assay_fail(err, ASSAY_EINPUT, "want \"" END "SHA-256\" as its last line");
	*text = assay_span_cut(*text, 0, text->len - len);
	assay_digest_span(*text, &have);
	assay_digest_hex(&have, hex);
	if (!assay_span_equal_text(assay_span_cut(line, strlen(END), ASSAY_DIGEST_TEXT - 1),
				   hex))
		return assay_fail(err, ASSAY_EINPUT,
				  "want a text with the digest of its last line, have sha256 %s: it was "
				  "edited or cut short",
				  hex);
	return ASSAY_OK;
}

static enum assay_code check_canonical(struct assay_lock *lock, struct assay_span text,
				       struct assay_error *err)
{
	struct assay_digest have;

	assay_digest_span(text, &have);
	if (debian_lock_seal(lock, err))
		return err->code;
	if (!assay_digest_equal(&have, &lock->digest))
		return assay_fail(err, ASSAY_EINPUT,
				  "want the canonical text (single blanks, lowercase digests, no "
				  "leading zeros, a newline at the end)");
	return ASSAY_OK;
}

static enum assay_code read_all(struct assay_span text, struct assay_lock *lock,
				struct assay_error *err)
{
	struct assay_span rest, line, epoch;
	const char *epoch_text, *usr;
	uint64_t value;

	if (assay_span_starts(text, MAGIC "\n") && cut_end(&text, err))
		return err->code;
	rest = text;
	if (!assay_span_next_line(&rest, &line) || !assay_span_equal_text(line, MAGIC))
		return assay_fail(err, ASSAY_EINPUT, "line 1: want \"" MAGIC "\"");
	if (read_header(lock, &rest, "suite", &lock->suite, err) ||
	    read_header(lock, &rest, "architecture", &lock->architecture, err) ||
	    read_header(lock, &rest, "usr", &usr, err) ||
	    read_header(lock, &rest, "epoch", &epoch_text, err))
		return err->code;
	lock->usr_is_split = strcmp(usr, "split") == 0;
	if (!lock->usr_is_split && strcmp(usr, "merged") != 0)
		return assay_fail(err, ASSAY_EINPUT, "usr: want \"merged\" or \"split\"");
	epoch = assay_span_text(epoch_text);
	if (!debian_name_is_valid(lock->suite) || !debian_architecture_is_valid(lock->architecture))
		return assay_fail(err, ASSAY_EINPUT, "want a suite and an architecture by name");
	if (!assay_span_parse_u64(epoch, &value) || value > UINT32_MAX)
		return assay_fail(err, ASSAY_EINPUT, "epoch: want seconds since 1970");
	lock->epoch = (int64_t)value;
	if (read_packages(lock, rest, 6, err))
		return err->code;
	return check_canonical(lock, text, err);
}

enum assay_code assay_lock_read(struct assay_span text, const char *path, struct assay_lock *ret,
				struct assay_error *err)
{
	struct assay_lock lock = { .arena = ASSAY_ARENA_INIT(16 * ASSAY_MAX_LOCK) };

	if (text.len > ASSAY_MAX_LOCK)
		return assay_fail(err, ASSAY_ELIMIT, "lock %s: want at most %llu bytes", path,
				  (unsigned long long)ASSAY_MAX_LOCK);
	if (read_all(text, &lock, err)) {
		assay_lock_release(&lock);
		return assay_context(err, "lock %s", path);
	}
	*ret = lock;
	return ASSAY_OK;
}
