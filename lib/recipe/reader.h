/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a mapping by a table of its keys.  One row says what a key is called, what kind of node it
 * wants, in words and as a type, where the value goes and who checks it; unknown, missing and
 * mistyped keys are told apart here and nowhere else.
 */
#ifndef ASSAY_RECIPE_READER_H
#define ASSAY_RECIPE_READER_H

#include "assay/recipe.h"
#include "yaml_tree.h"

typedef enum assay_code yaml_parser(struct assay_span text, const char *path,
				    struct assay_arena *arena, struct assay_yaml_node **ret,
				    struct assay_error *err);

struct reader {
	const char *path; /* as errors name it */
	struct assay_arena *arena;
	struct assay_recipe *recipe; /* NULL when something else is read */
	yaml_parser *parse;
	struct assay_span text;
	struct assay_error *err;
	bool allow_unpinned;
	size_t pins_room;
	char where[128]; /* "environment.variables" */
	size_t where_len;
};

typedef enum assay_code reader_set(struct reader *r, const struct assay_yaml_node *value,
				   void *field);

struct reader_key {
	const char *name;
	enum assay_yaml_kind kind;
	const char *want; /* "a list of commands" */
	bool required;
	size_t offset; /* of the field in the target */
	reader_set *set;
};

/* "<path>:<line>:<column>: <where>: <message>" */
enum assay_code reader_refuse(struct reader *r, const struct assay_yaml_node *node,
			      const char *fmt, ...) ASSAY_PRINTF(3, 4) __attribute__((cold));
enum assay_code reader_refuse_memory(struct reader *r);
/* "want <want>, have <the value or its kind>" */
enum assay_code reader_refuse_value(struct reader *r, const struct assay_yaml_node *node,
				    const char *want);
/* Enters "<where>.<name>" or "<where>[index]"; returns what reader_leave wants back. */
size_t reader_enter(struct reader *r, struct assay_span name);
size_t reader_enter_item(struct reader *r, size_t index);
void reader_leave(struct reader *r, size_t where_len);
/* keys end with a NULL name. */
enum assay_code reader_mapping(struct reader *r, const struct assay_yaml_node *mapping,
			       const struct reader_key *keys, void *target) ASSAY_CHECKED;
/* The value of a key, NULL when absent. */
const struct assay_yaml_node *reader_find(const struct assay_yaml_node *mapping, const char *name);
/* Notes what `recipe lock` may write under key, beside (on the line after) another key's value. */
enum assay_code reader_pin(struct reader *r, const struct assay_yaml_node *mapping, const char *key,
			   const char *beside, const struct assay_recipe_pin *pin) ASSAY_CHECKED;

#endif
