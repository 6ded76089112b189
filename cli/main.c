/* SPDX-License-Identifier: Apache-2.0 */
/* assay(1): finds the verb and runs it. */
#include <stdio.h>
#include <string.h>

#include "assay/log.h"
#include "assay/process.h"
#include "cli.h"

int assay_cli_anatomy(int argc, char **argv);
int assay_cli_attest_show(int argc, char **argv);
int assay_cli_attest_verify(int argc, char **argv);
int assay_cli_compare(int argc, char **argv);
int assay_cli_keygen(int argc, char **argv);
int assay_cli_recipe_check(int argc, char **argv);
int assay_cli_recipe_infer(int argc, char **argv);
int assay_cli_recipe_lock(int argc, char **argv);
int assay_cli_show_trace(int argc, char **argv);
int assay_cli_sign(int argc, char **argv);
int assay_cli_verify(int argc, char **argv);
int assay_cli_worker_check(int argc, char **argv);

const struct cli_verb cli_verbs[] = {
	{ "anatomy", "print what every byte of a file belongs to", assay_cli_anatomy },
	{ "attest show", "show statements without checking them", assay_cli_attest_show },
	{ "attest verify", "check signed statements", assay_cli_attest_verify },
	{ "compare", "how two files or directories differ", assay_cli_compare },
	{ "keygen", "make a signing key", assay_cli_keygen },
	{ "recipe check", "say whether recipes are complete", assay_cli_recipe_check },
	{ "recipe infer", "write the recipe of a package URL", assay_cli_recipe_infer },
	{ "recipe lock", "pin what a recipe leaves open", assay_cli_recipe_lock },
	{ "show trace", "what a build read, ran and asked of the network", assay_cli_show_trace },
	{ "sign", "sign a file", assay_cli_sign },
	{ "verify", "rebuild one artifact here, say whether it matches", assay_cli_verify },
	{ "worker check", "show what this machine can isolate", assay_cli_worker_check },
	{ NULL, NULL, NULL },
};

static const struct cli_verb *find_verb(int argc, char **argv, int *ret_words)
{
	for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
		const char *space = strchr(verb->name, ' ');
		size_t first = space ? (size_t)(space - verb->name) : strlen(verb->name);

		if (strncmp(argv[1], verb->name, first) != 0 || argv[1][first] != '\0')
			continue;
		*ret_words = space ? 2 : 1;
		if (!space || (argc > 2 && strcmp(argv[2], space + 1) == 0))
			return verb;
	}
	return NULL;
}

static void print_help(void)
{
	puts("usage: assay VERB [OPTION...] [ARGUMENT...]\n");
	for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
		printf("  %-14s %s\n", verb->name, verb->summary);
	puts("\n`assay VERB --help` and assay-VERB(1) tell the rest.");
}

int main(int argc, char **argv)
{
	const struct cli_verb *verb;
	int words = 1;

	assay_log_init();
	assay_interrupt_init();
	if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
		print_help();
		return argc < 2 ? 2 : 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("assay " ASSAY_VERSION);
		return 0;
	}
	verb = find_verb(argc, argv, &words);
	if (!verb) {
		fprintf(stderr, "assay: no verb \"%s\"; `assay --help` lists them\n", argv[1]);
		return 2;
	}
	return verb->run(argc - words, argv + words);
}
