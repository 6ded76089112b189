/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of two builds side by side, for each machine: one byte of an object made by a compiler is
 * changed, and the report names the function, the place and both instructions. */
#include <fcntl.h>

#include <capstone/capstone.h>

#include "assay/file.h"
#include "pair.h"
#include "normalizers/elf_read.h"

static const struct {
	const char *object;
	uint64_t at; /* in the function "both" */
	uint8_t flip;
	const char *left, *right;
} machines[] = {
	{ "object-amd64", 7, 1, "-0x5: 83c012                add eax, 0x12\n",
	  "+0x5: 83c013                add eax, 0x13\n" },
	{ "object-i386", 0xd, 1, "add eax, 0x12\n", "add eax, 0x13\n" },
	{ "object-arm64", 9, 4, "-0x8: 00490011              add w0, w8, #0x12\n", "add w0, w8, #0x13\n" },
	{ "object-thumb", 6, 1, "-0x6: 1230                  adds r0, #0x12\n", "adds r0, #0x13\n" },
	{ "object-ppc", 0xb, 1, "addi r3, r3, 0x12\n", "addi r3, r3, 0x13\n" },
	{ "object-ppc64le", 0xc, 1, "addi r3, r3, 0x12\n", "addi r3, r3, 0x13\n" },
	{ "object-mips", 0x13, 1, "addiu $v0, $at, 0x12\n", "addiu $v0, $at, 0x13\n" },
	{ "object-s390x", 9, 1, "ahi %r2, 0x12\n", "ahi %r2, 0x13\n" },
#if CS_API_MAJOR >= 5
	{ "object-riscv64", 8, 4, "addiw a0, a0, 0x12\n", "addiw a0, a0, 0x13\n" },
#else
	{ "object-riscv64", 8, 4, NULL, NULL }, /* this Capstone does not know the machine */
#endif
};

static struct assay_buf load(const char *object)
{
	struct assay_buf buf = ASSAY_BUF_INIT(ASSAY_MIB);
	struct assay_error err = ASSAY_ERROR_INIT;
	char path[128];

	snprintf(path, sizeof(path), "tests/fuzz/corpus/elf/%s", object);
	ck_assert_msg(!assay_file_read(AT_FDCWD, path, &buf, &err), "%s", err.msg);
	return buf;
}

/* Where the function "both" stands in the file. */
static uint64_t place_of_both(struct assay_span file)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ASSAY_MIB);
	struct assay_error err = ASSAY_ERROR_INIT;
	uint64_t place = 0;
	struct assay_elf elf;

	ck_assert_int_eq(assay_elf_read(file, &arena, &elf, &err), ASSAY_OK);
	for (size_t i = 0; i < elf.symbol_count; i++)
		if (assay_span_equal_text(elf.symbols[i].name, "both"))
			place = elf.sections[elf.symbols[i].section].offset + elf.symbols[i].offset;
	ck_assert_uint_gt(place, 0);
	assay_arena_release(&arena);
	return place;
}

START_TEST(shows_both_instructions)
{
	struct assay_buf left = load(machines[_i].object), right = load(machines[_i].object);
	json_t *report, *d;
	const char *diff;

	right.data[place_of_both(assay_buf_span(&left)) + machines[_i].at] ^= machines[_i].flip;
	report = pair_compare(assay_buf_span(&left), assay_buf_span(&right));
	d = json_array_get(json_object_get(report, "divergences"), 0);
	ck_assert_str_eq(assay_json_text(d, "cause", ""), "unexplained_code_change");
	diff = assay_json_text(d, "diff", "");
	if (machines[_i].left) {
		assert_says(diff, "@@ both+0x");
		assert_says(diff, machines[_i].left);
		assert_says(diff, machines[_i].right);
	} else {
		ck_assert_str_eq(diff, "");
	}
	json_decref(report);
	assay_buf_release(&left);
	assay_buf_release(&right);
}
END_TEST

/* Whatever a byte is changed to, both sides are shown, though the instructions become others in number. */
START_TEST(every_byte_can_differ)
{
	struct assay_buf left = load("object-amd64");
	uint64_t place = place_of_both(assay_buf_span(&left));

	for (uint64_t at = 0; at < 9; at++)
		for (unsigned flip = 1; flip < 256; flip += 50) {
			struct assay_buf right = load("object-amd64");
			json_t *report, *d;

			right.data[place + at] ^= (char)flip;
			report = pair_compare(assay_buf_span(&left), assay_buf_span(&right));
			d = json_array_get(json_object_get(report, "divergences"), 0);
			assert_says(assay_json_text(d, "diff", ""), "\n-0x");
			assert_says(assay_json_text(d, "diff", ""), "\n+0x");
			json_decref(report);
			assay_buf_release(&right);
		}
	assay_buf_release(&left);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, shows_both_instructions, 0,
			    (int)(sizeof(machines) / sizeof(machines[0])));
	tcase_add_test(tc, every_byte_can_differ);
}

int main(void)
{
	return run_suite("elf_instructions", add_tests);
}
