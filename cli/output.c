/* SPDX-License-Identifier: Apache-2.0 */
/* One report, as many forms as the user asked for. */
#include "output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/report.h"
#include "assay/verdict.h"

static struct assay_report_style stdout_style(bool verbose)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct winsize size = { .ws_col = 0 };
	bool terminal = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;

	if (terminal)
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	return (struct assay_report_style){
		.colour = terminal && (!no_colour || !*no_colour),
		.width = size.ws_col,
		.verbose = verbose,
	};
}

static bool passes(const json_t *pair, const char *accept)
{
	enum assay_verdict verdict;

	return assay_verdict_parse(assay_json_text(pair, "verdict", ""), &verdict) &&
	       assay_verdict_exit_status(verdict, assay_json_text(pair, "grade", NULL), accept) == 0;
}

/* path NULL: stdout. */
static enum assay_code write_as(const struct cli_outputs *outputs, const char *writer,
				const char *path, const json_t *report, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_report_style style = stdout_style(outputs->verbose);

	style.passes = passes;
	style.accept = outputs->accept;
	assay_report_writer_find(writer)->write(report, &style, &text);
	if (assay_buf_check(&text, "report", err))
		return err->code;
	if (path)
		return assay_file_write(AT_FDCWD, path, assay_buf_span(&text), 0644, err);
	if (assay_fd_write(STDOUT_FILENO, text.data, text.len, err))
		return assay_context(err, "standard output");
	return ASSAY_OK;
}

static const char *json_writer(const struct cli_outputs *outputs)
{
	bool diffoscope = outputs->json_format && strcmp(outputs->json_format, "diffoscope") == 0;

	return diffoscope ? "diffoscope" : "json";
}

int cli_outputs_check(const char *verb, const struct cli_outputs *outputs)
{
	const char *format = outputs->json_format;

	if (!format)
		return 0;
	if (strcmp(format, "assay") != 0 && strcmp(format, "diffoscope") != 0)
		return cli_usage(verb, "--json-format: want assay or diffoscope, have \"%s\"",
				 format);
	if (!outputs->json.given)
		return cli_usage(verb, "--json-format: want --json beside it");
	return 0;
}

int cli_outputs_write(const struct cli_outputs *outputs, const json_t *report,
		      struct assay_error *err)
{
	bool json_to_stdout = outputs->json.given && !outputs->json.value;
	const struct {
		const char *writer, *path;
	} files[] = {
		{ json_writer(outputs), outputs->json.value }, { "html", outputs->html },
		{ "junit", outputs->junit },		       { "markdown", outputs->markdown },
		{ "sarif", outputs->sarif },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i].path &&
		    write_as(outputs, files[i].writer, files[i].path, report, err))
			return cli_fail(err);
	if (write_as(outputs, json_to_stdout ? json_writer(outputs) : "text", NULL, report, err))
		return cli_fail(err);
	return 0;
}
