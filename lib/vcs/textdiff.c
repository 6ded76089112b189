/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line differences by git_diff_buffers.  libgit2 tells line numbers; two cursors turn them into byte
 * offsets, so that each run of changed lines is also a range of bytes in both texts.
 */
#include "assay/textdiff.h"

#include <pthread.h>
#include <stdlib.h>

#include "assay/limits.h"
#include "repository.h"

#define UNIFIED_MAX 262144
#define LINE_SHOWN 400

/* Where line `line` (from 1) of a text begins; only moves forward. */
struct cursor {
	struct assay_span text;
	size_t line, offset;
};

struct work {
	struct assay_text_diff *diff;
	struct cursor left, right;
	size_t max_hunks, max_lines, lines;
	size_t capacity;
	bool in_run;
	bool no_memory;
};

static size_t seek_line(struct cursor *cursor, int line)
{
	while (line > 0 && cursor->line < (size_t)line && cursor->offset < cursor->text.len) {
		const uint8_t *from = cursor->text.data + cursor->offset;
		const uint8_t *end = memchr(from, '\n', cursor->text.len - cursor->offset);

		cursor->offset += end ? (size_t)(end - from) + 1 :
					cursor->text.len - cursor->offset;
		cursor->line++;
	}
	return cursor->offset;
}

static struct assay_text_hunk *open_run(struct work *work)
{
	struct assay_text_diff *diff = work->diff;

	if (diff->count == work->max_hunks) {
		diff->truncated = true;
		return &diff->hunks[diff->count - 1];
	}
	if (diff->count == work->capacity) {
		size_t capacity = work->capacity ? 2 * work->capacity : 16;
		void *bigger = reallocarray(diff->hunks, capacity, sizeof(*diff->hunks));

		if (!bigger) {
			work->no_memory = true;
			return NULL;
		}
		diff->hunks = bigger;
		work->capacity = capacity;
	}
	diff->hunks[diff->count] = (struct assay_text_hunk){
		.left = work->left.offset,
		.right = work->right.offset,
	};
	return &diff->hunks[diff->count++];
}

static void show_line(struct work *work, const git_diff_line *line, char origin)
{
	struct assay_buf *out = &work->diff->unified;
	size_t len = line->content_len;

	if (work->lines++ >= work->max_lines) {
		work->diff->truncated = true;
		return;
	}
	if (len && line->content[len - 1] == '\n')
		len--;
	assay_buf_printf(out, "%c", origin);
	assay_buf_add(out, line->content, len > LINE_SHOWN ? LINE_SHOWN : len);
	assay_buf_add_text(out, len > LINE_SHOWN ? "...\n" : "\n");
}

/* A side without lines names the line before the place. */
static int on_hunk(const git_diff_delta *delta, const git_diff_hunk *hunk, void *payload)
{
	struct work *work = payload;

	(void)delta;
	work->in_run = false;
	seek_line(&work->left, hunk->old_start + (hunk->old_lines ? 0 : 1));
	seek_line(&work->right, hunk->new_start + (hunk->new_lines ? 0 : 1));
	if (work->lines < work->max_lines)
		assay_buf_printf(&work->diff->unified, "@@ -%d,%d +%d,%d @@\n", hunk->old_start,
				 hunk->old_lines, hunk->new_start, hunk->new_lines);
	return 0;
}

static int on_context(struct work *work, const git_diff_line *line)
{
	seek_line(&work->left, line->old_lineno + 1);
	seek_line(&work->right, line->new_lineno + 1);
	work->in_run = false;
	show_line(work, line, ' ');
	return 0;
}

/* Context lines end a run of changes; removed and added ones widen it by their bytes. */
static int on_line(const git_diff_delta *delta, const git_diff_hunk *hunk,
		   const git_diff_line *line, void *payload)
{
	struct work *work = payload;
	bool removed = line->origin == GIT_DIFF_LINE_DELETION;
	struct assay_text_hunk *run;

	(void)delta;
	(void)hunk;
	if (line->origin == GIT_DIFF_LINE_CONTEXT)
		return on_context(work, line);
	if (!removed && line->origin != GIT_DIFF_LINE_ADDITION)
		return 0;
	if (work->in_run)
		run = &work->diff->hunks[work->diff->count - 1];
	else
		run = open_run(work);
	if (!run)
		return -1;
	work->in_run = true;
	if (removed)
		run->left_length = seek_line(&work->left, line->old_lineno + 1) - run->left;
	else
		run->right_length = seek_line(&work->right, line->new_lineno + 1) - run->right;
	show_line(work, line, removed ? '-' : '+');
	return 0;
}

static size_t lines_between(struct assay_span text, size_t from, size_t to)
{
	size_t lines = 0;

	while (from < to) {
		const uint8_t *end = memchr(text.data + from, '\n', to - from);

		from = end ? (size_t)(end - text.data) + 1 : to;
		lines++;
	}
	return lines;
}

/* The effort grows faster than the number of lines between the first and the last that differ. */
bool assay_text_diff_is_bounded(struct assay_span left, struct assay_span right)
{
	size_t least = left.len < right.len ? left.len : right.len, head = 0, tail = 0;

	if (left.len > ASSAY_MAX_DIFF_INPUT || right.len > ASSAY_MAX_DIFF_INPUT)
		return false;
	while (head < least && left.data[head] == right.data[head])
		head++;
	while (tail < least - head && left.data[left.len - tail - 1] == right.data[right.len - tail - 1])
		tail++;
	return lines_between(left, head, left.len - tail) <= ASSAY_MAX_DIFF_LINES_CHANGED &&
	       lines_between(right, head, right.len - tail) <= ASSAY_MAX_DIFF_LINES_CHANGED;
}

static bool started;

static void start(void)
{
	started = repository_library_start();
}

enum assay_code assay_text_diff_prepare(struct assay_error *err)
{
	return git_late_load(err);
}

enum assay_code assay_text_diff(struct assay_span left, struct assay_span right, size_t max_hunks,
				size_t max_lines, struct assay_text_diff *ret,
				struct assay_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	git_diff_options options;
	struct work work = {
		.diff = ret,
		.left = { .text = left, .line = 1 },
		.right = { .text = right, .line = 1 },
		.max_hunks = max_hunks,
		.max_lines = max_lines,
	};

	*ret = (struct assay_text_diff){ .unified = ASSAY_BUF_INIT(UNIFIED_MAX) };
	/* late, because most comparisons need none of it: it reads certificates, for one */
	if (git_late_load(err))
		return err->code;
	pthread_once(&once, start);
	if (!started)
		return assay_fail(err, ASSAY_ENOMEM, "libgit2 does not start");
	git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_FORCE_TEXT;
	options.context_lines = 3;
	if (git_diff_buffers(left.data, left.len, NULL, right.data, right.len, NULL, &options, NULL,
			     NULL, on_hunk, on_line, &work) != 0) {
		const git_error *why = git_error_last();

		assay_text_diff_release(ret);
		if (work.no_memory)
			return assay_fail(err, ASSAY_ENOMEM, "line difference: out of memory");
		return assay_fail(err, ASSAY_EIO, "line difference: %s",
				  why && why->message ? why->message : "libgit2 failed");
	}
	if (ret->unified.failed)
		ret->truncated = true;
	return ASSAY_OK;
}

void assay_text_diff_release(struct assay_text_diff *diff)
{
	free(diff->hunks);
	assay_buf_release(&diff->unified);
	*diff = (struct assay_text_diff){ 0 };
}
