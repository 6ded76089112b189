/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two ELF files differ, as findings: one for each function that changed, one for everything
 * that only moved between them, and one for each table that follows.  Functions stand in a finding
 * by name and offset; what is around the first change is shown in hex and as instructions.
 */
#include <stdio.h>

#include "assay/hex.h"
#include "assay/limits.h"
#include "elf_debug.h"
#include "elf_fields.h"
#include "elf_instructions.h"
#include "elf_units.h"
#include "elf_story.h"

#define MOST_FUNCTIONS 64 /* findings by name in one section; the rest is one finding */
#define SHOWN_BYTES 12	  /* around the first change */

struct pair {
	const struct assay_anatomy *left, *right;
	const struct assay_node *l, *r;
	const struct assay_elf_priv *left_elf, *right_elf;
	const struct assay_elf_story *story;
	struct assay_findings *findings;
	bool has_root; /* of which others may be consequences */
};

/* The whole leaf as one finding. */
static void add_whole(const struct pair *p, const char *cause, const char *explanation,
		      enum assay_severity severity, bool is_consequence)
{
	struct assay_located located = {
		.left_offset = p->l->offset,
		.left_length = p->l->length,
		.right_offset = p->r->offset,
		.right_length = p->r->length,
		.bytes = assay_bytes_differing(assay_node_bytes(p->left, p->l),
				   assay_node_bytes(p->right, p->r)),
		.cause = cause,
		.explanation = explanation,
		.severity = severity,
		.is_consequence = is_consequence && p->has_root,
	};

	if (cause && !explanation)
		located.explanation = assay_cause_find(cause)->explanation;
	if (located.bytes > 0)
		assay_findings_add(p->findings, &located);
}

/* ---- code ---- */

static uint32_t section_of(const struct assay_elf *elf, const struct assay_node *node)
{
	for (uint32_t i = 1; i < elf->section_count; i++)
		if (elf->sections[i].bytes.data == elf->file.data + node->offset &&
		    elf->sections[i].bytes.len == node->length)
			return i;
	return 0;
}

static struct assay_span function_bytes(const struct assay_elf *elf,
					const struct assay_elf_function *f)
{
	return assay_span_cut(elf->sections[f->section].bytes, f->offset, f->size);
}

static void show_bytes(struct assay_span s, uint64_t at, char *out)
{
	uint64_t start = at > 4 ? at - 4 : 0;

	assay_hex_encode(assay_span_cut(s, start, SHOWN_BYTES), out);
}

static const char *tell_function(const struct assay_elf_function *a,
				 const struct assay_elf_function *b)
{
	if (!a)
		return "this function stands only on the right";
	if (!b)
		return "this function stands only on the left";
	return a->size == b->size ? "this function differs" : "this function differs in size";
}

/* The first one of a section tells the story of the pair; the first few are shown as instructions. */
static void add_function(const struct pair *p, size_t named, const struct assay_elf_function *a,
			 const struct assay_elf_function *b, uint64_t left_at, uint64_t right_at)
{
	const struct assay_elf_function *f = a ? a : b;
	char name[160], shown[120], text[768], left_hex[64] = "", right_hex[64] = "";
	struct assay_buf diff = ASSAY_BUF_INIT(16 * ASSAY_KIB);
	struct assay_located located = {
		.left_offset = p->l->offset + (a ? a->offset : left_at),
		.left_length = a ? a->size : 0,
		.right_offset = p->r->offset + (b ? b->offset : right_at),
		.right_length = b ? b->size : 0,
		.bytes = f->bytes,
		.severity = ASSAY_SEVERITY_CODE,
		.explanation = text,
	};

	if (f->name.len)
		snprintf(name, sizeof(name), "%s+0x%llx",
			 assay_span_show(f->name, shown, sizeof(shown)),
			 (unsigned long long)f->first_change);
	else
		snprintf(name, sizeof(name), "+0x%llx",
			 (unsigned long long)(f->offset + f->first_change));
	located.name = assay_span_text(name);
	if (named == 0)
		assay_elf_story_tell(p->left, p->right, text, sizeof(text) - 128);
	else
		snprintf(text, sizeof(text), "UNEXPLAINED change of code: %s", tell_function(a, b));
	if (a && b) {
		size_t len = strlen(text);

		show_bytes(function_bytes(&p->left_elf->elf, a), f->first_change, left_hex);
		show_bytes(function_bytes(&p->right_elf->elf, b), f->first_change, right_hex);
		snprintf(text + len, sizeof(text) - len, "; bytes there: %s against %s", left_hex,
			 right_hex);
	}
	if (a && b && named < ASSAY_MAX_ELF_LISTINGS &&
	    assay_elf_instructions_diff(&p->left_elf->elf, &p->left_elf->functions, a,
					&p->right_elf->elf, &p->right_elf->functions, b, &diff))
		located.diff = assay_buf_text(&diff);
	assay_findings_add(p->findings, &located);
	assay_buf_release(&diff);
}

/* A walk over the functions of one section on both sides. */
struct walk {
	const struct assay_elf_functions *left, *right;
	uint32_t left_section, right_section;
	size_t i, j;
	uint64_t left_done, right_done; /* up to here everything is in a finding */
	uint64_t moved_bytes;
	uint64_t covered; /* bytes in all findings so far */
	size_t named;
};

/* What lies between two changed functions: moved and equal ones, and filler. */
static void add_between(const struct pair *p, struct walk *w, uint64_t left_to, uint64_t right_to,
			uint64_t bytes)
{
	struct assay_located located = {
		.left_offset = p->l->offset + w->left_done,
		.left_length = left_to - w->left_done,
		.right_offset = p->r->offset + w->right_done,
		.right_length = right_to - w->right_done,
		.bytes = bytes,
		.cause = "moved_by_changed_size",
		.severity = ASSAY_SEVERITY_METADATA,
		.is_consequence = p->has_root,
	};
	uint64_t longer = located.left_length > located.right_length ? located.left_length
								     : located.right_length;

	if (located.bytes > longer)
		located.bytes = longer;
	w->covered += located.bytes;
	if (located.bytes > 0)
		assay_findings_add(p->findings, &located);
}

static const struct assay_elf_function *in_section(const struct assay_elf_functions *f, size_t i,
						   uint32_t section)
{
	return i < f->count && f->list[i].section == section ? &f->list[i] : NULL;
}

static size_t first_of(const struct assay_elf_functions *f, uint32_t section)
{
	size_t i = 0;

	while (i < f->count && f->list[i].section != section)
		i++;
	return i;
}

static void flush_between(const struct pair *p, struct walk *w, uint64_t left, uint64_t right)
{
	uint64_t grown;

	if (left < w->left_done || right < w->right_done)
		return;
	grown = left - w->left_done > right - w->right_done
			? left - w->left_done - (right - w->right_done)
			: right - w->right_done - (left - w->left_done);
	add_between(p, w, left, right, w->moved_bytes + grown);
	w->moved_bytes = 0;
	w->left_done = left;
	w->right_done = right;
}

static void take_both(const struct pair *p, struct walk *w, const struct assay_elf_function *a,
		      const struct assay_elf_function *b)
{
	if (a->state == ASSAY_ELF_CHANGED) {
		flush_between(p, w, a->offset, b->offset);
		add_function(p, w->named, a, b, 0, 0);
		w->covered += a->bytes;
		w->left_done = a->offset + a->size;
		w->right_done = b->offset + b->size;
		w->named++;
	} else {
		w->moved_bytes += a->bytes;
	}
	w->i++;
	w->j++;
}

static void take_left(const struct pair *p, struct walk *w, const struct assay_elf_function *a,
		      const struct assay_elf_function *b)
{
	uint64_t right = b ? b->offset : p->r->length;

	flush_between(p, w, a->offset, right);
	add_function(p, w->named, a, NULL, 0, w->right_done);
	w->covered += a->bytes;
	w->left_done = a->offset + a->size;
	w->i++;
	w->named++;
}

static void take_right(const struct pair *p, struct walk *w, const struct assay_elf_function *a,
		       const struct assay_elf_function *b)
{
	uint64_t left = a ? a->offset : p->l->length;

	flush_between(p, w, left, b->offset);
	add_function(p, w->named, NULL, b, w->left_done, 0);
	w->covered += b->bytes;
	w->right_done = b->offset + b->size;
	w->j++;
	w->named++;
}

/* Functions in the same order on both sides: findings tile both sections. */
static void differ_in_order(const struct pair *p, struct walk *w)
{
	uint64_t total;

	for (;;) {
		const struct assay_elf_function *a = in_section(w->left, w->i, w->left_section);
		const struct assay_elf_function *b = in_section(w->right, w->j, w->right_section);

		if ((!a && !b) || w->named >= MOST_FUNCTIONS)
			break;
		if (a && b && a->partner == w->j)
			take_both(p, w, a, b);
		else if (a && (a->partner == ASSAY_ELF_NO_PARTNER || !b))
			take_left(p, w, a, b);
		else
			take_right(p, w, a, b);
	}
	if (w->named >= MOST_FUNCTIONS)
		return; /* the engine adds the rest as one finding that nothing explains */
	/* counted by position, what moved differs in more bytes than counted function by function */
	total = assay_bytes_differing(assay_node_bytes(p->left, p->l), assay_node_bytes(p->right, p->r));
	flush_between(p, w, p->l->length, p->r->length);
	if (total > w->covered) {
		w->left_done = w->right_done = 0;
		add_between(p, w, p->l->length, p->r->length, total - w->covered);
	}
}

/* Permuted: what changed by name, the rest of the section as one. */
static void differ_permuted(const struct pair *p, struct walk *w)
{
	const struct assay_elf_story *s = p->story;
	const struct assay_elf_function *a, *b;
	bool only_order = s->functions_changed + s->functions_left_only + s->functions_right_only == 0;

	if (only_order) {
		add_whole(p, "random_order_of_linked_objects", NULL, ASSAY_SEVERITY_CODE, false);
		return;
	}
	for (; (a = in_section(w->left, w->i, w->left_section)) && w->named < MOST_FUNCTIONS;
	     w->i++) {
		if (a->state == ASSAY_ELF_CHANGED &&
		    w->right->list[a->partner].section == w->right_section)
			add_function(p, w->named, a, &w->right->list[a->partner], 0, 0);
		else if (a->state == ASSAY_ELF_ALONE)
			add_function(p, w->named, a, NULL, 0, 0);
		else
			continue;
		w->named++;
	}
	for (; (b = in_section(w->right, w->j, w->right_section)) && w->named < MOST_FUNCTIONS;
	     w->j++) {
		if (b->state != ASSAY_ELF_ALONE)
			continue;
		add_function(p, w->named, NULL, b, 0, 0);
		w->named++;
	}
}

static void differ_code(const struct pair *p)
{
	struct walk w = {
		.left = &p->left_elf->functions,
		.right = &p->right_elf->functions,
		.left_section = section_of(&p->left_elf->elf, p->l),
		.right_section = section_of(&p->right_elf->elf, p->r),
	};

	if (!w.left_section || !w.right_section)
		return;
	w.i = first_of(w.left, w.left_section);
	w.j = first_of(w.right, w.right_section);
	if (p->story->reordered)
		differ_permuted(p, &w);
	else
		differ_in_order(p, &w);
}

/* ---- everything else ---- */

static bool decoded_of(const struct assay_elf_priv *priv, const struct assay_node *node,
		       struct assay_span *ret)
{
	uint32_t section = section_of(&priv->elf, node);

	return section && assay_elf_decoded(priv, &priv->elf.sections[section], ret);
}

/* No cause is known: compressed bytes say nothing, so the place is told in decoded ones. */
static void add_decoded(const struct pair *p, struct assay_span left, struct assay_span right)
{
	size_t at = 0;
	char text[1024], unit[600];

	while (at < left.len && at < right.len && left.data[at] == right.data[at])
		at++;
	assay_elf_units_tell(p->left_elf, p->right_elf, unit, sizeof(unit));
	snprintf(text, sizeof(text),
		 "UNEXPLAINED change of debug information: decoded, %llu of %zu bytes differ, first at "
		 "offset 0x%zx%s",
		 (unsigned long long)assay_bytes_differing(left, right),
		 left.len > right.len ? left.len : right.len, at, unit);
	add_whole(p, NULL, text, ASSAY_SEVERITY_METADATA, false);
}

static void differ_debug(const struct pair *p, bool has_strings)
{
	struct assay_span left, right, a = { NULL, 0 }, b = { NULL, 0 };
	const char *cause = assay_elf_story_debug_cause(p->story, &left, &right);
	bool decoded = decoded_of(p->left_elf, p->l, &a) && decoded_of(p->right_elf, p->r, &b);
	char text[1280];
	size_t len;

	if (decoded && assay_span_equal(a, b)) { /* compressed in another way, or on one side only */
		add_whole(p, "compression_encoder_differs", NULL, ASSAY_SEVERITY_METADATA, false);
		return;
	}
	if (cause) {
		assay_cause_explain(assay_cause_find(cause), left, right, NULL, text, 640);
		len = strlen(text);
		assay_elf_units_tell(p->left_elf, p->right_elf, text + len, sizeof(text) - len);
		add_whole(p, cause, text, ASSAY_SEVERITY_METADATA, !has_strings);
	} else if (decoded) {
		add_decoded(p, a, b);
	}
}

/* ---- search paths ---- */

/* DT_RUNPATH or DT_RPATH of the dynamic section, as it stands in .dynstr. */
static bool search_path(const struct assay_elf *elf, struct assay_span *ret)
{
	const struct assay_elf_section *s = assay_elf_section_by_name(elf, ".dynamic");
	unsigned width = elf->is_64 ? 8 : 4;

	if (!s || s->type != SHT_DYNAMIC || s->link >= elf->section_count)
		return false;
	for (size_t at = 0; at + 2 * width <= s->bytes.len; at += 2 * width) {
		uint64_t tag = assay_elf_get(elf, s->bytes.data + at, width);

		if (tag == DT_RUNPATH || tag == DT_RPATH)
			return assay_elf_string(elf->sections[s->link].bytes,
						assay_elf_get(elf, s->bytes.data + at + width,
							      width),
						ret);
	}
	return false;
}

static bool moved_by_others(const struct pair *p)
{
	uint32_t l = section_of(&p->left_elf->elf, p->l), r = section_of(&p->right_elf->elf, p->r);

	return l && r &&
	       assay_elf_linkage_moved(&p->left_elf->elf, &p->left_elf->elf.sections[l],
				       &p->right_elf->elf, &p->right_elf->elf.sections[r]);
}

/* .dynstr that is equal but for the search path: the strings of all other entries stand. */
static void differ_linkage(const struct pair *p)
{
	struct assay_span a, b, left = assay_node_bytes(p->left, p->l);
	struct assay_span right = assay_node_bytes(p->right, p->r);
	size_t at, end;
	char text[640];

	if (p->has_root && moved_by_others(p)) {
		add_whole(p, "moved_by_changed_size", NULL, ASSAY_SEVERITY_METADATA, true);
		return;
	}
	if (!search_path(&p->left_elf->elf, &a) || !search_path(&p->right_elf->elf, &b) ||
	    a.data < left.data || a.data >= left.data + left.len || b.data < right.data ||
	    b.data >= right.data + right.len || assay_span_equal(a, b))
		return;
	at = (size_t)(a.data - left.data);
	end = at + a.len;
	if (at != (size_t)(b.data - right.data) ||
	    !assay_span_equal(assay_span_cut(left, 0, at), assay_span_cut(right, 0, at)) ||
	    !assay_span_equal(assay_span_cut(left, end, left.len),
			      assay_span_cut(right, at + b.len, right.len)))
		return;
	assay_cause_explain(assay_cause_find("cmake_rpath_contains_build_path"), a, b, NULL, text,
			    sizeof(text));
	add_whole(p, "cmake_rpath_contains_build_path", text, ASSAY_SEVERITY_CODE, false);
}

/* Nothing else of the file differs: the id stands for what was stripped. */
static void differ_build_id(const struct pair *p)
{
	char text[640];
	const struct assay_cause *cause = assay_cause_find("build_id_differences_only");

	assay_cause_explain(cause, assay_span_text(p->l->value ? p->l->value : ""),
			    assay_span_text(p->r->value ? p->r->value : ""), NULL, text,
			    sizeof(text));
	add_whole(p, cause->id, text, ASSAY_SEVERITY_METADATA, false);
}

static struct assay_span first_string(struct assay_span s)
{
	struct assay_span string;

	while (s.len > 0 && s.data[0] == 0)
		s = assay_span_cut(s, 1, s.len);
	return assay_elf_string(s, 0, &string) ? string : assay_span_cut(s, 0, 80);
}

static void differ_comment(const struct pair *p)
{
	char text[640];
	const struct assay_cause *cause = assay_cause_find("compiler_version_differs");

	assay_cause_explain(cause, first_string(assay_node_bytes(p->left, p->l)),
			    first_string(assay_node_bytes(p->right, p->r)), NULL, text,
			    sizeof(text));
	add_whole(p, cause->id, text, ASSAY_SEVERITY_METADATA, false);
}

/* Unwind tables in another order, while debug information shows the same objects in another order. */
static void differ_unwind(const struct pair *p)
{
	if (p->story->debug_permuted)
		add_whole(p, "random_order_of_linked_objects", NULL, ASSAY_SEVERITY_CODE, false);
}

/* The same bytes in another order, as the constants of permuted objects are. */
static bool has_same_bytes(struct assay_span a, struct assay_span b)
{
	uint64_t counts[256] = { 0 };

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		counts[a.data[i]]++;
		counts[b.data[i]]--;
	}
	for (size_t i = 0; i < 256; i++)
		if (counts[i] != 0)
			return false;
	return true;
}

static void differ_data(const struct pair *p)
{
	const struct assay_elf_story *s = p->story;
	char text[640];

	if (s->functions_changed > MOST_FUNCTIONS / 2) {
		/* much of the code differs: what the code says of it is worth more than bytes */
		assay_elf_story_tell(p->left, p->right, text, sizeof(text));
		add_whole(p, NULL, text, ASSAY_SEVERITY_CODE, false);
		return;
	}
	if (s->reordered &&
	    s->functions_changed + s->functions_left_only + s->functions_right_only == 0 &&
	    has_same_bytes(assay_node_bytes(p->left, p->l), assay_node_bytes(p->right, p->r)))
		add_whole(p, "random_order_of_linked_objects", NULL, ASSAY_SEVERITY_DATA, false);
}

static void differ_headers(const struct pair *p)
{
	/* places that moved or changed code; with neither, a header stands for itself */
	if (!p->story->headers_matter && p->has_root &&
	    (p->story->sizes_differ || assay_elf_story_is_code(p->story)))
		add_whole(p, "size_of_changed_content", NULL, ASSAY_SEVERITY_METADATA, true);
}

/* Which role's rules apply to a leaf. */
static const struct {
	enum assay_elf_field field;
	enum assay_elf_role role;
} roles[] = {
	{ ASSAY_ELF_LINKAGE, ASSAY_ELF_ROLE_LINKAGE },
	{ ASSAY_ELF_UNWIND, ASSAY_ELF_ROLE_UNWIND },
	{ ASSAY_ELF_BUILD_ID, ASSAY_ELF_ROLE_BUILD_ID },
	{ ASSAY_ELF_BUILD_ID_GIVEN, ASSAY_ELF_ROLE_BUILD_ID },
	{ ASSAY_ELF_DEBUGLINK_NAME, ASSAY_ELF_ROLE_DEBUGLINK },
	{ ASSAY_ELF_DEBUGLINK_CRC, ASSAY_ELF_ROLE_DEBUGLINK },
	{ ASSAY_ELF_ALTLINK_ID, ASSAY_ELF_ROLE_DEBUGLINK },
	{ ASSAY_ELF_DEBUG, ASSAY_ELF_ROLE_DEBUG },
	{ ASSAY_ELF_SYMBOLS, ASSAY_ELF_ROLE_SYMBOLS },
};

static bool follows(const struct pair *p, const struct assay_field *field)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (field == &assay_elf_fields[roles[i].field])
			return assay_elf_story_follows(p->story, roles[i].role);
	return false;
}

enum assay_code assay_elf_differ(const struct assay_anatomy *left,
				 const struct assay_node *left_node,
				 const struct assay_anatomy *right,
				 const struct assay_node *right_node,
				 struct assay_findings *findings, struct assay_error *err)
{
	const struct assay_field *field = left_node->field;
	struct pair p = { left,	       right,	    left_node, right_node,
			  left->priv, right->priv, NULL,      findings,	  false };

	if (field == &assay_elf_fields[ASSAY_ELF_CODE] && assay_elf_instructions_prepare(err))
		return err->code;
	p.story = assay_elf_story_of(left, right);
	p.has_root = assay_elf_story_has_root(p.story);
	if (field == &assay_elf_fields[ASSAY_ELF_CODE])
		differ_code(&p);
	else if (field == &assay_elf_fields[ASSAY_ELF_DATA])
		differ_data(&p);
	else if (field == &assay_elf_fields[ASSAY_ELF_HEADER] ||
		 field == &assay_elf_fields[ASSAY_ELF_SEGMENTS] ||
		 field == &assay_elf_fields[ASSAY_ELF_SECTIONS])
		differ_headers(&p);
	else if (follows(&p, field))
		add_whole(&p, "moved_by_changed_size", NULL, ASSAY_SEVERITY_METADATA, true);
	else if (field == &assay_elf_fields[ASSAY_ELF_BUILD_ID])
		differ_build_id(&p);
	else if (field == &assay_elf_fields[ASSAY_ELF_COMMENT])
		differ_comment(&p);
	else if (field == &assay_elf_fields[ASSAY_ELF_LINKAGE])
		differ_linkage(&p);
	else if (field == &assay_elf_fields[ASSAY_ELF_UNWIND])
		differ_unwind(&p);
	else if (field == &assay_elf_fields[ASSAY_ELF_DEBUG])
		differ_debug(&p, assay_span_ends(left_node->name, "str"));
	return ASSAY_OK;
}

/* Only strip is a story of the whole file; code tells its own at each function. */
bool assay_elf_explain(const struct assay_anatomy *left, const struct assay_anatomy *right,
		       const struct assay_build_context *left_context,
		       const struct assay_build_context *right_context,
		       struct assay_recognised *ret)
{
	const struct assay_elf_story *s = assay_elf_story_of(left, right);
	const struct assay_elf_priv *l = left->priv;
	bool loaded = s->differs[ASSAY_ELF_ROLE_DATA] || s->differs[ASSAY_ELF_ROLE_LINKAGE] ||
		      s->differs[ASSAY_ELF_ROLE_UNWIND] || s->differs[ASSAY_ELF_ROLE_NOTE] ||
		      s->differs[ASSAY_ELF_ROLE_OTHER] || s->differs[ASSAY_ELF_ROLE_COMMENT];

	(void)left_context;
	(void)right_context;
	if (l->elf.section_count < 2 || assay_elf_story_is_code(s) || loaded || s->headers_matter)
		return false;
	for (int i = 0; i < ASSAY_ELF_ROLES; i++)
		if (s->one_sided[i] && i != ASSAY_ELF_ROLE_DEBUG && i != ASSAY_ELF_ROLE_SYMBOLS &&
		    i != ASSAY_ELF_ROLE_DEBUGLINK && i != ASSAY_ELF_ROLE_BUILD_ID &&
		    i != ASSAY_ELF_ROLE_COMMENT)
			return false;
	*ret = (struct assay_recognised){ .confidence = ASSAY_CERTAIN };
	if (s->one_sided[ASSAY_ELF_ROLE_DEBUG] || s->one_sided[ASSAY_ELF_ROLE_SYMBOLS])
		ret->cause = assay_cause_find("debug_symbols_not_stripped");
	else if (s->one_sided[ASSAY_ELF_ROLE_BUILD_ID])
		ret->cause = assay_cause_find("build_id_missing");
	else
		return false;
	assay_cause_explain(ret->cause, assay_span_of("", 0), assay_span_of("", 0), NULL,
			    ret->explanation, sizeof(ret->explanation));
	return true;
}
