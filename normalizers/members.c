/* SPDX-License-Identifier: Apache-2.0 */
/* The members of one archive as the checks see them: the archive paired with itself. */
#include <stdlib.h>

#include "emit.h"

static const int32_t umask_bits[] = { 040, 020, 010, 04, 01 };

/* Bits that all members have, or none has, where their owner does: what a umask decides. */
static void find_umask(struct assay_members *members)
{
	for (size_t i = 0; i < sizeof(umask_bits) / sizeof(umask_bits[0]); i++) {
		bool present, uniform = assay_umask_is_uniform(&members->facts, umask_bits[i], &present);

		if (uniform && present && umask_bits[i] == 020)
			members->remove |= umask_bits[i];
		else if (uniform && !present && umask_bits[i] != 020)
			members->add |= umask_bits[i];
	}
}

enum assay_code assay_members_open(const struct assay_emit *e, const struct assay_anatomy *anatomy,
				   const struct assay_node *group, struct assay_members *ret,
				   struct assay_error *err)
{
	*ret = (struct assay_members){ .e = e };
	if (assay_pairs_align(group, group, &ret->pairs, err))
		return err->code;
	if (assay_facts_collect(anatomy, &ret->pairs, false, &ret->facts, err)) {
		assay_pairs_release(&ret->pairs);
		return err->code;
	}
	ret->facts.in_package = e->in_package;
	find_umask(ret);
	return ASSAY_OK;
}

void assay_members_release(struct assay_members *members)
{
	assay_facts_release(&members->facts);
	assay_pairs_release(&members->pairs);
}

bool assay_members_hold(const struct assay_members *members, const struct assay_field *field)
{
	if (!assay_emit_wants(members->e, field))
		return false;
	return !field->check || !field->check->members ||
	       field->check->members(&members->facts, &members->facts, &members->pairs, field);
}

uint32_t assay_members_mode(const struct assay_members *members, const struct assay_field *field,
			    uint32_t mode)
{
	uint32_t owner = mode & 0700;

	if (!assay_emit_wants(members->e, field))
		return mode;
	mode &= ~(uint32_t)members->remove;
	return mode | ((uint32_t)members->add & (owner >> 3 | owner >> 6));
}

static int by_place(const void *a, const void *b)
{
	const struct assay_placed *x = a, *y = b;
	int order;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	order = assay_span_compare(x->name, y->name);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

void assay_members_sort(struct assay_placed *list, size_t count)
{
	if (count)
		qsort(list, count, sizeof(*list), by_place);
}
