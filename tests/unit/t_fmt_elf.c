/* SPDX-License-Identifier: Apache-2.0 */
/* normalizers: ELF.  Programs are compiled here, so that the cases are what compilers really make. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/compare.h"
#include "assay/file.h"
#include "assay/path.h"
#include "assay/process.h"
#include "normalizers/elf_story.h"

#define ROOM (4 << 20)

static char *top;

static void setup(void)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-elf-", &top, &err), ASSAY_OK);
}

static void teardown(void)
{
	struct assay_error err = ASSAY_ERROR_INIT;

	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &err), ASSAY_OK);
	free(top);
}

/* Runs a shell command in the test's directory. */
static void run(const char *command)
{
	char *script = NULL;
	struct assay_process p = ASSAY_PROCESS_INIT;
	struct assay_error err = ASSAY_ERROR_INIT;
	const char *argv[] = { "sh", "-c", NULL, NULL };

	ck_assert_int_gt(asprintf(&script, "cd '%s' && %s", top, command), 0);
	argv[2] = script;
	p.argv = argv;
	p.timeout_s = 60;
	ck_assert_msg(assay_process_must(&p, &err) == ASSAY_OK, "%s: %s", command, err.msg);
	free(script);
}

static struct assay_buf load(const char *name)
{
	struct assay_buf buf = ASSAY_BUF_INIT(ROOM);
	struct assay_error err = ASSAY_ERROR_INIT;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	ck_assert_msg(assay_file_read(AT_FDCWD, path, &buf, &err) == ASSAY_OK, "%s", err.msg);
	return buf;
}

static void save(const char *name, struct assay_span bytes)
{
	struct assay_error err = ASSAY_ERROR_INIT;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, path, bytes, 0644, &err), ASSAY_OK);
}

static json_t *compare(const char *left, const char *right)
{
	struct assay_compare_options options = { .spill_fd = { -1, -1 } };
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_side sides[2] = { { .name = left }, { .name = right } };
	json_t *report = NULL;

	for (int i = 0; i < 2; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", top, sides[i].name);
		sides[i].fd = open(path, O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(sides[i].fd, 0);
	}
	ck_assert_msg(assay_compare(&sides[0], &sides[1], &options, &report, &err) == ASSAY_OK,
		      "%s", err.msg);
	close(sides[0].fd);
	close(sides[1].fd);
	return report;
}

/* The first divergence of a cause; NULL when there is none. */
static json_t *divergence_of(const json_t *report, const char *cause)
{
	json_t *list = json_object_get(report, "divergences");

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *d = json_array_get(list, i);

		if (strcmp(assay_json_text(d, "cause", ""), cause) == 0)
			return d;
	}
	return NULL;
}

static void expect(const json_t *report, const char *verdict, const char *cause)
{
	char *text = json_dumps(report, JSON_INDENT(1));

	ck_assert_msg(strcmp(assay_json_text(report, "verdict", ""), verdict) == 0, "want %s: %s",
		      verdict, text);
	ck_assert_msg(divergence_of(report, cause) != NULL, "want %s: %s", cause, text);
	free(text);
}

static int64_t unexplained(const json_t *report)
{
	return assay_json_int(json_object_get(report, "accounting"), "bytes_unexplained", -1);
}

static const char source[] = "cat >a.c <<'X'\n"
			     "#include <stdio.h>\n"
			     "#define F __attribute__((noinline)) int\n"
			     "F one(int x) { return x * 3 + 1; }\n"
			     "F two(int x) { return one(x) * 5 + 2; }\n"
			     "F ten(int x) { return two(x) - one(x + 1); }\n"
			     "int main(int c, char **v) { return printf(\"%s %d\", v[0], ten(c)); }\n"
			     "X\n";

static void compile(const char *flags, const char *name)
{
	char command[1024];

	snprintf(command, sizeof(command), "%s\ngcc -O1 -fno-ipa-icf %s -o %s a.c", source, flags,
		 name);
	run(command);
}

/* Changes bytes of a section and saves the result. */
static void patch(const char *from, const char *to, const char *section, size_t at,
		  const char *bytes, size_t len)
{
	struct assay_buf file = load(from);
	struct assay_arena arena = ASSAY_ARENA_INIT(ROOM);
	struct assay_error err = ASSAY_ERROR_INIT;
	const struct assay_elf_section *s;
	struct assay_elf elf;

	ck_assert_int_eq(assay_elf_read(assay_buf_span(&file), &arena, &elf, &err), ASSAY_OK);
	s = assay_elf_section_by_name(&elf, section);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_le(at + len, s->size);
	memcpy(file.data + s->offset + at, bytes, len);
	save(to, assay_buf_span(&file));
	assay_arena_release(&arena);
	assay_buf_release(&file);
}

/* Sum of the leaves; each must begin where the last one ended. */
static uint64_t tile(const struct assay_node *node, uint64_t at)
{
	if (!node->first) {
		ck_assert_uint_eq(node->offset, at);
		return at + node->length;
	}
	for (const struct assay_node *child = node->first; child; child = child->next)
		at = tile(child, at);
	return at;
}

static enum assay_structure_kind lay_out(struct assay_span bytes, bool *ret_malformed)
{
	struct assay_anatomy anatomy;
	struct assay_error err = ASSAY_ERROR_INIT;
	enum assay_structure_kind kind;

	ck_assert_msg(assay_anatomy_open(bytes, &anatomy, &err) == ASSAY_OK, "%s", err.msg);
	if (bytes.len)
		ck_assert_uint_eq(tile(anatomy.root, 0), bytes.len);
	kind = anatomy.structure;
	if (ret_malformed)
		*ret_malformed = anatomy.malformed != NULL;
	assay_anatomy_release(&anatomy);
	return kind;
}

START_TEST(every_byte_is_in_one_span)
{
	static const char *const flags[] = { "", "-g", "-g -gz=zlib", "-static", "-shared -fPIC",
					     "-c", "-c -g -ffunction-sections", "-s" };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct assay_buf file;
		bool malformed;

		compile(flags[i], "x");
		file = load("x");
		ck_assert_msg(lay_out(assay_buf_span(&file), &malformed) == ASSAY_CANONICAL, "%s",
			      flags[i]);
		ck_assert(!malformed);
		assay_buf_release(&file);
	}
}
END_TEST

START_TEST(a_changed_function_is_named)
{
	struct assay_arena arena = ASSAY_ARENA_INIT(ROOM);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_buf file;
	const struct assay_elf_symbol *two = NULL;
	struct assay_elf elf;
	json_t *report, *d;
	size_t at;

	compile("", "x");
	file = load("x");
	ck_assert_int_eq(assay_elf_read(assay_buf_span(&file), &arena, &elf, &err), ASSAY_OK);
	for (size_t i = 0; i < elf.symbol_count; i++)
		if (assay_span_equal_text(elf.symbols[i].name, "two"))
			two = &elf.symbols[i];
	ck_assert_ptr_nonnull(two);
	at = two->offset + two->size - 1;
	patch("x", "y", ".text", at, "\xcc", 1);
	report = compare("x", "y");
	expect(report, "divergent", "unexplained_code_change");
	ck_assert_int_eq(unexplained(report), 1);
	d = divergence_of(report, "unexplained_code_change");
	ck_assert_str_eq(assay_json_text(d, "severity", ""), "code");
	ck_assert_str_eq(assay_json_text(d, "field", ""), "elf.code");
	ck_assert_ptr_nonnull(strstr(assay_json_text(d, "explanation", ""), "two at +0x"));
	ck_assert_ptr_nonnull(strstr(assay_json_text(d, "explanation", ""), "UNEXPLAINED"));
	json_decref(report);
	assay_arena_release(&arena);
	assay_buf_release(&file);
}
END_TEST

START_TEST(what_only_moved_is_not_called_changed)
{
	json_t *report, *d;
	const char *text;

	compile("", "x");
	run("{ echo '__attribute__((noinline)) int evil(int x) { return x ^ 77; }'; cat a.c; } >b.c && "
	    "gcc -O1 -fno-ipa-icf -o y b.c");
	report = compare("x", "y");
	expect(report, "divergent", "unexplained_code_change");
	d = divergence_of(report, "unexplained_code_change");
	text = assay_json_text(d, "explanation", "");
	ck_assert_msg(strstr(text, "only on the right: evil;") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "functions that differ") == NULL, "%s", text);
	json_decref(report);
}
END_TEST

START_TEST(a_call_that_leads_elsewhere_is_a_change)
{
	json_t *report;
	const char *text;

	compile("", "x");
	run("sed 's/return two(x) - one/return one(x) - one/' a.c >b.c && "
	    "gcc -O1 -fno-ipa-icf -o y b.c");
	report = compare("x", "y");
	expect(report, "divergent", "unexplained_code_change");
	text = assay_json_text(divergence_of(report, "unexplained_code_change"), "explanation", "");
	ck_assert_msg(strstr(text, "functions that differ: ten") != NULL, "%s", text);
	json_decref(report);
}
END_TEST

START_TEST(stripped_code_is_still_compared_by_function)
{
	json_t *report;
	const char *text;

	compile("-s", "x");
	run("sed 's/x [*] 3 + 1/x * 7 + 1/' a.c >b.c && gcc -O1 -fno-ipa-icf -s -o y b.c");
	report = compare("x", "y");
	expect(report, "divergent", "unexplained_code_change");
	text = assay_json_text(divergence_of(report, "unexplained_code_change"), "explanation", "");
	ck_assert_msg(strstr(text, "functions that differ: .text+0x") != NULL, "%s", text);
	json_decref(report);
}
END_TEST

START_TEST(build_id_alone)
{
	json_t *report;

	compile("-Wl,--build-id=sha1", "x");
	patch("x", "y", ".note.gnu.build-id", 20, "abcd", 4);
	report = compare("x", "y");
	expect(report, "divergent", "build_id_differences_only");
	ck_assert_ptr_nonnull(strstr(assay_json_text(divergence_of(report,
								   "build_id_differences_only"),
						     "explanation", ""),
				     "stripped"));
	json_decref(report);
	/* an id that hashes nothing says nothing */
	compile("-Wl,--build-id=0x010203", "x");
	compile("-Wl,--build-id=0x010204", "y");
	report = compare("x", "y");
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "equivalent");
	ck_assert_str_eq(assay_json_text(report, "grade", ""), "code");
	json_decref(report);
}
END_TEST

START_TEST(debug_link)
{
	struct assay_buf file;
	json_t *report;

	compile("-g", "x");
	run("objcopy --only-keep-debug x x.debug && strip --strip-all x && "
	    "objcopy --add-gnu-debuglink=x.debug x");
	file = load("x");
	ck_assert_int_eq(lay_out(assay_buf_span(&file), NULL), ASSAY_CANONICAL);
	assay_buf_release(&file);
	patch("x", "y", ".gnu_debuglink", 8, "\1\2\3\4", 4);
	report = compare("x", "y");
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "equivalent");
	ck_assert_str_eq(assay_json_text(report, "grade", ""), "code");
	json_decref(report);
	/* the CRC lends nothing to a difference of its own */
	patch("y", "y", ".note.gnu.build-id", 20, "abcd", 4);
	report = compare("x", "y");
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	json_decref(report);
	patch("x", "y", ".gnu_debuglink", 0, "y", 1);
	report = compare("x", "y");
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	json_decref(report);
}
END_TEST

START_TEST(compiler_ident)
{
	json_t *report;

	compile("", "x");
	patch("x", "y", ".comment", 6, "Dxbiun", 6);
	report = compare("x", "y");
	expect(report, "divergent", "compiler_version_differs");
	json_decref(report);
}
END_TEST

START_TEST(debug_information)
{
	json_t *report;

	compile("-g -frandom-seed=1", "x");
	compile("-g -frandom-seed=2", "y");
	report = compare("x", "y");
	expect(report, "divergent", "records_build_flags");
	ck_assert_int_eq(unexplained(report), 0);
	json_decref(report);
	run("mkdir one second && cp a.c one && cp a.c second && (cd one && gcc -g -o ../x a.c) && "
	    "(cd second && gcc -g -o ../y a.c)");
	report = compare("x", "y");
	expect(report, "divergent", "gcc_captures_build_path");
	ck_assert_int_eq(unexplained(report), 0);
	json_decref(report);
	run("sed 's/ten/tex/g' a.c >b.c && gcc -g -c -o x a.c && gcc -g -c -o y b.c");
	report = compare("x", "y");
	ck_assert_ptr_null(divergence_of(report, "gcc_captures_build_path"));
	ck_assert_int_gt(unexplained(report), 0);
	json_decref(report);
}
END_TEST

START_TEST(stripped_against_unstripped)
{
	json_t *report, *back;

	compile("-g", "x");
	run("strip --strip-all -R .comment -o y x");
	report = compare("x", "y");
	expect(report, "divergent", "debug_symbols_not_stripped");
	ck_assert_int_eq(unexplained(report), 0);
	back = compare("y", "x");
	expect(back, "divergent", "debug_symbols_not_stripped");
	ck_assert_int_eq(unexplained(back), 0);
	json_decref(report);
	json_decref(back);
}
END_TEST

START_TEST(rights_are_not_folded)
{
	json_t *report;

	compile("", "x");
	compile("-z execstack", "y");
	report = compare("x", "y");
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	ck_assert_int_gt(unexplained(report), 0);
	json_decref(report);
}
END_TEST

START_TEST(search_paths)
{
	json_t *report, *d;

	compile("-Wl,-rpath,/build/one/lib", "x");
	compile("-Wl,-rpath,/build/two/lib", "y");
	report = compare("x", "y");
	expect(report, "divergent", "cmake_rpath_contains_build_path");
	d = divergence_of(report, "cmake_rpath_contains_build_path");
	ck_assert_ptr_nonnull(strstr(assay_json_text(d, "explanation", ""), "/build/two/lib"));
	ck_assert_int_eq(unexplained(report), 0);
	json_decref(report);
	/* a string beside it is not covered */
	patch("x", "y", ".dynstr", 1, "Q", 1);
	report = compare("x", "y");
	ck_assert_ptr_null(divergence_of(report, "cmake_rpath_contains_build_path"));
	ck_assert_int_gt(unexplained(report), 0);
	json_decref(report);
}
END_TEST

/* The two fields that may be folded lend nothing to what stands beside them. */
START_TEST(folded_fields_cover_nothing)
{
	static const char *const ids[] = { "0x010203", "0x010204" };
	struct assay_buf file;
	json_t *report;

	for (size_t i = 0; i < 2; i++) {
		char flags[64];

		snprintf(flags, sizeof(flags), "-Wl,--build-id=%s", ids[i]);
		compile(flags, i ? "y" : "x");
	}
	file = load("y");
	file.data[offsetof(Elf64_Ehdr, e_entry)] ^= 4;
	save("z", assay_buf_span(&file));
	report = compare("x", "z");
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	ck_assert_int_gt(unexplained(report), 0);
	json_decref(report);
	file.data[offsetof(Elf64_Ehdr, e_entry)] ^= 4;
	file.data[offsetof(Elf64_Ehdr, e_flags)] ^= 1;
	save("z", assay_buf_span(&file));
	report = compare("x", "z");
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	json_decref(report);
	assay_buf_release(&file);
}
END_TEST

/* A 32-bit big-endian file by hand: header, one program header, no sections. */
START_TEST(other_class_and_byte_order)
{
	uint8_t file[0x60] = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2MSB, 1 };
	struct assay_arena arena = ASSAY_ARENA_INIT(ROOM);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_elf elf;

	file[0x11] = ET_EXEC;
	file[0x13] = EM_PPC;
	file[0x1f] = 0x34; /* e_phoff */
	file[0x29] = 0x34; /* e_ehsize */
	file[0x2b] = 0x20; /* e_phentsize */
	file[0x2d] = 1;	   /* e_phnum */
	file[0x37] = PT_LOAD;
	file[0x3b] = 0x54; /* p_offset */
	file[0x47] = 0x0c; /* p_filesz */
	ck_assert_int_eq(assay_elf_read(assay_span_of(file, sizeof(file)), &arena, &elf, &err),
			 ASSAY_OK);
	ck_assert(!elf.is_64 && elf.is_big);
	ck_assert_uint_eq(elf.machine, EM_PPC);
	ck_assert_uint_eq(elf.segments[0].file_size, 0x0c);
	ck_assert_ptr_null(elf.defect);
	ck_assert_int_eq(lay_out(assay_span_of(file, sizeof(file)), NULL), ASSAY_CANONICAL);
	assay_arena_release(&arena);
}
END_TEST

START_TEST(overlapping_parts_are_ambiguous)
{
	struct assay_buf file;
	struct assay_arena arena = ASSAY_ARENA_INIT(ROOM);
	struct assay_error err = ASSAY_ERROR_INIT;
	struct assay_elf elf;
	uint64_t at;

	compile("", "x");
	file = load("x");
	ck_assert_int_eq(assay_elf_read(assay_buf_span(&file), &arena, &elf, &err), ASSAY_OK);
	ck_assert(elf.is_64);
	at = elf.section_table + (elf.section_count - 1) * elf.section_entry +
	     offsetof(Elf64_Shdr, sh_offset);
	file.data[at] = (char)(file.data[at] - 1);
	ck_assert_int_eq(lay_out(assay_buf_span(&file), NULL), ASSAY_AMBIGUOUS);
	assay_arena_release(&arena);
	assay_buf_release(&file);
}
END_TEST

START_TEST(hostile_files_do_no_harm)
{
	struct assay_buf file;
	uint64_t state = 88172645463325252ULL;

	compile("-g", "x");
	file = load("x");
	for (size_t len = 0; len < file.len; len += 1 + len / 16)
		lay_out(assay_span_of(file.data, len), NULL);
	for (int round = 0; round < 400; round++) {
		for (int i = 0; i < 8; i++) {
			bool in_tables;
			size_t at;

			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			in_tables = state & 1;
			at = (state >> 8) % (in_tables ? 0x400 : file.len);
			if (state & 2)
				at = file.len - 1 - at;
			file.data[at] = (char)(state >> 40);
		}
		memcpy(file.data, "\x7f" "ELF\2\1\1", 7);
		save("y", assay_buf_span(&file));
		lay_out(assay_buf_span(&file), NULL);
		if (round % 20 == 0) {
			json_t *report = compare("x", "y");

			ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
			json_decref(report);
		}
	}
	assay_buf_release(&file);
}
END_TEST

/* As in Debian's -dbgsym packages: debug sections only, compressed. */
START_TEST(compressed_debug_information)
{
	const char *said;
	json_t *report;

	compile("", "unused");
	run("mkdir one two && for d in one two; do (cd $d && gcc -g -O1 -o prog ../a.c && "
	    "objcopy --only-keep-debug --compress-debug-sections=zlib prog prog.debug); done");
	run("cp one/prog.debug x; cp two/prog.debug y; objcopy --decompress-debug-sections x z; "
	    "objcopy --compress-debug-sections=zlib-gnu x gnu");
	report = compare("x", "y");
	expect(report, "divergent", "gcc_captures_build_path");
	ck_assert_int_eq(unexplained(report), 0);
	said = assay_json_text(divergence_of(report, "gcc_captures_build_path"), "explanation", "");
	ck_assert_msg(strstr(said, "in unit 1, ../a.c, directory \"") != NULL, "%s", said);
	json_decref(report);
	report = compare("x", "z");
	expect(report, "divergent", "compression_encoder_differs");
	json_decref(report);
	report = compare("gnu", "y");
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	json_decref(report);
}
END_TEST

START_TEST(changed_compressed_debug_information_is_unexplained)
{
	json_t *report, *d;

	compile("-g -gz=zlib", "x");
	run("sed -i s/two/won/ a.c; gcc -O1 -fno-ipa-icf -g -gz=zlib -o y a.c; strip -g -o a x; "
	    "strip -g -o b y; objcopy --only-keep-debug x xd; objcopy --only-keep-debug y yd; "
	    "objcopy -R .symtab xd; objcopy -R .symtab yd");
	report = compare("xd", "yd");
	ck_assert_str_eq(assay_json_text(report, "verdict", ""), "divergent");
	d = divergence_of(report, "unexplained_metadata_difference");
	ck_assert_msg(d && strstr(assay_json_text(d, "explanation", ""), "decoded, "), "%s",
		      json_dumps(report, JSON_INDENT(1)));
	json_decref(report);
}
END_TEST

/* Go's build information: the length of each string in front of it, the module lines between markers. */
static void make_go(const char *name, const char *version, const char *time)
{
	char command[2048];

	snprintf(command, sizeof(command),
		 "cat >go.s <<'X'\n.section .go.buildinfo,\"aw\"\n.ascii \"\\377 Go buildinf:\"\n"
		 ".byte 8, 2\n.zero 16\n.byte 2f-1f\n1: .ascii \"%s\"\n2: .byte 4f-3f\n"
		 "3: .ascii \"0123456789abcdef\"\n.ascii \"path\\tx\\ndep\\tx/y\\tv1.2.3\\th1:=\\n\"\n"
		 ".ascii \"build\\tvcs.time=%s\\n\"\n.ascii \"0123456789abcdef\"\n4:\nX\n"
		 "gcc -c -o %s go.s",
		 version, time, name);
	run(command);
}

START_TEST(go_build_information)
{
	json_t *report, *list, *path;

	make_go("x", "go1.19.8", "2023-01-02T03:04:05Z");
	make_go("y", "go1.19.9", "2023-01-02T03:04:05Z");
	make_go("z", "go1.19.8", "2024-01-02T03:04:05Z");
	report = compare("x", "y");
	expect(report, "divergent", "compiler_version_differs");
	json_decref(report);
	report = compare("x", "z");
	list = json_object_get(report, "divergences");
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_str_eq(assay_json_text(json_array_get(list, 0), "field", ""), "elf.go.time");
	path = json_object_get(json_array_get(list, 0), "path");
	ck_assert_str_eq(json_string_value(json_array_get(path, json_array_size(path) - 1)),
			 "build vcs.time");
	json_decref(report);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("elf");
	TCase *tc = tcase_create("elf");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_byte_is_in_one_span);
	tcase_add_test(tc, a_changed_function_is_named);
	tcase_add_test(tc, what_only_moved_is_not_called_changed);
	tcase_add_test(tc, a_call_that_leads_elsewhere_is_a_change);
	tcase_add_test(tc, stripped_code_is_still_compared_by_function);
	tcase_add_test(tc, build_id_alone);
	tcase_add_test(tc, debug_link);
	tcase_add_test(tc, compiler_ident);
	tcase_add_test(tc, debug_information);
	tcase_add_test(tc, compressed_debug_information);
	tcase_add_test(tc, changed_compressed_debug_information_is_unexplained);
	tcase_add_test(tc, go_build_information);
	tcase_add_test(tc, stripped_against_unstripped);
	tcase_add_test(tc, rights_are_not_folded);
	tcase_add_test(tc, search_paths);
	tcase_add_test(tc, folded_fields_cover_nothing);
	tcase_add_test(tc, other_class_and_byte_order);
	tcase_add_test(tc, overlapping_parts_are_ambiguous);
	tcase_add_test(tc, hostile_files_do_no_harm);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
