/* SPDX-License-Identifier: Apache-2.0 */
/* Bump allocation in blocks that grow from 4 to 64 KiB with what is used, aligned to 16 bytes. */
#include "assay/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_SMALLEST 4096 /* many arenas live for one member of an archive */
#define BLOCK_LARGEST 65536

struct assay_arena_block {
	struct assay_arena_block *next;
	size_t used;
	size_t size;
	_Alignas(16) uint8_t data[];
};

void assay_arena_release(struct assay_arena *arena)
{
	struct assay_arena_block *block = arena->blocks;

	while (block) {
		struct assay_arena_block *next = block->next;

		free(block);
		block = next;
	}
	arena->blocks = NULL;
	arena->used = 0;
}

static struct assay_arena_block *add_block(struct assay_arena *arena, size_t size)
{
	size_t want = arena->used;
	struct assay_arena_block *block;

	if (want < BLOCK_SMALLEST)
		want = BLOCK_SMALLEST;
	if (want > BLOCK_LARGEST)
		want = BLOCK_LARGEST;
	if (want < size)
		want = size;
	block = calloc(1, sizeof(*block) + want);

	if (!block)
		return NULL;
	block->size = want;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *assay_arena_alloc(struct assay_arena *arena, size_t size)
{
	struct assay_arena_block *block = arena->blocks;
	void *memory;

	if (size > SIZE_MAX - 16)
		return NULL;
	size = (size + 15) & ~(size_t)15;
	if (size > arena->max || arena->used > arena->max - size)
		return NULL;
	if (!block || block->size - block->used < size) {
		block = add_block(arena, size);
		if (!block)
			return NULL;
	}
	memory = block->data + block->used;
	block->used += size;
	arena->used += size;
	return memory;
}

char *assay_arena_text(struct assay_arena *arena, struct assay_span s)
{
	char *text = assay_arena_alloc(arena, s.len + 1);

	if (text && s.len)
		memcpy(text, s.data, s.len);
	return text;
}

char *assay_arena_printf(struct assay_arena *arena, const char *fmt, ...)
{
	va_list args;
	int need;
	char *text;

	va_start(args, fmt);
	need = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (need < 0)
		return NULL;
	text = assay_arena_alloc(arena, (size_t)need + 1);
	if (!text)
		return NULL;
	va_start(args, fmt);
	vsnprintf(text, (size_t)need + 1, fmt, args);
	va_end(args);
	return text;
}
