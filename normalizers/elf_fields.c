/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of an ELF file mean and what may be done with a difference in them: almost nothing.
 * A difference in what is loaded is never folded, nor is one in what a debugger or a packager reads;
 * the two exceptions carry no information of their own and are graded "code".
 */
#include "elf_fields.h"

#define NEVER(kind_, name_, severity_, cause_, rule_)                                              \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .rating = ASSAY_RATE_NEVER,                      \
		.severity = (severity_), .cause = (cause_), .rule = (rule_)                        \
	}
#define SAFE(kind_, name_, pass_, cause_, rule_)                                                   \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .rating = ASSAY_RATE_SAFE, .pass = (pass_),      \
		.grade = ASSAY_GRADE_CODE, .severity = ASSAY_SEVERITY_METADATA, .cause = (cause_), \
		.rule = (rule_)                                                                    \
	}

const struct assay_field assay_elf_fields[] = {
	[ASSAY_ELF_HEADER] = NEVER(ASSAY_METADATA, "elf.header", ASSAY_SEVERITY_CODE, NULL,
				   "machine, type and entry point: the kernel acts on them (gABI 4)"),
	[ASSAY_ELF_SEGMENTS] =
		NEVER(ASSAY_METADATA, "elf.program-headers", ASSAY_SEVERITY_CODE, NULL,
		      "what is mapped where and with which rights (gABI 5)"),
	[ASSAY_ELF_SECTIONS] =
		NEVER(ASSAY_METADATA, "elf.section-headers", ASSAY_SEVERITY_METADATA, NULL,
		      "names and places of the parts, for linkers and debuggers (gABI 4)"),
	[ASSAY_ELF_CODE] = NEVER(ASSAY_CONTENT, "elf.code", ASSAY_SEVERITY_CODE, NULL,
				 "instructions: the processor executes them"),
	[ASSAY_ELF_DATA] = NEVER(ASSAY_CONTENT, "elf.data", ASSAY_SEVERITY_DATA, NULL,
				 "constants and variables that the program reads"),
	[ASSAY_ELF_LINKAGE] =
		NEVER(ASSAY_CONTENT, "elf.linkage", ASSAY_SEVERITY_CODE, NULL,
		      "relocations, dynamic symbols and their strings: they choose what is called"),
	[ASSAY_ELF_UNWIND] = NEVER(ASSAY_CONTENT, "elf.unwind", ASSAY_SEVERITY_CODE, NULL,
				   "unwind tables: exceptions run the code they point to (LSB 10.6)"),
	[ASSAY_ELF_BUILD_ID] =
		NEVER(ASSAY_METADATA, "elf.build-id", ASSAY_SEVERITY_METADATA,
		      "build_id_differences_only",
		      "a hash of what the linker wrote, before anything was stripped"),
	[ASSAY_ELF_BUILD_ID_GIVEN] =
		SAFE(ASSAY_METADATA, "elf.build-id.given", "elf-given-build-id",
		     "build_id_differences_only",
		     "an id of a length that no hash of the linker has: given by hand (--build-id=0x)"),
	[ASSAY_ELF_NOTE] = NEVER(ASSAY_METADATA, "elf.note", ASSAY_SEVERITY_METADATA, NULL,
				 "ABI tags, properties and other notes: loaders may refuse by them"),
	[ASSAY_ELF_DEBUGLINK_NAME] =
		NEVER(ASSAY_METADATA, "elf.debuglink.name", ASSAY_SEVERITY_METADATA, NULL,
		      "the name of the file that holds the debug information"),
	[ASSAY_ELF_DEBUGLINK_CRC] =
		SAFE(ASSAY_METADATA, "elf.debuglink.crc", "elf-debuglink-crc",
		     "checksum_of_changed_content",
		     "the CRC of the separate debug file; only debuggers look for that file"),
	[ASSAY_ELF_ALTLINK_ID] =
		NEVER(ASSAY_METADATA, "elf.debugaltlink.id", ASSAY_SEVERITY_METADATA,
		      "build_id_differences_only",
		      "the build-id of the debug information that dwz moved to a file shared by the "
		      "programs of a package: a hash of what was stripped from here"),
	[ASSAY_ELF_COMMENT] =
		NEVER(ASSAY_METADATA, "elf.comment", ASSAY_SEVERITY_METADATA,
		      "compiler_version_differs",
		      "the identification of the compilers that made the objects (.comment)"),
	[ASSAY_ELF_DEBUG] = NEVER(ASSAY_METADATA, "elf.debug", ASSAY_SEVERITY_METADATA, NULL,
				  "debug information: never loaded, but executed by debuggers (DWARF)"),
	[ASSAY_ELF_DEBUGDATA] =
		NEVER(ASSAY_ENCODING, "elf.debugdata", ASSAY_SEVERITY_METADATA,
		      "compression_encoder_differs",
		      "an xz stream that holds an ELF file of symbols (.gnu_debugdata)"),
	[ASSAY_ELF_GO] = NEVER(ASSAY_METADATA, "elf.go", ASSAY_SEVERITY_DATA, NULL,
			       "frame of Go's build information, or a line of no known kind"),
	[ASSAY_ELF_GO_VERSION] =
		NEVER(ASSAY_METADATA, "elf.go.version", ASSAY_SEVERITY_METADATA,
		      "compiler_version_differs", "version of the Go compiler and libraries"),
	[ASSAY_ELF_GO_MODULE] =
		NEVER(ASSAY_METADATA, "elf.go.module", ASSAY_SEVERITY_METADATA,
		      "dependency_version_differs", "a module of the program, its version and sum"),
	[ASSAY_ELF_GO_SETTING] =
		NEVER(ASSAY_METADATA, "elf.go.setting", ASSAY_SEVERITY_METADATA,
		      "records_build_flags", "a setting of the build: flags, tags, architecture"),
	[ASSAY_ELF_GO_COMMIT] =
		NEVER(ASSAY_METADATA, "elf.go.commit", ASSAY_SEVERITY_DATA, "source_commit_differs",
		      "commit of the source, and whether it was changed (-buildvcs)"),
	[ASSAY_ELF_GO_TIME] =
		NEVER(ASSAY_METADATA, "elf.go.time", ASSAY_SEVERITY_METADATA,
		      "source_commit_differs", "time of the commit of the source (-buildvcs)"),
	[ASSAY_ELF_GO_BUILD_ID] =
		NEVER(ASSAY_METADATA, "elf.go.build-id", ASSAY_SEVERITY_METADATA,
		      "build_id_differences_only",
		      "Go's build id: hashes of the inputs and of the output of each step"),
	[ASSAY_ELF_SYMBOLS] =
		NEVER(ASSAY_METADATA, "elf.symbols", ASSAY_SEVERITY_METADATA, NULL,
		      "names of functions and sections that strip removes; never loaded"),
	[ASSAY_ELF_OTHER] = NEVER(ASSAY_METADATA, "elf.section", ASSAY_SEVERITY_DATA, NULL,
				  "a section that is not loaded and whose reader is not known"),
	[ASSAY_ELF_SEGMENT] = NEVER(ASSAY_CONTENT, "elf.segment", ASSAY_SEVERITY_CODE, NULL,
				    "loaded bytes that no section describes"),
	[ASSAY_ELF_GAP] = NEVER(ASSAY_CONTENT, "elf.gap", ASSAY_SEVERITY_CODE, NULL,
				"bytes that are not zero between the parts: nobody should need them"),
	[ASSAY_ELF_PADDING] = { .name = "elf.padding",
				.kind = ASSAY_DERIVED,
				.rating = ASSAY_RATE_NEVER,
				.severity = ASSAY_SEVERITY_METADATA,
				.cause = "moved_by_changed_size",
				.rule = "zeros that align the next part: their number follows" },
	[ASSAY_ELF_TRAILING] =
		NEVER(ASSAY_TRAILING, "elf.trailing", ASSAY_SEVERITY_DATA, NULL,
		      "bytes behind the last part: self-extracting programs read them"),
	{ .name = NULL },
};
