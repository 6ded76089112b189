/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions of two functions, side by side from two before the first change on.  Where lengths of
 * instructions vary (x86, Thumb) decoding starts at the beginning of the function: every byte before
 * the change is equal, or a displacement of equal length, so both sides have the same borders.
 */
#include "elf_instructions.h"

#include <stdio.h>

#include "assay/hex.h"
#include "assay/limits.h"
#include "capstone_late.h"

#define BEFORE 2	/* instructions of context in front of the change */
#define AGREEING 3	/* equal instructions in a row end the listing */
#define TEXT_ROOM 160
#define LONGEST 16	/* bytes of one instruction shown */

/* ---- machines ---- */

enum order { LITTLE, AS_FILE };

static const struct machine {
	uint16_t machine;
	uint8_t step; /* all instructions have this length; 0: lengths vary */
	enum order order;
	cs_arch arch;
	unsigned mode_32, mode_64;
} machines[] = {
	{ EM_X86_64, 0, LITTLE, CS_ARCH_X86, CS_MODE_64, CS_MODE_64 },
	{ EM_386, 0, LITTLE, CS_ARCH_X86, CS_MODE_32, CS_MODE_32 },
	{ EM_ARM, 0, LITTLE, CS_ARCH_ARM, CS_MODE_ARM, CS_MODE_ARM },
	{ EM_AARCH64, 4, LITTLE, CS_ARCH_ARM64, CS_MODE_ARM, CS_MODE_ARM },
	{ EM_PPC, 4, AS_FILE, CS_ARCH_PPC, CS_MODE_32, CS_MODE_32 },
	{ EM_PPC64, 4, AS_FILE, CS_ARCH_PPC, CS_MODE_64, CS_MODE_64 },
	{ EM_MIPS, 4, AS_FILE, CS_ARCH_MIPS, CS_MODE_MIPS32, CS_MODE_MIPS64 },
	{ EM_SPARCV9, 4, AS_FILE, CS_ARCH_SPARC, CS_MODE_V9, CS_MODE_V9 },
	{ EM_S390, 0, AS_FILE, CS_ARCH_SYSZ, 0, 0 },
#if CS_API_MAJOR >= 5
	{ EM_RISCV, 0, LITTLE, CS_ARCH_RISCV, CS_MODE_RISCV32 | CS_MODE_RISCVC,
	  CS_MODE_RISCV64 | CS_MODE_RISCVC },
#endif
};

static const struct machine *machine_of(const struct assay_elf *elf)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == elf->machine)
			return &machines[i];
	return NULL;
}

/* Stripped functions have no symbol that says Thumb: they are taken to be like the entry point. */
static bool is_thumb(const struct assay_elf *elf, const struct assay_elf_function *f)
{
	return f->name.len ? f->is_thumb : elf->entry & 1;
}

/* ---- one side ---- */

struct instruction {
	uint64_t at; /* within the function */
	struct assay_span bytes;
	char text[TEXT_ROOM];
};

struct listing {
	const struct assay_elf *elf;
	const struct assay_elf_functions *functions;
	const struct assay_elf_function *function;
	struct assay_span code;
	csh handle;
	cs_insn *scratch;
	struct instruction list[ASSAY_MAX_ELF_INSTRUCTIONS];
	size_t count;
};

static bool open_listing(struct listing *s, const struct machine *m)
{
	unsigned mode = s->elf->is_64 ? m->mode_64 : m->mode_32;

	if (m->order == AS_FILE && s->elf->is_big)
		mode |= (unsigned)CS_MODE_BIG_ENDIAN;
	if (m->machine == EM_ARM && is_thumb(s->elf, s->function))
		mode |= CS_MODE_THUMB;
	s->code = assay_span_cut(s->elf->sections[s->function->section].bytes, s->function->offset,
				 s->function->size);
	if (cs_open(m->arch, (cs_mode)mode, &s->handle) != CS_ERR_OK)
		return false;
	cs_option(s->handle, CS_OPT_SKIPDATA, CS_OPT_ON);
	s->scratch = cs_malloc(s->handle);
	return s->scratch != NULL;
}

static void close_listing(struct listing *s)
{
	if (s->scratch)
		cs_free(s->scratch, 1);
	if (s->handle)
		cs_close(&s->handle);
}

static uint64_t address_of(const struct listing *s, uint64_t at)
{
	return s->elf->sections[s->function->section].address + s->function->offset + at;
}

/* Borders of the last BEFORE instructions in front of the change, the nearest last. */
static bool find_start(const struct listing *s, uint64_t change, uint64_t *ret)
{
	const uint8_t *code = s->code.data;
	size_t left = s->code.len;
	uint64_t address = address_of(s, 0), at = 0, seen[BEFORE + 1] = { 0 };

	if (change > ASSAY_MAX_ELF_DECODED)
		return false;
	while (cs_disasm_iter(s->handle, &code, &left, &address, s->scratch)) {
		memmove(seen, seen + 1, BEFORE * sizeof(seen[0]));
		seen[BEFORE] = at;
		at = (uint64_t)(code - s->code.data);
		if (at > change)
			break;
	}
	*ret = seen[0];
	return true;
}

/* "call 0x1234" says more with the name of the function at 0x1234. */
static void add_target(const struct listing *s, char *text, size_t len)
{
	const char *number = strrchr(text, ' ');
	const struct assay_elf_function *f;
	uint64_t offset;
	uint32_t section, index;
	char name[80];

	number = number ? number + 1 + (number[1] == '#') : text;
	if (s->elf->type == ET_REL || strncmp(number, "0x", 2) != 0 ||
	    !assay_elf_locate(s->elf, strtoull(number, NULL, 16), &section, &offset))
		return;
	index = assay_elf_function_at(s->functions, section, offset);
	f = index == ASSAY_ELF_NO_PARTNER ? NULL : &s->functions->list[index];
	if (f && f->name.len > 0 && f->section == section)
		snprintf(text + len, TEXT_ROOM - len, " <%s+0x%llx>",
			 assay_span_show(f->name, name, sizeof(name)),
			 (unsigned long long)(offset - f->offset));
}

static void decode(struct listing *s, uint64_t start)
{
	const uint8_t *code = s->code.data + start;
	size_t left = s->code.len - start;
	uint64_t address = address_of(s, start);

	while (s->count < ASSAY_MAX_ELF_INSTRUCTIONS) {
		struct instruction *i = &s->list[s->count];
		uint64_t at = (uint64_t)(code - s->code.data);
		int len;

		if (!cs_disasm_iter(s->handle, &code, &left, &address, s->scratch))
			return;
		i->at = at;
		i->bytes = assay_span_cut(s->code, at, s->scratch->size);
		len = snprintf(i->text, sizeof(i->text), "%s %s", s->scratch->mnemonic,
			       s->scratch->op_str);
		if (len > 0 && len < TEXT_ROOM)
			add_target(s, i->text, (size_t)len);
		s->count++;
	}
}

/* ---- the diff ---- */

static void print(struct assay_buf *out, char sign, const struct instruction *i)
{
	char hex[2 * LONGEST + 1];

	assay_buf_printf(out, "%c0x%llx: %-20s  %s\n", sign, (unsigned long long)i->at,
			 assay_hex_encode(assay_span_cut(i->bytes, 0, LONGEST), hex), i->text);
}

static bool agree(const struct listing *a, size_t i, const struct listing *b, size_t j)
{
	return i < a->count && j < b->count &&
	       assay_span_equal(a->list[i].bytes, b->list[j].bytes);
}

/* The nearest place behind i and j where two instructions in a row agree, or the ends. */
static void find_agreement(const struct listing *a, size_t *i, const struct listing *b, size_t *j)
{
	for (size_t skip = 1; skip < a->count - *i + b->count - *j; skip++)
		for (size_t k = 0; k <= skip; k++)
			if (agree(a, *i + k, b, *j + skip - k) &&
			    (agree(a, *i + k + 1, b, *j + skip - k + 1) ||
			     *i + k + 1 == a->count)) {
				*i += k;
				*j += skip - k;
				return;
			}
	*i = a->count;
	*j = b->count;
}

static void print_change(const struct listing *a, size_t *i, const struct listing *b, size_t *j,
			 struct assay_buf *out)
{
	size_t left = *i, right = *j;

	find_agreement(a, &left, b, &right);
	while (*i < left)
		print(out, '-', &a->list[(*i)++]);
	while (*j < right)
		print(out, '+', &b->list[(*j)++]);
}

static struct assay_span rest_of(const struct listing *s, size_t i)
{
	const struct instruction *last = s->count ? &s->list[s->count - 1] : NULL;
	uint64_t at = i < s->count ? s->list[i].at : last ? last->at + last->bytes.len : 0;

	return assay_span_cut(s->code, at, s->code.len);
}

static void print_diff(const struct listing *a, const struct listing *b, uint64_t change,
		       struct assay_buf *out)
{
	size_t i = 0, j = 0, agreeing = 0;
	char name[120];

	assay_buf_printf(out, "@@ %s+0x%llx @@\n",
			 a->function->name.len ?
				 assay_span_show(a->function->name, name, sizeof(name)) :
				 "function without a name",
			 (unsigned long long)change);
	for (; i < a->count && a->list[i].at + a->list[i].bytes.len <= change; i++, j++)
		print(out, ' ', &a->list[i]);
	j = j < b->count ? j : b->count;
	while (agreeing < AGREEING && (i < a->count || j < b->count)) {
		if (!agree(a, i, b, j)) {
			print_change(a, &i, b, &j, out);
			agreeing = 0;
			continue;
		}
		print(out, ' ', &a->list[i++]);
		j++;
		agreeing++;
	}
	if (!assay_span_equal(rest_of(a, i), rest_of(b, j)))
		assay_buf_add_text(out, "@@ more of this function differs @@\n");
}

enum assay_code assay_elf_instructions_prepare(struct assay_error *err)
{
	return capstone_late_load(err);
}

bool assay_elf_instructions_diff(const struct assay_elf *left,
				 const struct assay_elf_functions *left_f,
				 const struct assay_elf_function *a, const struct assay_elf *right,
				 const struct assay_elf_functions *right_f,
				 const struct assay_elf_function *b, struct assay_buf *out)
{
	const struct machine *m = machine_of(left);
	struct listing l = { .elf = left, .functions = left_f, .function = a };
	struct listing r = { .elf = right, .functions = right_f, .function = b };
	uint64_t start = a->first_change;
	bool known = m && left->machine == right->machine && left->is_64 == right->is_64 &&
		     left->is_big == right->is_big && open_listing(&l, m) && open_listing(&r, m);

	if (known && m->step)
		start = start / m->step > BEFORE ? (start / m->step - BEFORE) * m->step : 0;
	else if (known)
		known = find_start(&l, a->first_change, &start);
	if (known && start <= l.code.len && start <= r.code.len) {
		decode(&l, start);
		decode(&r, start);
		print_diff(&l, &r, a->first_change, out);
	}
	close_listing(&l);
	close_listing(&r);
	return known;
}
