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
int assay_cli_audit_checkpoints(int argc, char **argv);
int assay_cli_audit_list(int argc, char **argv);
int assay_cli_audit_verify(int argc, char **argv);
int assay_cli_cancel(int argc, char **argv);
int assay_cli_compare(int argc, char **argv);
int assay_cli_enrol(int argc, char **argv);
int assay_cli_history(int argc, char **argv);
int assay_cli_jobs(int argc, char **argv);
int assay_cli_keygen(int argc, char **argv);
int assay_cli_normalize(int argc, char **argv);
int assay_cli_pools(int argc, char **argv);
int assay_cli_recipe_check(int argc, char **argv);
int assay_cli_recipe_infer(int argc, char **argv);
int assay_cli_recipe_lock(int argc, char **argv);
int assay_cli_report_changes(int argc, char **argv);
int assay_cli_report_clusters(int argc, char **argv);
int assay_cli_report_nightly(int argc, char **argv);
int assay_cli_retry(int argc, char **argv);
int assay_cli_revoke(int argc, char **argv);
int assay_cli_schedule_add(int argc, char **argv);
int assay_cli_schedule_list(int argc, char **argv);
int assay_cli_schedule_remove(int argc, char **argv);
int assay_cli_schedule_run(int argc, char **argv);
int assay_cli_scheduler(int argc, char **argv);
int assay_cli_scheduler_token(int argc, char **argv);
int assay_cli_scheduler_backup(int argc, char **argv);
int assay_cli_scheduler_restore(int argc, char **argv);
int assay_cli_show(int argc, char **argv);
int assay_cli_show_trace(int argc, char **argv);
int assay_cli_sign(int argc, char **argv);
int assay_cli_store_check(int argc, char **argv);
int assay_cli_store_gc(int argc, char **argv);
int assay_cli_store_stats(int argc, char **argv);
int assay_cli_submit(int argc, char **argv);
int assay_cli_verify(int argc, char **argv);
int assay_cli_worker(int argc, char **argv);
int assay_cli_worker_check(int argc, char **argv);
int assay_cli_workers(int argc, char **argv);

const struct cli_verb cli_verbs[] = {
	{ "anatomy", "print what every byte of a file belongs to", assay_cli_anatomy },
	{ "attest show", "show statements without checking them", assay_cli_attest_show },
	{ "attest verify", "check signed statements", assay_cli_attest_verify },
	{ "audit checkpoints", "how far the audit log was signed", assay_cli_audit_checkpoints },
	{ "audit list", "who asked the farm for what", assay_cli_audit_list },
	{ "audit verify", "whether the audit log is whole", assay_cli_audit_verify },
	{ "cancel", "end jobs of the farm", assay_cli_cancel },
	{ "compare", "how two files or directories differ", assay_cli_compare },
	{ "enrol", "become a user or worker of a farm", assay_cli_enrol },
	{ "history", "the runs of one target of the farm", assay_cli_history },
	{ "jobs", "list the jobs of the farm", assay_cli_jobs },
	{ "keygen", "make a signing key", assay_cli_keygen },
	{ "normalize", "write the canonical form of files", assay_cli_normalize },
	{ "pools", "list pools, hold one back", assay_cli_pools },
	{ "recipe check", "say whether recipes are complete", assay_cli_recipe_check },
	{ "recipe infer", "write the recipe of a package URL", assay_cli_recipe_infer },
	{ "recipe lock", "pin what a recipe leaves open", assay_cli_recipe_lock },
	{ "report changes", "what ended otherwise than the time before", assay_cli_report_changes },
	{ "report clusters", "causes of differences, by who shares them", assay_cli_report_clusters },
	{ "report nightly", "what is new since yesterday", assay_cli_report_nightly },
	{ "retry", "jobs through the queue once more", assay_cli_retry },
	{ "revoke", "a worker or user is nobody any more", assay_cli_revoke },
	{ "schedule add", "queue targets again and again", assay_cli_schedule_add },
	{ "schedule list", "list schedules and when they fire", assay_cli_schedule_list },
	{ "schedule remove", "end schedules", assay_cli_schedule_remove },
	{ "schedule run", "fire schedules at once", assay_cli_schedule_run },
	{ "scheduler", "the daemon that holds the queue", assay_cli_scheduler },
	{ "scheduler token", "let one worker or user enrol, once", assay_cli_scheduler_token },
	{ "scheduler backup", "the farm's state into a file, while it works", assay_cli_scheduler_backup },
	{ "scheduler restore", "a farm's state out of a file", assay_cli_scheduler_restore },
	{ "show", "one job of the farm, or its report", assay_cli_show },
	{ "show trace", "what a build read, ran and asked of the network", assay_cli_show_trace },
	{ "sign", "sign a file", assay_cli_sign },
	{ "store check", "hash every blob of the store again", assay_cli_store_check },
	{ "store gc", "remove what is no longer needed", assay_cli_store_gc },
	{ "store stats", "what the store holds, by class", assay_cli_store_stats },
	{ "submit", "jobs into the queue", assay_cli_submit },
	{ "verify", "rebuild one artifact here, say whether it matches", assay_cli_verify },
	{ "worker", "draw jobs from a scheduler and run them", assay_cli_worker },
	{ "worker check", "show what this machine can isolate", assay_cli_worker_check },
	{ "workers", "list workers, drain or revoke one", assay_cli_workers },
	{ NULL, NULL, NULL },
};

/* "worker check" before "worker". */
static const struct cli_verb *find_verb(int argc, char **argv, int *ret_words)
{
	const struct cli_verb *one_word = NULL;

	for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
		const char *space = strchr(verb->name, ' ');
		size_t first = space ? (size_t)(space - verb->name) : strlen(verb->name);

		if (strncmp(argv[1], verb->name, first) != 0 || argv[1][first] != '\0')
			continue;
		if (!space) {
			one_word = verb;
		} else if (argc > 2 && strcmp(argv[2], space + 1) == 0) {
			*ret_words = 2;
			return verb;
		}
	}
	*ret_words = 1;
	return one_word;
}

static void print_help(void)
{
	puts("usage: assay VERB [OPTION...] [ARGUMENT...]\n");
	for (const struct cli_verb *verb = cli_verbs; verb->name; verb++)
		printf("  %-15s %s\n", verb->name, verb->summary);
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
