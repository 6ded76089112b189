/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status lines of gpgv (doc/DETAILS of GnuPG, "Format of the --status-fd output").
 *
 * gpgv prints VALIDSIG for every signature that is mathematically right, also when the key has
 * expired or was revoked; which of these it was is said by the line before it (GOODSIG, EXPSIG,
 * EXPKEYSIG, REVKEYSIG).  So both lines are wanted, within one group that NEWSIG begins.
 */
#include "assay/limits.h"
#include "signature_int.h"

#define PREFIX "[GNUPG:] "
#define WORDS_MAX 12

/* A line cut at spaces: VALIDSIG <fpr> <date> <time> <expires> <version> <reserved> <public key
 * algorithm> <digest algorithm> <class> <primary fpr> */
struct words {
	struct assay_span word[WORDS_MAX];
	size_t count;
	struct assay_span rest; /* behind the second word: the user id of GOODSIG */
};

enum { VALIDSIG_FPR = 1, VALIDSIG_DIGEST = 8, VALIDSIG_CLASS = 9, VALIDSIG_PRIMARY = 10 };

struct parser {
	struct gpgv_status *status;
	bool good;              /* GOODSIG seen in this group */
	struct assay_span user; /* and whose */
};

/* RFC 9580 section 9.5: SHA-256, SHA-384, SHA-512, SHA3-256, SHA3-512 */
static bool is_strong_digest(struct assay_span number)
{
	static const char *const strong[] = { "8", "9", "10", "12", "14" };

	for (size_t i = 0; i < sizeof(strong) / sizeof(strong[0]); i++)
		if (assay_span_equal_text(number, strong[i]))
			return true;
	return false;
}

static void keep(struct assay_span word, char *out, size_t size)
{
	assay_span_show(word, out, size);
}

static void on_newsig(struct parser *p, const struct words *w)
{
	(void)w;
	p->good = false;
	p->user = assay_span_of(NULL, 0);
}

static void on_goodsig(struct parser *p, const struct words *w)
{
	p->good = true;
	p->user = w->rest;
}

static void on_validsig(struct parser *p, const struct words *w)
{
	struct gpgv_status *s = p->status;

	if (!p->good)
		return;
	p->good = false; /* one VALIDSIG for each GOODSIG */
	if (w->count <= VALIDSIG_PRIMARY) {
		s->broken = true;
		return;
	}
	/* class 00: binary document, 01: text; anything else certifies keys and not data */
	if (!assay_span_equal_text(w->word[VALIDSIG_CLASS], "00") &&
	    !assay_span_equal_text(w->word[VALIDSIG_CLASS], "01"))
		return;
	if (!is_strong_digest(w->word[VALIDSIG_DIGEST])) {
		s->weak++;
		return;
	}
	if (s->valid++)
		return;
	keep(w->word[VALIDSIG_FPR], s->signer, sizeof(s->signer));
	keep(w->word[VALIDSIG_PRIMARY], s->fingerprint, sizeof(s->fingerprint));
	keep(p->user, s->user, sizeof(s->user));
}

static void on_badsig(struct parser *p, const struct words *w)
{
	(void)w;
	p->status->bad++;
}

static void on_stale(struct parser *p, const struct words *w)
{
	(void)w;
	p->status->stale++;
}

static void on_errsig(struct parser *p, const struct words *w)
{
	struct gpgv_status *s = p->status;

	if (s->unknown++ == 0 && w->count > 1)
		keep(w->word[1], s->unknown_key, sizeof(s->unknown_key));
}

static void on_plaintext(struct parser *p, const struct words *w)
{
	(void)w;
	p->status->plaintexts++;
}

static void on_broken(struct parser *p, const struct words *w)
{
	(void)w;
	p->status->broken = true;
}

/* ERROR is also printed for troubles of a keyring, which count by the signatures they leave unknown;
 * what proc_pkt reports is a message of a wrong shape. */
static void on_error(struct parser *p, const struct words *w)
{
	if (w->count > 1 && assay_span_starts(w->word[1], "proc_pkt"))
		p->status->broken = true;
}

static const struct {
	const char *keyword;
	void (*handle)(struct parser *p, const struct words *w);
} keywords[] = {
	{ "BADARMOR", on_broken },   { "BADSIG", on_badsig },	  { "ERROR", on_error },
	{ "ERRSIG", on_errsig },     { "EXPKEYSIG", on_stale },	  { "EXPSIG", on_stale },
	{ "GOODSIG", on_goodsig },   { "NEWSIG", on_newsig },	  { "PLAINTEXT", on_plaintext },
	{ "REVKEYSIG", on_stale },   { "UNEXPECTED", on_broken }, { "VALIDSIG", on_validsig },
};

static void split(struct assay_span line, struct words *ret)
{
	*ret = (struct words){ .count = 0 };
	while (line.len && ret->count < WORDS_MAX) {
		size_t end = assay_span_find(line, 0, assay_span_text(" "));

		ret->word[ret->count++] = assay_span_cut(line, 0, end);
		line = end == SIZE_MAX ? assay_span_of(NULL, 0)
				       : assay_span_cut(line, end + 1, line.len);
		if (ret->count == 2)
			ret->rest = line;
	}
}

void gpgv_status_parse(struct assay_span text, struct gpgv_status *ret)
{
	struct parser p = { .status = ret };
	struct assay_span line;
	struct words words;

	*ret = (struct gpgv_status){ .valid = 0 };
	while (assay_span_next_line(&text, &line)) {
		if (!assay_span_starts(line, PREFIX))
			continue;
		split(assay_span_cut(line, strlen(PREFIX), line.len), &words);
		for (size_t i = 0; words.count && i < sizeof(keywords) / sizeof(keywords[0]); i++)
			if (assay_span_equal_text(words.word[0], keywords[i].keyword))
				keywords[i].handle(&p, &words);
	}
}
