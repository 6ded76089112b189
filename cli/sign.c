/* SPDX-License-Identifier: Apache-2.0 */
/* assay sign: a detached signature beside a file, as bare bytes or as minisign(1) reads it. */
#include <fcntl.h>
#include <stdio.h>

#include "assay/attestation.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "assay/time.h"
#include "cli.h"

int assay_cli_sign(int argc, char **argv);

struct request {
	const char *key, *format, *output, *comment;
};

static enum assay_code sign_raw(const struct assay_key *key, const char *file,
				const struct request *request, struct assay_buf *out,
				struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf bytes = ASSAY_BUF_INIT(ASSAY_MAX_SIGNED);

	(void)request;
	if (assay_file_read(AT_FDCWD, file, &bytes, err))
		return err->code;
	return assay_key_sign(key, assay_buf_span(&bytes), out, err);
}

static enum assay_code sign_minisign(const struct assay_key *key, const char *file,
				     const struct request *request, struct assay_buf *out,
				     struct assay_error *err)
{
	assay_auto(assay_freep) char *comment = NULL;
	char now[ASSAY_TIME_TEXT], name[256];

	if (request->comment)
		return assay_key_minisign_sign(key, file, request->comment, out, err);
	if (asprintf(&comment, "timestamp:%s\tfile:%s", assay_time_format(assay_time_now(), now),
		     assay_span_show(assay_span_text(assay_path_base(file)), name,
				     sizeof(name))) < 0) {
		comment = NULL;
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	return assay_key_minisign_sign(key, file, comment, out, err);
}

static const struct format {
	const char *name, *suffix;
	enum assay_code (*sign)(const struct assay_key *key, const char *file,
				const struct request *request, struct assay_buf *out,
				struct assay_error *err);
} formats[] = {
	{ "minisign", ".minisig", sign_minisign },
	{ "raw", ".sig", sign_raw },
};

static const struct format *find_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

static enum assay_code sign_file(const char *file, const struct format *format,
				 const struct request *request, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf signature =
		ASSAY_BUF_INIT(ASSAY_MAX_SIGNATURE);
	assay_auto(assay_key_freep) struct assay_key *key = NULL;
	assay_auto(assay_freep) char *fallback = assay_key_default_path(), *beside = NULL;
	const char *key_path = request->key ? request->key : fallback, *output = request->output;

	if (!key_path || asprintf(&beside, "%s%s", file, format->suffix) < 0) {
		beside = NULL;
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	}
	output = output ? output : beside;
	if (assay_key_load(key_path, &key, err)) {
		if (err->code == ASSAY_ENOTFOUND)
			assay_fail(err, ASSAY_EUSAGE, "no key %s; `assay keygen` makes one",
				   key_path);
		return err->code;
	}
	if (format->sign(key, file, request, &signature, err) ||
	    assay_file_write(AT_FDCWD, output, assay_buf_span(&signature), 0644, err))
		return err->code;
	if (printf("%s\n", output) < 0 || fflush(stdout))
		return assay_fail_errno(err, "standard output");
	return ASSAY_OK;
}

int assay_cli_sign(int argc, char **argv)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	struct request request = { .format = "raw" };
	const struct cli_option options[] = {
		{ "comment", CLI_TEXT, &request.comment },
		{ "format", CLI_TEXT, &request.format },
		{ "key", CLI_TEXT, &request.key },
		{ "output", CLI_TEXT, &request.output },
		{ NULL, CLI_FLAG, NULL },
	};
	const struct format *format;
	char **args;
	int count, status = cli_parse("sign", argc, argv, options, 1, 1, &args, &count);

	if (status)
		return status;
	format = find_format(request.format);
	if (!format)
		return cli_usage("sign", "--format: want raw or minisign, have \"%s\"",
				 request.format);
	if (request.comment && format->sign != sign_minisign)
		return cli_usage("sign", "--comment goes with --format=minisign only");
	return sign_file(args[0], format, &request, &err) ? cli_fail(&err) : 0;
}
