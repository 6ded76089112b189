/* SPDX-License-Identifier: Apache-2.0 */
/* What `assay normalize` says: lines for people, one object for machines. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "assay/file.h"
#include "assay/limits.h"
#include "normalize.h"

#define SHOWN 300

/* Standard output belongs to the canonical form, or to --json, when one of them goes there. */
static FILE *stream_of(const struct cli_normalize *run)
{
	return run->mode == CLI_NORMALIZE_STDOUT || (run->json.given && !run->json.value) ? stderr : stdout;
}

static const char *shown(const char *text, char *out)
{
	return assay_span_show(assay_span_text(text), out, SHOWN);
}

static void print_passes(FILE *out, const json_t *passes, bool unsafe)
{
	const char *before = unsafe ? "\n  unsafe: " : "";
	json_t *pass;
	size_t i;

	json_array_foreach(passes, i, pass) {
		if (assay_json_bool(pass, "unsafe") != unsafe)
			continue;
		fprintf(out, "%s%s (%lld)", before, assay_json_text(pass, "name", ""),
			(long long)assay_json_int(pass, "fields", 0));
		before = ", ";
	}
}

static void print_kept(FILE *out, const json_t *result)
{
	json_t *kept, *part;
	char text[SHOWN];
	size_t i, k;

	json_array_foreach(json_object_get(result, "kept"), i, kept) {
		fputs("  left alone inside: ", out);
		json_array_foreach(json_object_get(kept, "path"), k, part)
			fprintf(out, "%s%s", k ? " > " : "",
				shown(json_string_value(part) ? json_string_value(part) :
								assay_json_text(part, "bytes", ""),
				      text));
		fprintf(out, ": %s\n", shown(assay_json_text(kept, "reason", ""), text));
	}
	if (assay_json_int(result, "kept_not_listed", 0))
		fprintf(out, "  and %lld more\n", (long long)assay_json_int(result, "kept_not_listed", 0));
}

void cli_normalize_print(const struct cli_normalize *run, const json_t *result)
{
	const char *state = assay_json_text(result, "state", "");
	const json_t *passes = json_object_get(result, "passes");
	FILE *out = stream_of(run);
	char text[SHOWN];

	if (run->quiet)
		return;
	fprintf(out, "%s: ", shown(assay_json_text(result, "name", ""), text));
	if (strcmp(state, "changed") == 0) {
		fputs(run->mode == CLI_NORMALIZE_CHECK ? "would change: " : "changed: ", out);
		print_passes(out, passes, false);
		print_passes(out, passes, true);
		fputc('\n', out);
	} else if (strcmp(state, "kept") == 0) {
		fprintf(out, "left alone: %s\n", shown(assay_json_text(result, "reason", ""), text));
	} else if (assay_json_bool(result, "written")) {
		fputs("canonical\n", out);
	} else {
		fprintf(out, "nothing to normalize (%s)\n", assay_json_text(result, "format", ""));
	}
	print_kept(out, result);
}

static bool dump(const json_t *object, const char *path)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_error err = ASSAY_ERROR_INIT;

	assay_json_dump(object, &buf);
	if (assay_buf_check(&buf, "report", &err) ||
	    (path ? assay_file_write(AT_FDCWD, path, assay_buf_span(&buf), 0644, &err) :
		    assay_fd_write(STDOUT_FILENO, buf.data, buf.len, &err))) {
		cli_fail(&err);
		return false;
	}
	return true;
}

bool cli_normalize_report(const struct cli_normalize *run)
{
	assay_auto(assay_json_freep) json_t *report = NULL;

	if (!run->json.given)
		return true;
	report = assay_json_object();
	assay_json_set_text(report, "schema", "assay.normalize/1");
	if (run->options.has_epoch)
		assay_json_set_int(report, "source_date_epoch", run->options.epoch);
	assay_json_set(report, "files", json_incref(run->files));
	return dump(report, run->json.value);
}

int cli_normalize_list(const struct cli_normalize *run)
{
	assay_auto(assay_json_freep) json_t *object = assay_normalize_passes();
	json_t *pass, *item;
	size_t i, k;

	if (run->json.given)
		return dump(object, run->json.value) ? 0 : 2;
	json_array_foreach(json_object_get(object, "passes"), i, pass) {
		printf("%-18s %s", assay_json_text(pass, "name", ""), assay_json_text(pass, "rating", ""));
		json_array_foreach(json_object_get(pass, "conditions"), k, item)
			printf("%s %s", k ? ";" : ", when:", json_string_value(item));
		putchar('\n');
		json_array_foreach(json_object_get(pass, "fields"), k, item)
			printf("    %-24s %s\n", assay_json_text(item, "field", ""),
			       assay_json_text(item, "rule", ""));
	}
	return 0;
}
