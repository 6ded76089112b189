/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a signed InRelease to a stanza: gpgv with the distribution's keyring, the SHA-256 that the
 * signed text gives for each index, and the index itself.  apt has checked the same before; its word
 * is not taken, because its lists lie in a directory and this is the root of every later claim.
 */
#include <errno.h>
#include <stdarg.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/signature.h"
#include "assay/time.h"
#include "mirror.h"

#define STANZAS_MAX 2000000

void debian_chain_add(json_t *chain, const char *step, const char *what, const char *status,
		      const char *fmt, ...)
{
	json_t *entry = assay_json_object();
	char detail[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	assay_json_set_text(entry, "step", step);
	assay_json_set_text(entry, "what", what);
	assay_json_set_text(entry, "status", status);
	assay_json_set_text(entry, "detail", detail);
	assay_json_append(chain, entry);
}

void debian_mirror_release(struct debian_mirror *mirror)
{
	for (size_t i = 0; i < mirror->index_count; i++)
		assay_map_release(&mirror->indices[i].map);
	free(mirror->packages.list);
	free(mirror->sources.list);
	json_decref(mirror->chain);
	assay_buf_release(&mirror->policy);
	assay_arena_release(&mirror->arena);
	if (mirror->lock_fd >= 0)
		close(mirror->lock_fd);
	*mirror = (struct debian_mirror)DEBIAN_MIRROR_INIT;
}

/* One line of apt-get indextargets: fields parted by "|". */
static enum assay_code add_index(struct debian_mirror *mirror, struct assay_span line,
				 struct assay_error *err)
{
	char *field[8];
	struct debian_index *index = &mirror->indices[mirror->index_count];

	for (size_t i = 0; i < 8; i++) {
		const uint8_t *bar = line.len ? memchr(line.data, '|', line.len) : NULL;
		size_t len = bar ? (size_t)(bar - line.data) : line.len;

		field[i] = assay_arena_text(&mirror->arena, assay_span_cut(line, 0, len));
		if (!field[i])
			return assay_fail(err, ASSAY_ENOMEM, "index: out of memory");
		line = assay_span_cut(line, len + 1, line.len);
	}
	if (strcmp(field[0], "Packages") != 0 && strcmp(field[0], "Sources") != 0)
		return ASSAY_OK;
	if (mirror->index_count == DEBIAN_INDICES_MAX)
		return assay_fail(err, ASSAY_ELIMIT, "want at most %d indices", DEBIAN_INDICES_MAX);
	*index = (struct debian_index){
		.sources = field[0][0] == 'S',
		.repository = field[1],
		.suite = field[2],
		.codename = field[3],
		.base = field[4],
		.key = field[5],
		.path = field[6],
	};
	mirror->index_count++;
	return ASSAY_OK;
}

static enum assay_code list_indices(struct debian_mirror *mirror, struct assay_error *err)
{
	static const char *const argv[] = {
		"apt-get", "indextargets", "--format",
		"$(CREATED_BY)|$(REPO_URI)|$(SUITE)|$(CODENAME)|$(BASE_URI)|$(METAKEY)|$(FILENAME)|",
		NULL
	};
	struct assay_buf out = ASSAY_BUF_INIT(ASSAY_MIB);
	enum assay_code code = debian_apt_run(mirror, argv, &out, err);
	struct assay_span rest = assay_buf_span(&out), line;

	while (!code && assay_span_next_line(&rest, &line))
		code = add_index(mirror, line, err);
	if (!code && !mirror->index_count)
		code = assay_fail(err, ASSAY_EIO, "%s: no indices; remove the directory to begin "
				  "afresh", mirror->root);
	assay_buf_release(&out);
	return code;
}

/* apt names a list file after its URL; that of InRelease has the same beginning. */
static char *release_path(struct debian_mirror *mirror, const struct debian_index *index)
{
	size_t len = strlen(index->path), key = strlen(index->key);
	const char *tail;

	if (len <= key)
		return NULL;
	tail = index->path + len - key;
	for (size_t i = 0; i < key; i++)
		if (tail[i] != index->key[i] && !(tail[i] == '_' && index->key[i] == '/'))
			return NULL;
	return assay_arena_printf(&mirror->arena, "%.*sInRelease", (int)(len - key), index->path);
}

/* Release files write the zone as "UTC", which RFC 5322 has not. */
static bool parse_date(struct assay_span value, int64_t *ret)
{
	char copy[64];

	if (!value.len || value.len >= sizeof(copy) - 8)
		return false;
	snprintf(copy, sizeof(copy), "%.*s", ASSAY_SPAN_ARGS(value));
	if (assay_span_ends(value, " UTC") || assay_span_ends(value, " GMT"))
		snprintf(copy + value.len - 3, sizeof(copy) - (value.len - 3), "+0000");
	return assay_time_parse_rfc5322(assay_span_text(copy), ret);
}

static enum assay_code note_release(struct debian_mirror *mirror, const struct debian_index *index,
				    struct assay_span release,
				    const struct assay_signature_result *result,
				    struct assay_error *err)
{
	struct assay_span date = assay_deb822_field(release, "Date");
	struct assay_span until = assay_deb822_field(release, "Valid-Until");
	int64_t when, last = 0;
	char what[512];

	if (!parse_date(date, &when))
		return assay_fail(err, ASSAY_EINPUT, "want a Date, have \"%.*s\"",
				  ASSAY_SPAN_ARGS(date));
	if (until.len && !parse_date(until, &last))
		return assay_fail(err, ASSAY_EINPUT, "want a date in Valid-Until");
	if (when > mirror->newest)
		mirror->newest = when;
	snprintf(what, sizeof(what), "%sInRelease", index->base);
	debian_chain_add(mirror->chain, "InRelease", what,
			 last && last < assay_time_now() ? "verified, expired" : "verified",
			 "signed by %s of %s; date %.*s%s%.*s", result->key_id, DEBIAN_KEYRING,
			 ASSAY_SPAN_ARGS(date), until.len ? "; valid until " : "",
			 ASSAY_SPAN_ARGS(until));
	return ASSAY_OK;
}

/* The line "<sha256> <size> <name>" of the field SHA256. */
static bool find_sum(struct assay_span release, const char *name, struct assay_digest *ret,
		     uint64_t *ret_size)
{
	struct assay_span rest = assay_deb822_field(release, "SHA256"), line, sum, size, path;

	while (assay_deb822_next_line(&rest, &line)) {
		if (assay_deb822_next_word(&line, &sum) && assay_deb822_next_word(&line, &size) &&
		    assay_deb822_next_word(&line, &path) && assay_span_equal_text(path, name))
			return assay_digest_parse(sum, ret) && assay_span_parse_u64(size, ret_size);
	}
	return false;
}

static enum assay_code verify_index(struct debian_mirror *mirror, struct debian_index *index,
				    struct assay_span release, struct assay_error *err)
{
	char want_hex[ASSAY_DIGEST_TEXT], have_hex[ASSAY_DIGEST_TEXT], what[512];
	struct assay_digest want, have;
	uint64_t size;

	if (!find_sum(release, index->key, &want, &size))
		return assay_fail(err, ASSAY_EUNTRUSTED, "InRelease gives no SHA-256 of it");
	if (assay_map_file(index->path, &index->map, err))
		return err->code;
	if (index->map.bytes.len > ASSAY_MAX_CONTROL)
		return assay_fail(err, ASSAY_ELIMIT, "want at most %llu bytes",
				  (unsigned long long)ASSAY_MAX_CONTROL);
	assay_digest_span(index->map.bytes, &have);
	if (index->map.bytes.len != size || !assay_digest_equal(&want, &have))
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "want %llu bytes of sha256 %s, have %zu of sha256 %s",
				  (unsigned long long)size, assay_digest_hex(&want, want_hex),
				  index->map.bytes.len, assay_digest_hex(&have, have_hex));
	index->sha256 = have;
	snprintf(what, sizeof(what), "%s%s", index->base, index->key);
	debian_chain_add(mirror->chain, index->sources ? "Sources" : "Packages", what, "verified",
			 "sha256 %s as InRelease says", assay_digest_hex(&have, have_hex));
	return ASSAY_OK;
}

/* Opens InRelease once for all indices below the same base. */
static enum assay_code verify_release(struct debian_mirror *mirror, size_t first,
				      struct assay_error *err)
{
	static const char *const keyrings[] = { DEBIAN_KEYRING, NULL };
	struct debian_index *lead = &mirror->indices[first];
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_CONTROL);
	struct assay_signature_result result = { 0 };
	char *path = release_path(mirror, lead);
	enum assay_code code;

	if (!path)
		return assay_fail(err, ASSAY_EBUG, "%s: no InRelease beside it", lead->path);
	code = assay_openpgp_open_inline(path, keyrings, &text, &result, err);
	if (!code && result.status != ASSAY_SIGNATURE_VALID)
		code = assay_fail(err, ASSAY_EUNTRUSTED, "%s", result.detail);
	if (!code)
		code = note_release(mirror, lead, assay_buf_span(&text), &result, err);
	if (code)
		assay_context(err, "%sInRelease", lead->base);
	for (size_t i = first; !code && i < mirror->index_count; i++) {
		struct debian_index *index = &mirror->indices[i];

		if (strcmp(index->base, lead->base) != 0)
			continue;
		code = verify_index(mirror, index, assay_buf_span(&text), err);
		if (code)
			assay_context(err, "%s%s", index->base, index->key);
	}
	assay_buf_release(&text);
	return code;
}

static bool is_first_of_base(const struct debian_mirror *mirror, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(mirror->indices[k].base, mirror->indices[i].base) == 0)
			return false;
	return true;
}

static int compare_stanzas(const void *a, const void *b)
{
	const struct debian_stanza *x = a, *y = b;
	int order = assay_span_compare(x->name, y->name);

	if (order)
		return order;
	/* as the sources list them, so that the first of two equal ones is always the same */
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return x->text.data < y->text.data ? -1 : x->text.data > y->text.data;
}

static enum assay_code collect_stanzas(const struct debian_index *index, struct debian_stanzas *to,
				       struct assay_error *err)
{
	struct assay_span rest = index->map.bytes, stanza;

	while (assay_deb822_next(&rest, &stanza)) {
		if (to->count == to->capacity) {
			size_t capacity = to->capacity ? 2 * to->capacity : 65536;
			void *list = capacity > STANZAS_MAX
					     ? NULL
					     : realloc(to->list, capacity * sizeof(*to->list));

			if (!list)
				return assay_fail(err, ASSAY_ENOMEM, "package lists: out of memory");
			to->list = list;
			to->capacity = capacity;
		}
		to->list[to->count++] = (struct debian_stanza){
			.name = assay_deb822_field(stanza, "Package"),
			.text = stanza,
			.index = index,
		};
	}
	return ASSAY_OK;
}

static enum assay_code verify_all(struct debian_mirror *mirror, struct assay_error *err)
{
	for (size_t i = 0; i < mirror->index_count; i++)
		if (is_first_of_base(mirror, i) && verify_release(mirror, i, err))
			return err->code;
	for (size_t i = 0; i < mirror->index_count; i++) {
		struct debian_index *index = &mirror->indices[i];

		if (collect_stanzas(index, index->sources ? &mirror->sources : &mirror->packages,
				    err))
			return err->code;
	}
	if (mirror->packages.count)
		qsort(mirror->packages.list, mirror->packages.count,
		      sizeof(*mirror->packages.list), compare_stanzas);
	if (mirror->sources.count)
		qsort(mirror->sources.list, mirror->sources.count, sizeof(*mirror->sources.list),
		      compare_stanzas);
	mirror->suite = mirror->indices[0].codename;
	return ASSAY_OK;
}

/* What apt's resolver looks at, as one digest: the same basis gives the same answer. */
static enum assay_code seal_basis(struct debian_mirror *mirror, struct assay_error *err)
{
	struct assay_buf *text = &mirror->policy;
	char hex[ASSAY_DIGEST_TEXT];

	for (size_t i = 0; i < mirror->index_count; i++)
		assay_buf_printf(text, "%s %s%s %s\n", mirror->indices[i].repository,
				 mirror->indices[i].base, mirror->indices[i].key,
				 assay_digest_hex(&mirror->indices[i].sha256, hex));
	if (assay_buf_check(text, "apt configuration", err))
		return err->code;
	assay_digest_span(assay_buf_span(text), &mirror->basis);
	return ASSAY_OK;
}

enum assay_code debian_mirror_open(struct assay_store *store, struct debian_mirror *ret,
				   struct assay_error *err)
{
	ret->store = store;
	if (!ret->chain)
		ret->chain = assay_json_array();
	if (assay_store_lock(store, "apt", &ret->lock_fd, err) || debian_apt_refresh(ret, err) ||
	    list_indices(ret, err) || verify_all(ret, err) || seal_basis(ret, err))
		return err->code;
	return ASSAY_OK;
}

const struct debian_stanza *debian_stanzas_find(const struct debian_stanzas *stanzas,
						struct assay_span name)
{
	size_t low = 0, high = stanzas->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (assay_span_compare(stanzas->list[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == stanzas->count || !assay_span_equal(stanzas->list[low].name, name))
		return NULL;
	return &stanzas->list[low];
}

const struct debian_stanza *debian_mirror_package(const struct debian_mirror *mirror,
						  struct assay_span name, struct assay_span version,
						  const char *architecture)
{
	const struct debian_stanzas *all = &mirror->packages;
	const struct debian_stanza *at = debian_stanzas_find(all, name);

	for (; at && at < all->list + all->count && assay_span_equal(at->name, name); at++) {
		struct assay_span have = assay_deb822_field(at->text, "Architecture");

		if (assay_span_equal(assay_deb822_field(at->text, "Version"), version) &&
		    (!architecture || assay_span_equal_text(have, architecture) ||
		     assay_span_equal_text(have, "all")))
			return at;
	}
	return NULL;
}

const char *debian_mirror_describe(struct debian_mirror *mirror)
{
	struct assay_buf text = ASSAY_BUF_INIT(4096);
	const char *result;

	for (size_t i = 0; i < mirror->index_count; i++)
		if (is_first_of_base(mirror, i))
			assay_buf_printf(&text, "%s%s %s", text.len ? ", " : "",
					 mirror->indices[i].repository,
					 mirror->indices[i].codename);
	result = assay_arena_text(&mirror->arena, assay_buf_span(&text));
	assay_buf_release(&text);
	return result ? result : "the mirror";
}
