/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Java classes that differ in nothing but the tables for debuggers (JVMS 4.7.12 to 4.7.14): javac ran with
 * other -g flags.  Looked for in the classes written as text (class_text.c), where no constant can hold a
 * line of its own.
 */
#include "assay/limits.h"
#include "cause_match.h"

#define HEAD "Java class, its constants written out"

static const char *const tables[] = {
	"  attribute utf8 \"LineNumberTable\"",
	"  attribute utf8 \"LocalVariableTable\"",
	"  attribute utf8 \"LocalVariableTypeTable\"",
	"  attribute utf8 \"SourceFile\"",
};

#define SEARCH_MAX (256 * ASSAY_MIB) /* of text, for the names of tables, before it is given up */

struct class_lines {
	struct assay_span text, rest, line;
	unsigned tables; /* bit i: tables[i] was seen */
	uint64_t searched;
	bool in_constants, more;
};

static bool is_table(struct class_lines *c, struct assay_span line)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (assay_span_starts(line, tables[i])) {
			c->tables |= 1U << i;
			return true;
		}
	return false;
}

/* "... attributes (3)" without the number: a constant ends with a quotation mark. */
static struct assay_span without_count(struct assay_span line)
{
	static const char word[] = " attributes (";
	size_t at = line.len;

	if (!assay_span_ends(line, ")"))
		return line;
	for (at--; at > 0 && line.data[at - 1] >= '0' && line.data[at - 1] <= '9';)
		at--;
	return assay_span_ends(assay_span_cut(line, 0, at), word) ? assay_span_cut(line, 0, at) : line;
}

/* Goes on to the next line that is no table for debuggers and no length of an attribute. */
static void go_on(struct class_lines *c)
{
	while ((c->more = assay_span_next_line(&c->rest, &c->line))) {
		if (is_table(c, c->line)) {
			while (assay_span_next_line(&c->rest, &c->line) && !assay_span_starts(c->line, "  end "))
				;
			continue;
		}
		c->in_constants |= assay_span_equal_text(c->line, "constants");
		if (!assay_span_starts(c->line, "  end "))
			break;
	}
	c->line = c->more ? without_count(c->line) : (struct assay_span){ .len = 0 };
}

/* The line is a name, and a table for debuggers of this class holds it. */
static bool is_name_of_table(struct class_lines *c)
{
	struct class_lines tables_only = { .rest = c->text };
	struct assay_span line;
	bool inside = false;

	if (!c->more || !c->in_constants || !assay_span_starts(c->line, "utf8 "))
		return false;
	c->searched += c->text.len;
	while (c->searched <= SEARCH_MAX && assay_span_next_line(&tables_only.rest, &line)) {
		inside = (inside || is_table(&tables_only, line)) && !assay_span_starts(line, "  end ");
		if (inside && assay_span_find(line, 0, c->line) != SIZE_MAX)
			return true;
	}
	return false;
}

bool cause_class_debug(struct assay_span left, struct assay_span right)
{
	struct class_lines l = { .text = left, .rest = left }, r = { .text = right, .rest = right };

	if (!assay_span_starts(left, HEAD) || !assay_span_starts(right, HEAD))
		return false;
	for (go_on(&l), go_on(&r); l.more || r.more;) {
		int order = assay_span_compare(l.line, r.line);

		if (order == 0 && l.more == r.more) {
			go_on(&l);
			go_on(&r);
		} else if ((order < 0 || !r.more) && is_name_of_table(&l)) {
			go_on(&l); /* the constants are sorted */
		} else if ((order > 0 || !l.more) && is_name_of_table(&r)) {
			go_on(&r);
		} else {
			return false;
		}
	}
	return l.tables != r.tables;
}
