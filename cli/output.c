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

/* path NULL: stdout. */
static enum assay_code write_as(const char *writer, const char *path, bool verbose,
				const json_t *report, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_report_style style = stdout_style(verbose);

	assay_report_writer_find(writer)->write(report, &style, &text);
	if (assay_buf_check(&text, "report", err))
		return err->code;
	if (path)
		return assay_file_write(AT_FDCWD, path, assay_buf_span(&text), 0644, err);
	if (assay_fd_write(STDOUT_FILENO, text.data, text.len, err))
		return assay_context(err, "standard output");
	return ASSAY_OK;
}

int cli_outputs_write(const struct cli_outputs *outputs, const json_t *report,
		      struct assay_error *err)
{
	bool json_to_stdout = outputs->json.given && !outputs->json.value;

	if ((outputs->json.value &&
	     write_as("json", outputs->json.value, false, report, err)) ||
	    (outputs->html && write_as("html", outputs->html, true, report, err)) ||
	    (outputs->markdown && write_as("markdown", outputs->markdown, true, report, err)) ||
	    write_as(json_to_stdout ? "json" : "text", NULL, outputs->verbose, report, err))
		return cli_fail(err);
	return 0;
}
