/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration by the same reader as recipes: a table of keys for each mapping. */
#include "assay/config.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "assay/file.h"
#include "assay/limits.h"
#include "reader.h"
#include "values.h"

#define ARENA_MAX (4 * ASSAY_MIB)
#define DEFAULT_PATH ASSAY_SYSCONFDIR "/assay.yaml"
#define MAX_ALLOW 8
#define MAX_KEEP 32

static bool is_one_of(struct assay_span text, const char *const *words)
{
	for (; *words; words++)
		if (assay_span_equal_text(text, *words))
			return true;
	return false;
}

static enum assay_code set_version(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	(void)field;
	if (!assay_span_equal_text(value->text, "1"))
		return reader_refuse_value(r, value, "1, the only version there is");
	return ASSAY_OK;
}

static enum assay_code set_driver(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	static const char *const drivers[] = { "native", "oci", NULL };

	if (!is_one_of(value->text, drivers))
		return reader_refuse_value(r, value, "native or oci");
	return value_text(r, value, field);
}

/* known NULL: any words; whoever uses them knows which are right. */
static enum assay_code read_words(struct reader *r, const struct assay_yaml_node *value, size_t max,
				  const char *const *known, const char *want, void *field)
{
	const char **list;
	size_t count = 0;

	if (value->count > max)
		return reader_refuse(r, value, "want at most %zu words, have %zu", max, value->count);
	list = assay_arena_alloc(r->arena, (value->count + 1) * sizeof(*list));
	if (!list)
		return reader_refuse_memory(r);
	for (const struct assay_yaml_node *item = value->first; item; item = item->next) {
		if (item->kind != ASSAY_YAML_SCALAR || (known && !is_one_of(item->text, known)))
			return reader_refuse_value(r, item, want);
		list[count++] = (const char *)item->text.data;
	}
	list[count] = NULL;
	*(const char ***)field = list;
	return ASSAY_OK;
}

static enum assay_code set_allow(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	static const char *const known[] = { "outdated", "untested", NULL };

	return read_words(r, value, MAX_ALLOW, known, "outdated or untested", field);
}

static enum assay_code set_list(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	return read_words(r, value, MAX_KEEP, NULL, "a word", field);
}

static const struct reader_key box_keys[] = {
	{ "driver", ASSAY_YAML_SCALAR, "native or oci", false, offsetof(struct assay_config, box.driver),
	  set_driver },
	{ "runtime", ASSAY_YAML_SCALAR, "the name or path of an OCI runtime", false,
	  offsetof(struct assay_config, box.runtime), value_text },
	{ "allow", ASSAY_YAML_LIST, "a list of outdated, untested", false,
	  offsetof(struct assay_config, box.allow), set_allow },
	{ NULL, ASSAY_YAML_SCALAR, NULL, false, 0, NULL },
};

static enum assay_code set_box(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	return reader_mapping(r, value, box_keys, field);
}

#define TEXT(section, key, member, want)                                                           \
	{                                                                                          \
		key, ASSAY_YAML_SCALAR, want, false, offsetof(struct assay_config, section.member), value_text \
	}

static const struct reader_key scheduler_keys[] = {
	TEXT(scheduler, "store", store, "a directory"),
	TEXT(scheduler, "database", database, "sqlite:PATH or postgresql://..."),
	TEXT(scheduler, "socket", socket, "the path of a socket"),
	TEXT(scheduler, "listen", listen, "HOST:PORT"),
	TEXT(scheduler, "name", name, "a host name"),
	TEXT(scheduler, "authority-key", authority_key, "a PKCS#11 URI"),
	TEXT(scheduler, "users", users, "the path of a file"),
	TEXT(scheduler, "collect-every", collect_every, "an age"),
	TEXT(scheduler, "grace", grace, "an age"),
	{ "keep-for", ASSAY_YAML_LIST, "a list of CLASS=AGE", false,
	  offsetof(struct assay_config, scheduler.keep_for), set_list },
	{ NULL, ASSAY_YAML_SCALAR, NULL, false, 0, NULL },
};

static const struct reader_key worker_keys[] = {
	TEXT(worker, "store", store, "a directory"),
	TEXT(worker, "scheduler", scheduler, "https://HOST:PORT"),
	TEXT(worker, "socket", socket, "the path of a socket"),
	TEXT(worker, "pool", pool, "a name"),
	TEXT(worker, "labels", labels, "name=value words"),
	TEXT(worker, "name", name, "a name"),
	TEXT(worker, "identity", identity, "a directory"),
	TEXT(worker, "telemetry", telemetry, "the URL of an OTLP endpoint"),
	{ NULL, ASSAY_YAML_SCALAR, NULL, false, 0, NULL },
};

static enum assay_code set_scheduler(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	return reader_mapping(r, value, scheduler_keys, field);
}

static enum assay_code set_worker(struct reader *r, const struct assay_yaml_node *value, void *field)
{
	return reader_mapping(r, value, worker_keys, field);
}

static const struct reader_key config_keys[] = {
	{ "config", ASSAY_YAML_SCALAR, "1", true, 0, set_version },
	{ "box", ASSAY_YAML_MAPPING, "a mapping with driver, runtime, allow", false, 0, set_box },
	{ "scheduler", ASSAY_YAML_MAPPING, "a mapping with the scheduler's options", false, 0, set_scheduler },
	{ "worker", ASSAY_YAML_MAPPING, "a mapping with the worker's options", false, 0, set_worker },
	{ NULL, ASSAY_YAML_SCALAR, NULL, false, 0, NULL },
};

static enum assay_code read_config(struct reader *r, const char *path, struct assay_config *config)
{
	struct assay_yaml_node *root = NULL;

	config->path = r->path = assay_arena_text(&config->arena, assay_span_text(path));
	if (!r->path)
		return assay_fail(r->err, ASSAY_ENOMEM, "%s: out of memory", path);
	if (assay_yaml_parse(r->text, r->path, r->arena, &root, r->err))
		return r->err->code;
	if (root->kind != ASSAY_YAML_MAPPING)
		return reader_refuse_value(r, root, "a mapping with the keys of a configuration");
	return reader_mapping(r, root, config_keys, config);
}

enum assay_code assay_config_parse(struct assay_span text, const char *path, struct assay_config *ret,
				   struct assay_error *err)
{
	struct reader r = { .text = text, .err = err, .arena = &ret->arena };

	*ret = (struct assay_config){ .arena = ASSAY_ARENA_INIT(ARENA_MAX) };
	if (read_config(&r, path, ret) == ASSAY_OK)
		return ASSAY_OK;
	assay_config_release(ret);
	return err->code;
}

enum assay_code assay_config_load(const char *path, struct assay_config *ret, struct assay_error *err)
{
	struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MAX_RECIPE);
	const char *named = path ? path : getenv("ASSAY_CONFIG");
	enum assay_code code;

	*ret = (struct assay_config){ .arena = ASSAY_ARENA_INIT(ARENA_MAX) };
	code = assay_file_read(AT_FDCWD, named ? named : DEFAULT_PATH, &text, err);
	if (code == ASSAY_ENOTFOUND && !named) {
		assay_buf_release(&text);
		return ASSAY_OK;
	}
	/* whatever is wrong with it, the one who started us has to look at it */
	if (code)
		err->code = code = ASSAY_EUSAGE;
	else
		code = assay_config_parse(assay_buf_span(&text), named ? named : DEFAULT_PATH, ret, err);
	assay_buf_release(&text);
	return code;
}

void assay_config_release(struct assay_config *config)
{
	assay_arena_release(&config->arena);
	*config = (struct assay_config){ .arena = ASSAY_ARENA_INIT(ARENA_MAX) };
}
