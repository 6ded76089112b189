/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's package sources (sources.list(5), both styles), read to make our own: the same
 * mirrors and suites, always with deb-src, always checked against the distribution's keyring.  An
 * option that lowers trust (Trusted, allow-insecure) is not taken over.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "assay/cleanup.h"
#include "assay/deb822.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "sources.h"

#define OWN_KEYRINGS "/usr/share/keyrings/debian-archive-"

static struct debian_source *add_source(struct debian_sources *s)
{
	if (s->count == DEBIAN_SOURCES_MAX)
		return NULL;
	return &s->list[s->count++];
}

static enum debian_signed_by classify(struct assay_span signed_by)
{
	struct assay_span word;

	if (!signed_by.len)
		return DEBIAN_SIGNED_BY_NOTHING;
	if (signed_by.data[0] != '/')
		return DEBIAN_SIGNED_BY_NOTHING; /* fingerprints, or a key within the stanza */
	while (assay_deb822_next_word(&signed_by, &word))
		if (!assay_span_starts(word, OWN_KEYRINGS))
			return DEBIAN_SIGNED_BY_OTHER;
	return DEBIAN_SIGNED_BY_DISTRIBUTION;
}

static bool has_word(struct assay_span text, const char *want)
{
	struct assay_span word;

	while (assay_deb822_next_word(&text, &word))
		if (assay_span_equal_text(word, want))
			return true;
	return false;
}

static bool is_off(struct assay_span value)
{
	return assay_span_equal_text(value, "no") || assay_span_equal_text(value, "false") ||
	       assay_span_equal_text(value, "0");
}

/* The words of a value, parted by single blanks: values of the machine's files go into ours. */
static char *one_line(struct assay_arena *arena, struct assay_span value)
{
	struct assay_buf buf = ASSAY_BUF_INIT(ASSAY_MAX_FIELD);
	struct assay_span word;
	char *text;

	while (assay_deb822_next_word(&value, &word)) {
		if (buf.len)
			assay_buf_add_text(&buf, " ");
		assay_buf_add_span(&buf, word);
	}
	text = buf.failed ? NULL : assay_arena_text(arena, assay_buf_span(&buf));
	assay_buf_release(&buf);
	return text;
}

static bool fill(struct assay_arena *arena, struct debian_source *source, struct assay_span uris,
		 struct assay_span suites, struct assay_span components,
		 struct assay_span signed_by, struct assay_span valid_until)
{
	source->uris = one_line(arena, uris);
	source->suites = one_line(arena, suites);
	source->components = one_line(arena, components);
	source->signed_by = classify(signed_by);
	source->keyring = source->signed_by == DEBIAN_SIGNED_BY_DISTRIBUTION
				  ? one_line(arena, signed_by)
				  : DEBIAN_KEYRING;
	source->ignore_valid_until = is_off(valid_until);
	return source->uris && source->suites && source->components && source->keyring;
}

static enum assay_code read_stanzas(struct debian_sources *s, struct assay_span text,
				    struct assay_error *err)
{
	struct assay_span stanza;

	while (assay_deb822_next(&text, &stanza)) {
		struct debian_source *source;

		if (!has_word(assay_deb822_field(stanza, "Types"), "deb") ||
		    is_off(assay_deb822_field(stanza, "Enabled")) ||
		    !assay_deb822_field(stanza, "Components").len)
			continue;
		source = add_source(s);
		if (!source)
			return assay_fail(err, ASSAY_ELIMIT, "want at most %d sources",
					  DEBIAN_SOURCES_MAX);
		if (!fill(&s->arena, source, assay_deb822_field(stanza, "URIs"),
			  assay_deb822_field(stanza, "Suites"),
			  assay_deb822_field(stanza, "Components"),
			  assay_deb822_field(stanza, "Signed-By"),
			  assay_deb822_field(stanza, "Check-Valid-Until")))
			return assay_fail(err, ASSAY_ENOMEM, "package sources: out of memory");
	}
	return ASSAY_OK;
}

/* The value of an option within "[a=b c=d]". */
static struct assay_span option(struct assay_span options, const char *name)
{
	struct assay_span word, none = { NULL, 0 };

	while (assay_deb822_next_word(&options, &word))
		if (assay_span_starts(word, name) && word.len > strlen(name) &&
		    word.data[strlen(name)] == '=')
			return assay_span_cut(word, strlen(name) + 1, word.len);
	return none;
}

/* "deb [options] uri suite component..." */
static enum assay_code read_line(struct debian_sources *s, struct assay_span line,
				 struct assay_error *err)
{
	struct assay_span word, options = { NULL, 0 }, uri, suite;
	const uint8_t *hash = line.len ? memchr(line.data, '#', line.len) : NULL;
	struct debian_source *source;

	if (hash)
		line.len = (size_t)(hash - line.data);
	if (!assay_deb822_next_word(&line, &word) || !assay_span_equal_text(word, "deb"))
		return ASSAY_OK;
	line = assay_span_trim(line);
	if (line.len && line.data[0] == '[') {
		const uint8_t *end = memchr(line.data, ']', line.len);

		if (!end)
			return ASSAY_OK;
		options = assay_span_of(line.data + 1, (size_t)(end - line.data) - 1);
		line = assay_span_cut(line, (size_t)(end - line.data) + 1, line.len);
	}
	if (!assay_deb822_next_word(&line, &uri) || !assay_deb822_next_word(&line, &suite) ||
	    assay_span_ends(suite, "/") || assay_span_starts(uri, "cdrom:"))
		return ASSAY_OK;
	source = add_source(s);
	if (!source)
		return assay_fail(err, ASSAY_ELIMIT, "want at most %d sources", DEBIAN_SOURCES_MAX);
	if (!fill(&s->arena, source, uri, suite, line, option(options, "signed-by"),
		  option(options, "check-valid-until")))
		return assay_fail(err, ASSAY_ENOMEM, "package sources: out of memory");
	return ASSAY_OK;
}

enum assay_code debian_sources_read_text(struct debian_sources *s, struct assay_span text,
					 bool stanzas, struct assay_error *err)
{
	struct assay_span line;

	if (stanzas)
		return read_stanzas(s, text, err);
	while (assay_span_next_line(&text, &line))
		if (read_line(s, line, err))
			return err->code;
	return ASSAY_OK;
}

static enum assay_code read_file(struct debian_sources *s, const char *path,
				 struct assay_error *err)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	bool stanzas = assay_span_ends(assay_span_text(path), ".sources");
	enum assay_code code = assay_file_read(AT_FDCWD, path, &text, err);

	if (!code)
		code = debian_sources_read_text(s, assay_buf_span(&text), stanzas, err);
	assay_buf_release(&text);
	return code ? assay_context(err, "%s", path) : ASSAY_OK;
}

/* apt reads names of letters, digits, ".", "-" and "_" that end in .list or .sources. */
static int is_source_file(const struct dirent *entry)
{
	struct assay_span name = assay_span_text(entry->d_name);

	for (const char *p = entry->d_name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return 0;
	return entry->d_name[0] != '.' &&
	       (assay_span_ends(name, ".list") || assay_span_ends(name, ".sources"));
}

enum assay_code debian_sources_read(struct debian_sources *s, const char *file, const char *parts,
				    struct assay_error *err)
{
	struct dirent **entries = NULL;
	enum assay_code code = ASSAY_OK;
	int count;

	if (access(file, F_OK) == 0 && read_file(s, file, err))
		return err->code;
	count = scandir(parts, &entries, is_source_file, alphasort);
	if (count < 0 && errno != ENOENT)
		return assay_fail_errno(err, "%s", parts);
	for (int i = 0; i < count; i++) {
		assay_auto(assay_freep) char *path = assay_path_join(parts, entries[i]->d_name);

		if (!code && !path)
			code = assay_fail(err, ASSAY_ENOMEM, "%s: out of memory", parts);
		if (!code)
			code = read_file(s, path, err);
		free(entries[i]);
	}
	free(entries);
	return code;
}

void debian_sources_write(const struct debian_sources *s, struct assay_buf *out)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct debian_source *source = &s->list[i];

		if (source->skipped)
			continue;
		assay_buf_printf(out,
				 "Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: %s\n"
				 "Signed-By: %s\n%s\n",
				 source->uris, source->suites, source->components, source->keyring,
				 source->ignore_valid_until ? "Check-Valid-Until: no\n" : "");
	}
}
