/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options by getopt_long(3): it knows permutation, "--" and prefixes.  What it would print itself is
 * said here instead, with the nearest name that does exist and the way to the help.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "help.h"

enum { MAX_OPTIONS = 64, MAX_NAME = 64, FIRST_VALUE = 256 };

const char *cli_help(const char *verb)
{
	size_t first = strcspn(verb, " ");
	const char *text = NULL;

	for (const struct cli_page *page = cli_pages; page->verb; page++) {
		if (strcmp(page->verb, verb) == 0)
			return page->text;
		if (verb[first] == ' ' && strlen(page->verb) == first &&
		    strncmp(page->verb, verb, first) == 0)
			text = page->text;
	}
	return text;
}

static void hint(const char *verb)
{
	fprintf(stderr, "Try `assay %s%s--help`.\n", verb, *verb ? " " : "");
}

int cli_usage(const char *verb, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "assay%s%s: ", *verb ? " " : "", verb);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	hint(verb);
	return 2;
}

int cli_fail(const struct assay_error *err)
{
	fprintf(stderr, "assay: %s\n", err->msg[0] ? err->msg : assay_code_text(err->code));
	return assay_code_exit_status(err->code);
}

/* Levenshtein with transpositions of neighbours: what a slip of the fingers costs. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][MAX_NAME + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > MAX_NAME || b_len > MAX_NAME)
		return UINT32_MAX;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		const unsigned *before = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
		unsigned *row = rows[i % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a_len % 3][b_len];
}

void cli_nearest_init(struct cli_nearest *nearest, const char *word)
{
	*nearest = (struct cli_nearest){ .word = word, .distance = UINT32_MAX };
}

void cli_nearest_offer(struct cli_nearest *nearest, const char *candidate)
{
	unsigned cost = distance(nearest->word, candidate);

	if (cost >= nearest->distance || cost > 1 + strlen(candidate) / 4)
		return;
	nearest->distance = cost;
	nearest->best = candidate;
}

static int unknown_option(const char *verb, const char *given, const struct cli_option *options)
{
	char name[MAX_NAME];
	struct cli_nearest nearest;
	size_t len = strcspn(given, "=");
	unsigned matches = 0;

	if (len >= sizeof(name))
		return cli_usage(verb, "there is no option of such length");
	memcpy(name, given, len);
	name[len] = '\0';
	cli_nearest_init(&nearest, name);
	for (const struct cli_option *option = options; option->name; option++) {
		matches += strncmp(option->name, name, len) == 0;
		cli_nearest_offer(&nearest, option->name);
	}
	matches += strncmp("help", name, len) == 0;
	if (matches > 1) {
		fprintf(stderr, "assay %s: --%s could be any of:", verb, name);
		for (const struct cli_option *option = options; option->name; option++)
			if (strncmp(option->name, name, len) == 0)
				fprintf(stderr, " --%s", option->name);
		fputs(strncmp("help", name, len) == 0 ? " --help\n" : "\n", stderr);
		return 2;
	}
	if (nearest.best)
		return cli_usage(verb, "no option --%s; did you mean --%s?", name, nearest.best);
	return cli_usage(verb, "no option --%s", name);
}

/* Shows one letter of hostile argv, which may be any byte. */
static int unknown_letter(const char *verb, int letter)
{
	if (isgraph(letter) && letter < 128)
		return cli_usage(verb, "no option -%c", letter);
	return cli_usage(verb, "no option -\\x%02x", (unsigned)letter & 0xff);
}

static void add_item(struct cli_list *list, const char *value)
{
	const char **items = realloc(list->items, (list->count + 2) * sizeof(*items));

	if (!items)
		abort();
	items[list->count++] = value;
	items[list->count] = NULL;
	list->items = items;
}

static void store(const struct cli_option *option, const char *value)
{
	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)option->target = true;
		break;
	case CLI_TEXT:
		*(const char **)option->target = value;
		break;
	case CLI_OPTIONAL:
		*(struct cli_optional *)option->target = (struct cli_optional){ true, value };
		break;
	case CLI_LIST:
		add_item(option->target, value);
		break;
	}
}

/* The same table as getopt_long wants it.  A name of one letter is a short option. */
static void translate(const struct cli_option *options, struct option *longs, char *shorts)
{
	static const int has_argument[] = {
		[CLI_FLAG] = no_argument,
		[CLI_TEXT] = required_argument,
		[CLI_OPTIONAL] = optional_argument,
		[CLI_LIST] = required_argument,
	};
	size_t n = 0, letters = 0;

	shorts[letters++] = ':';
	for (int i = 0; options[i].name; i++) {
		if (i == MAX_OPTIONS)
			abort();
		if (options[i].name[1]) {
			longs[n++] = (struct option){ options[i].name, has_argument[options[i].kind],
						      NULL, FIRST_VALUE + i };
			continue;
		}
		shorts[letters++] = options[i].name[0];
		for (int colons = has_argument[options[i].kind]; colons > 0; colons--)
			shorts[letters++] = ':';
	}
	longs[n++] = (struct option){ "help", no_argument, NULL, 'h' };
	longs[n] = (struct option){ NULL, 0, NULL, 0 };
	shorts[letters++] = 'h';
	shorts[letters] = '\0';
}

static const struct cli_option *find_option(const struct cli_option *options, int value)
{
	if (value >= FIRST_VALUE)
		return options + (value - FIRST_VALUE);
	for (; options->name; options++)
		if (options->name[0] == value && !options->name[1])
			break;
	return options;
}

static void print_page(const char *verb)
{
	const char *text = cli_help(verb);

	if (text)
		fputs(text, stdout);
	else
		printf("usage: assay %s [OPTION...] [ARGUMENT...]\n", verb);
	exit(fflush(stdout) ? 3 : 0);
}

/* optopt: the value of a known option that was used wrongly, a letter, or 0. */
static int wrong_option(const char *verb, char **argv, const struct cli_option *options)
{
	if (optopt >= FIRST_VALUE)
		return cli_usage(verb, "--%s takes no value", find_option(options, optopt)->name);
	if (optopt == 'h' && strncmp(argv[optind - 1], "--", 2) == 0)
		return cli_usage(verb, "--help takes no value");
	if (optopt)
		return unknown_letter(verb, optopt);
	return unknown_option(verb, argv[optind - 1] + 2, options);
}

static int check_count(const char *verb, int count, int min, int max, const char *first_extra)
{
	if (count < min)
		return cli_usage(verb, "want %s%d argument%s, have %d", min == max ? "" : "at least ",
				 min, min == 1 ? "" : "s", count);
	if (count > max)
		return cli_usage(verb, "want %s%d argument%s, have %d: \"%s\" is too many",
				 min == max ? "" : "at most ", max, max == 1 ? "" : "s", count,
				 first_extra);
	return 0;
}

int cli_parse(const char *verb, int argc, char **argv, const struct cli_option *options, int min,
	      int max, char ***ret_args, int *ret_count)
{
	struct option longs[MAX_OPTIONS + 2];
	char shorts[2 * MAX_OPTIONS + MAX_OPTIONS + 3];
	int value, status;

	translate(options, longs, shorts);
	optind = 0; /* glibc: start over, also with another table */
	opterr = 0;
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (value == 'h')
			print_page(verb);
		if (value == '?')
			return wrong_option(verb, argv, options);
		if (value == ':') {
			const char *name = find_option(options, optopt)->name;

			return cli_usage(verb, "%s%s wants a value", name[1] ? "--" : "-", name);
		}
		store(find_option(options, value), optarg);
	}
	status = check_count(verb, argc - optind, min, max,
			     argc - optind > max ? argv[optind + max] : "");
	if (status)
		return status;
	*ret_args = argv + optind;
	*ret_count = argc - optind;
	return 0;
}
