/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions of a method as text, one a line, with their constants resolved (JVMS chapter 6).  What
 * cannot be read as an instruction is written as bytes, so that two codes give one text only when they
 * are the same but for the numbers of their constants. */
#include "class_read.h"

#define IINC 0x84

/* Operands: b s signed byte, short; l local; c C constant by one or two bytes; j J branch by two or four;
 * i iinc; I invokeinterface; D invokedynamic; m multianewarray; t k the switches; w wide. */
static const struct {
	const char *name;
	char operands;
} opcodes[] = {
	{ "nop", '-' }, { "aconst_null", '-' }, { "iconst_m1", '-' }, { "iconst_0", '-' },
	{ "iconst_1", '-' }, { "iconst_2", '-' }, { "iconst_3", '-' }, { "iconst_4", '-' },
	{ "iconst_5", '-' }, { "lconst_0", '-' }, { "lconst_1", '-' }, { "fconst_0", '-' },
	{ "fconst_1", '-' }, { "fconst_2", '-' }, { "dconst_0", '-' }, { "dconst_1", '-' },
	{ "bipush", 'b' }, { "sipush", 's' }, { "ldc", 'c' }, { "ldc_w", 'C' },
	{ "ldc2_w", 'C' }, { "iload", 'l' }, { "lload", 'l' }, { "fload", 'l' },
	{ "dload", 'l' }, { "aload", 'l' }, { "iload_0", '-' }, { "iload_1", '-' },
	{ "iload_2", '-' }, { "iload_3", '-' }, { "lload_0", '-' }, { "lload_1", '-' },
	{ "lload_2", '-' }, { "lload_3", '-' }, { "fload_0", '-' }, { "fload_1", '-' },
	{ "fload_2", '-' }, { "fload_3", '-' }, { "dload_0", '-' }, { "dload_1", '-' },
	{ "dload_2", '-' }, { "dload_3", '-' }, { "aload_0", '-' }, { "aload_1", '-' },
	{ "aload_2", '-' }, { "aload_3", '-' }, { "iaload", '-' }, { "laload", '-' },
	{ "faload", '-' }, { "daload", '-' }, { "aaload", '-' }, { "baload", '-' },
	{ "caload", '-' }, { "saload", '-' }, { "istore", 'l' }, { "lstore", 'l' },
	{ "fstore", 'l' }, { "dstore", 'l' }, { "astore", 'l' }, { "istore_0", '-' },
	{ "istore_1", '-' }, { "istore_2", '-' }, { "istore_3", '-' }, { "lstore_0", '-' },
	{ "lstore_1", '-' }, { "lstore_2", '-' }, { "lstore_3", '-' }, { "fstore_0", '-' },
	{ "fstore_1", '-' }, { "fstore_2", '-' }, { "fstore_3", '-' }, { "dstore_0", '-' },
	{ "dstore_1", '-' }, { "dstore_2", '-' }, { "dstore_3", '-' }, { "astore_0", '-' },
	{ "astore_1", '-' }, { "astore_2", '-' }, { "astore_3", '-' }, { "iastore", '-' },
	{ "lastore", '-' }, { "fastore", '-' }, { "dastore", '-' }, { "aastore", '-' },
	{ "bastore", '-' }, { "castore", '-' }, { "sastore", '-' }, { "pop", '-' },
	{ "pop2", '-' }, { "dup", '-' }, { "dup_x1", '-' }, { "dup_x2", '-' }, { "dup2", '-' },
	{ "dup2_x1", '-' }, { "dup2_x2", '-' }, { "swap", '-' }, { "iadd", '-' },
	{ "ladd", '-' }, { "fadd", '-' }, { "dadd", '-' }, { "isub", '-' }, { "lsub", '-' },
	{ "fsub", '-' }, { "dsub", '-' }, { "imul", '-' }, { "lmul", '-' }, { "fmul", '-' },
	{ "dmul", '-' }, { "idiv", '-' }, { "ldiv", '-' }, { "fdiv", '-' }, { "ddiv", '-' },
	{ "irem", '-' }, { "lrem", '-' }, { "frem", '-' }, { "drem", '-' }, { "ineg", '-' },
	{ "lneg", '-' }, { "fneg", '-' }, { "dneg", '-' }, { "ishl", '-' }, { "lshl", '-' },
	{ "ishr", '-' }, { "lshr", '-' }, { "iushr", '-' }, { "lushr", '-' }, { "iand", '-' },
	{ "land", '-' }, { "ior", '-' }, { "lor", '-' }, { "ixor", '-' }, { "lxor", '-' },
	{ "iinc", 'i' }, { "i2l", '-' }, { "i2f", '-' }, { "i2d", '-' }, { "l2i", '-' },
	{ "l2f", '-' }, { "l2d", '-' }, { "f2i", '-' }, { "f2l", '-' }, { "f2d", '-' },
	{ "d2i", '-' }, { "d2l", '-' }, { "d2f", '-' }, { "i2b", '-' }, { "i2c", '-' },
	{ "i2s", '-' }, { "lcmp", '-' }, { "fcmpl", '-' }, { "fcmpg", '-' }, { "dcmpl", '-' },
	{ "dcmpg", '-' }, { "ifeq", 'j' }, { "ifne", 'j' }, { "iflt", 'j' }, { "ifge", 'j' },
	{ "ifgt", 'j' }, { "ifle", 'j' }, { "if_icmpeq", 'j' }, { "if_icmpne", 'j' },
	{ "if_icmplt", 'j' }, { "if_icmpge", 'j' }, { "if_icmpgt", 'j' }, { "if_icmple", 'j' },
	{ "if_acmpeq", 'j' }, { "if_acmpne", 'j' }, { "goto", 'j' }, { "jsr", 'j' },
	{ "ret", 'l' }, { "tableswitch", 't' }, { "lookupswitch", 'k' }, { "ireturn", '-' },
	{ "lreturn", '-' }, { "freturn", '-' }, { "dreturn", '-' }, { "areturn", '-' },
	{ "return", '-' }, { "getstatic", 'C' }, { "putstatic", 'C' }, { "getfield", 'C' },
	{ "putfield", 'C' }, { "invokevirtual", 'C' }, { "invokespecial", 'C' },
	{ "invokestatic", 'C' }, { "invokeinterface", 'I' }, { "invokedynamic", 'D' },
	{ "new", 'C' }, { "newarray", 'b' }, { "anewarray", 'C' }, { "arraylength", '-' },
	{ "athrow", '-' }, { "checkcast", 'C' }, { "instanceof", 'C' }, { "monitorenter", '-' },
	{ "monitorexit", '-' }, { "wide", 'w' }, { "multianewarray", 'm' }, { "ifnull", 'j' },
	{ "ifnonnull", 'j' }, { "goto_w", 'J' }, { "jsr_w", 'J' },
};

#define OPCODES (sizeof(opcodes) / sizeof(opcodes[0]))

static int32_t s16(struct assay_span s, size_t at)
{
	return (int16_t)class_get(s, at, 2);
}

/* Bytes of a switch behind its opcode, at a multiple of four; 0 when it does not fit. */
static size_t switch_size(struct assay_span code, size_t at, bool is_table)
{
	size_t start = (at + 4) & ~(size_t)3, head = is_table ? 12 : 8;
	int64_t count;

	if (start + head > code.len)
		return 0;
	if (is_table)
		count = (int64_t)(int32_t)class_get(code, start + 8, 4) -
			(int32_t)class_get(code, start + 4, 4) + 1;
	else
		count = 2 * (int64_t)(int32_t)class_get(code, start + 4, 4);
	if (count < 0 || (uint64_t)count > (code.len - start - head) / 4)
		return 0;
	return start + head + 4 * (size_t)count - at - 1;
}

static void write_switch(struct assay_buf *out, struct assay_span code, size_t at, size_t size)
{
	size_t start = (at + 4) & ~(size_t)3;

	for (size_t i = at + 1; i < start; i++)
		if (code.data[i])
			assay_buf_printf(out, " padding %u", code.data[i]);
	for (size_t i = start; i < at + 1 + size; i += 4)
		assay_buf_printf(out, " %d", (int32_t)class_get(code, i, 4));
}

/* Bytes of the operands; SIZE_MAX for none that can be read. */
static size_t operand_size(struct assay_span code, size_t at, char kind)
{
	static const struct {
		char kind;
		uint8_t size;
	} sizes[] = { { '-', 0 }, { 'b', 1 }, { 's', 2 }, { 'l', 1 }, { 'c', 1 }, { 'C', 2 }, { 'j', 2 },
		      { 'J', 4 }, { 'i', 2 }, { 'I', 4 }, { 'D', 4 }, { 'm', 3 } };
	size_t size = SIZE_MAX;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].kind == kind)
			size = sizes[i].size;
	if (kind == 't' || kind == 'k')
		size = switch_size(code, at, kind == 't');
	if (kind == 'w' && at + 1 < code.len)
		size = code.data[at + 1] == IINC ? 5 : 3;
	if ((kind == 't' || kind == 'k') && size == 0)
		return SIZE_MAX;
	return size != SIZE_MAX && size <= code.len - at - 1 ? size : SIZE_MAX;
}

static void write_constant(const struct class_file *class, uint32_t index, struct assay_buf *out)
{
	assay_buf_add_text(out, " ");
	class_write_constant(class, index, out);
}

static void write_operands(const struct class_file *class, struct assay_span code, size_t at,
			   size_t size, char kind, struct assay_buf *out)
{
	const uint8_t *p = code.data + at + 1;

	switch (kind) {
	case 'b':
		assay_buf_printf(out, " %d", (int8_t)p[0]);
		break;
	case 's':
	case 'j':
		assay_buf_printf(out, kind == 'j' ? " %+d" : " %d", s16(code, at + 1));
		break;
	case 'J':
		assay_buf_printf(out, " %+d", (int32_t)class_get(code, at + 1, 4));
		break;
	case 'l':
		assay_buf_printf(out, " %u", p[0]);
		break;
	case 'i':
		assay_buf_printf(out, " %u %d", p[0], (int8_t)p[1]);
		break;
	case 'c':
		write_constant(class, p[0], out);
		break;
	case 't':
	case 'k':
		write_switch(out, code, at, size);
		break;
	case 'C':
	case 'I':
	case 'D':
	case 'm':
		write_constant(class, (uint32_t)class_get(code, at + 1, 2), out);
		for (size_t i = 2; i < size; i++)
			assay_buf_printf(out, " %u", p[i]);
		break;
	default:
		for (size_t i = 0; i < size; i++)
			assay_buf_printf(out, " %u", p[i]);
	}
}

void class_write_code(const struct class_file *class, struct assay_span code, struct assay_buf *out)
{
	size_t at = 0;

	while (at < code.len && !out->failed) {
		uint8_t opcode = code.data[at];
		size_t size = opcode < OPCODES ? operand_size(code, at, opcodes[opcode].operands) :
						 SIZE_MAX;

		if (size == SIZE_MAX)
			break;
		assay_buf_printf(out, "    %s", opcodes[opcode].name);
		write_operands(class, code, at, size, opcodes[opcode].operands, out);
		assay_buf_add_text(out, "\n");
		at += 1 + size;
	}
	if (at < code.len)
		class_write_bytes(assay_span_cut(code, at, SIZE_MAX), out);
}
