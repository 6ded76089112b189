/* SPDX-License-Identifier: Apache-2.0 */
/* assay audit list|checkpoints|verify: what the farm remembers of who asked for what, and whether it is whole. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/audit.h"
#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/limits.h"
#include "assay/path.h"
#include "assay/scheduler.h"
#include "cli.h"
#include "farm.h"

int assay_cli_audit_checkpoints(int argc, char **argv);
int assay_cli_audit_list(int argc, char **argv);
int assay_cli_audit_verify(int argc, char **argv);

typedef enum assay_code visitor(void *data, const json_t *record, struct assay_error *err);

/* ---- where records come from --------------------------------------------------------------------- */

/* All of a list of the scheduler's, page by page. */
static enum assay_code walk_scheduler(struct assay_http_client *client, const char *where, const char *name,
				      visitor *visit, void *data, struct assay_error *err)
{
	int64_t after = 0;

	for (;;) {
		assay_auto(assay_json_freep) json_t *answer = NULL;
		int64_t last = after;
		char path[100];
		json_t *list, *record;
		size_t i;

		snprintf(path, sizeof(path), "%s?after=%lld", where, (long long)after);
		if (assay_http_call(client, "GET", path, NULL, &answer, err))
			return err->code;
		list = json_object_get(answer, name);
		json_array_foreach(list, i, record) {
			if (visit(data, record, err))
				return err->code;
			last = assay_json_int(record, "seq", last);
		}
		/* a list that does not go on, or turns back, ends here: the chain has been followed by then */
		if (!json_array_size(list) || last <= after)
			return ASSAY_OK;
		after = last;
	}
}

static enum assay_code walk_lines(const char *path, visitor *visit, void *data, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);
	struct assay_span rest, line;
	size_t number = 0;

	if (strcmp(path, "-") == 0 ? assay_buf_read_fd(&text, STDIN_FILENO, err) :
				     assay_file_read(AT_FDCWD, path, &text, err))
		return err->code;
	rest = assay_buf_span(&text);
	while (assay_span_next_line(&rest, &line)) {
		assay_auto(assay_json_freep) json_t *record = NULL;

		number++;
		if (assay_json_parse(line, "record", &record, err) || visit(data, record, err))
			return assay_context(err, "%s:%zu", path, number);
	}
	return ASSAY_OK;
}

/* ---- list ---------------------------------------------------------------------------------------- */

static enum assay_code print(void *data, const json_t *record, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf line = ASSAY_BUF_INIT(ASSAY_MAX_REPORT);

	(void)data;
	if (json_is_string(record))
		assay_buf_add_text(&line, json_string_value(record));
	else
		assay_json_dump_compact(record, &line);
	if (assay_buf_check(&line, "record", err))
		return err->code;
	return puts(assay_buf_text(&line)) == EOF ? assay_fail_errno(err, "standard output") : ASSAY_OK;
}

static int print_all(const char *verb, const char *where, const char *name, int argc, char **argv)
{
	const char *socket = NULL, *store = NULL;
	const struct cli_option options[] = {
		{ "socket", CLI_TEXT, &socket },
		{ "store", CLI_TEXT, &store },
		{ NULL, CLI_FLAG, NULL },
	};
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse(verb, argc, argv, options, 0, 0, &args, &count);

	if (status)
		return status;
	if (cli_farm_connect(store, socket, &client, &err) ||
	    walk_scheduler(client, where, name, print, NULL, &err))
		return cli_fail(&err);
	return fflush(stdout) ? 3 : 0;
}

int assay_cli_audit_list(int argc, char **argv)
{
	return print_all("audit list", "/v1/audit", "records", argc, argv);
}

int assay_cli_audit_checkpoints(int argc, char **argv)
{
	return print_all("audit checkpoints", "/v1/audit/checkpoints", "checkpoints", argc, argv);
}

/* ---- verify -------------------------------------------------------------------------------------- */

/* A checkpoint, waiting for the walk to come by. */
struct milestone {
	int64_t seq;
	char hash[ASSAY_DIGEST_TEXT];
	bool met;
};

struct verification {
	struct assay_audit_walk walk;
	struct assay_key *key;
	struct milestone *milestones;
	size_t count, room, next;
};

static int by_seq(const void *a, const void *b)
{
	const struct milestone *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static enum assay_code add_milestone(void *data, const json_t *checkpoint, struct assay_error *err)
{
	struct verification *v = data;
	const char *hash = assay_json_text(checkpoint, "hash", "");

	if (assay_audit_check(checkpoint, v->key, err))
		return err->code;
	if (v->count == v->room) {
		size_t room = v->room ? 2 * v->room : 64;
		struct milestone *more = realloc(v->milestones, room * sizeof(*more));

		if (!more)
			return assay_fail(err, ASSAY_ENOMEM, "out of memory");
		v->milestones = more;
		v->room = room;
	}
	v->milestones[v->count] = (struct milestone){ .seq = assay_json_int(checkpoint, "seq", 0) };
	snprintf(v->milestones[v->count++].hash, ASSAY_DIGEST_TEXT, "%s", hash);
	return ASSAY_OK;
}

static enum assay_code follow(void *data, const json_t *record, struct assay_error *err)
{
	struct verification *v = data;

	if (assay_audit_follow(&v->walk, record, err))
		return err->code;
	for (; v->next < v->count && v->milestones[v->next].seq <= v->walk.seq; v->next++)
		if (v->milestones[v->next].seq == v->walk.seq && strcmp(v->milestones[v->next].hash, v->walk.hash) != 0)
			return assay_fail(err, ASSAY_EUNTRUSTED,
					  "audit: record %lld is not the one that was signed: the chain was written anew",
					  (long long)v->walk.seq);
	return ASSAY_OK;
}

/* Signed checkpoints say how far the chain has been. */
static enum assay_code check_end(const struct verification *v, struct assay_error *err)
{
	if (v->next == v->count)
		return ASSAY_OK;
	return assay_fail(err, ASSAY_EUNTRUSTED, "audit: the chain ends at record %lld, but a checkpoint of record %lld is signed: its end was cut off",
			  (long long)v->walk.seq, (long long)v->milestones[v->count - 1].seq);
}

static enum assay_code fetch_key(struct assay_http_client *client, struct assay_key **ret, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *answer = NULL;

	if (assay_http_call(client, "GET", "/v1/audit/key", NULL, &answer, err))
		return err->code;
	return assay_key_parse_public(assay_span_text(assay_json_text(answer, "key", "")), "/v1/audit/key", ret, err);
}

struct sources {
	const char *file, *checkpoints, *key;
	const char *store, *socket;
};

/* What the scheduler of this machine wrote beside its database: a cut in the one is seen in the other. */
static enum assay_code walk_local(const char *store, struct verification *v, struct assay_error *err)
{
	assay_auto(assay_freep) char *socket = NULL;
	assay_auto(assay_freep) char *path = NULL;

	if (assay_scheduler_socket(store, &socket, err))
		return err->code;
	*strrchr(socket, '/') = '\0';
	path = assay_path_join(socket, "audit-checkpoints.jsonl");
	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	return access(path, F_OK) ? ASSAY_OK : walk_lines(path, add_milestone, v, err);
}

static enum assay_code verify(struct verification *v, const struct sources *from, struct assay_error *err)
{
	assay_auto(assay_http_client_freep) struct assay_http_client *client = NULL;

	if (!from->file && cli_farm_connect(from->store, from->socket, &client, err))
		return err->code;
	if (from->key ? assay_key_load_public(from->key, &v->key, err) : client ? fetch_key(client, &v->key, err) : ASSAY_OK)
		return err->code;
	if (from->checkpoints && !v->key)
		return assay_fail(err, ASSAY_EUSAGE, "--checkpoints: want --key with it, when the records are in a file");
	if ((client && walk_scheduler(client, "/v1/audit/checkpoints", "checkpoints", add_milestone, v, err)) ||
	    (from->checkpoints && walk_lines(from->checkpoints, add_milestone, v, err)) ||
	    (client && !from->checkpoints && !from->socket && !getenv("ASSAY_SCHEDULER") && walk_local(from->store, v, err)))
		return err->code;
	if (v->count)
		qsort(v->milestones, v->count, sizeof(*v->milestones), by_seq);
	if (client ? walk_scheduler(client, "/v1/audit", "records", follow, v, err) : walk_lines(from->file, follow, v, err))
		return err->code;
	return check_end(v, err);
}

int assay_cli_audit_verify(int argc, char **argv)
{
	struct sources from = { .file = NULL };
	const struct cli_option options[] = {
		{ "checkpoints", CLI_TEXT, &from.checkpoints },
		{ "key", CLI_TEXT, &from.key },
		{ "socket", CLI_TEXT, &from.socket },
		{ "store", CLI_TEXT, &from.store },
		{ NULL, CLI_FLAG, NULL },
	};
	struct verification v = { .walk = ASSAY_AUDIT_WALK_INIT };
	struct assay_error err = ASSAY_ERROR_INIT;
	char **args;
	int count, status = cli_parse("audit verify", argc, argv, options, 0, 1, &args, &count);

	if (status)
		return status;
	from.file = count ? args[0] : NULL;
	if (verify(&v, &from, &err))
		status = cli_fail(&err);
	else
		printf("%lld records, %zu signed checkpoints: whole up to record %lld%s\n", (long long)v.walk.seq, v.count,
		       (long long)v.walk.seq,
		       v.count ? "" : "; without a checkpoint from elsewhere, records missing at the end cannot be seen");
	free(v.milestones);
	assay_key_free(v.key);
	return status ? status : fflush(stdout) ? 3 : 0;
}
