/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one file a verb, one table of verbs in main.c, one option parser.  A verb
 * declares its options as a table; results go to stdout, everything else to stderr.
 */
#ifndef ASSAY_CLI_H
#define ASSAY_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"

enum cli_option_kind {
	CLI_FLAG,     /* --name: target is bool * */
	CLI_TEXT,     /* --name=VALUE: target is const char ** */
	CLI_OPTIONAL, /* --name[=VALUE]: target is struct cli_optional * */
	CLI_LIST,     /* --name=VALUE, repeatable: target is struct cli_list * */
};

struct cli_optional {
	bool given;
	const char *value; /* NULL when given without one */
};

struct cli_list {
	const char **items; /* NULL-terminated once anything was given */
	size_t count;
};

struct cli_option {
	const char *name; /* of one letter: -o */
	enum cli_option_kind kind;
	void *target;
};

struct cli_verb {
	const char *name; /* "recipe check" has two words */
	const char *summary;
	int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit status */
};

/* Alphabetical, ends with a NULL name. */
extern const struct cli_verb cli_verbs[];

/* The best guess at what a mistyped word was meant to be; best stays NULL when nothing is near. */
struct cli_nearest {
	const char *word, *best;
	unsigned distance;
};

void cli_nearest_init(struct cli_nearest *nearest, const char *word);
void cli_nearest_offer(struct cli_nearest *nearest, const char *candidate);

/* Parses options (any order, "--" ends them, long names may be cut while unique) into the table's
 * targets.  Positional arguments are moved to *ret_args (pointing into argv) and counted; fewer than
 * min or more than max is a usage error.  The table ends with a NULL name.  --help prints the verb's page and exits 0.  Returns 0, or
 * 2 after saying on stderr what is wrong and how to get help. */
int cli_parse(const char *verb, int argc, char **argv, const struct cli_option *options, int min,
	      int max, char ***ret_args, int *ret_count);
/* Prints "assay: <message>" and returns the exit status of the error's code. */
int cli_fail(const struct assay_error *err);
/* Prints "assay VERB: <message>" and the hint to --help; returns 2. */
int cli_usage(const char *verb, const char *fmt, ...) ASSAY_PRINTF(2, 3);
/* The help text of a verb ("" = the program), made from its man page; NULL when there is none. */
const char *cli_help(const char *verb);

#endif
