/* SPDX-License-Identifier: Apache-2.0 */
/* See fixed.h.  Values are the kernel's defaults, or what the policy limits the box to. */
#include "fixed.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "assay/buf.h"
#include "assay/cleanup.h"
#include "assay/file.h"

#define CPUINFO_MAX (1u << 20)
#define UPTIME_S 1000

static const struct {
	const char *path, *content;
} constant[] = {
	{ "/proc/", "" },
	{ "/proc/sys/", "" },
	{ "/proc/sys/crypto/", "" },
	{ "/proc/sys/fs/", "" },
	{ "/proc/sys/kernel/", "" },
	{ "/proc/sys/kernel/random/", "" },
	{ "/proc/sys/net/", "" },
	{ "/proc/sys/net/core/", "" },
	{ "/proc/sys/vm/", "" },
	{ "/sys/", "" },
	{ "/sys/devices/", "" },
	{ "/sys/devices/system/", "" },
	{ "/sys/devices/system/cpu/", "" },
	{ "/proc/cmdline", "\n" },
	{ "/proc/filesystems", "nodev\tproc\nnodev\ttmpfs\nnodev\toverlay\n" },
	{ "/proc/loadavg", "0.00 0.00 0.00 1/1 1\n" },
	{ "/proc/uptime", "1000.00 1000.00\n" },
	{ "/proc/sys/crypto/fips_enabled", "0\n" },
	{ "/proc/sys/fs/file-max", "9223372036854775807\n" },
	{ "/proc/sys/fs/nr_open", "1048576\n" },
	{ "/proc/sys/fs/pipe-max-size", "1048576\n" },
	{ "/proc/sys/kernel/cap_last_cap", "40\n" },
	{ "/proc/sys/kernel/domainname", "(none)\n" },
	{ "/proc/sys/kernel/ngroups_max", "65536\n" },
	{ "/proc/sys/kernel/ostype", "Linux\n" },
	{ "/proc/sys/kernel/overflowgid", "65534\n" },
	{ "/proc/sys/kernel/overflowuid", "65534\n" },
	{ "/proc/sys/kernel/pid_max", "4194304\n" },
	{ "/proc/sys/kernel/random/boot_id", "00000000-0000-4000-8000-000000000000\n" },
	{ "/proc/sys/kernel/random/entropy_avail", "256\n" },
	{ "/proc/sys/kernel/random/uuid", "" }, /* the kernel's own comes here */
	{ "/proc/sys/kernel/sem", "32000\t1024000000\t500\t32000\n" },
	{ "/proc/sys/kernel/shmmax", "18446744073692774399\n" },
	{ "/proc/sys/net/core/somaxconn", "4096\n" },
	{ "/proc/sys/vm/max_map_count", "65530\n" },
	{ "/proc/sys/vm/mmap_min_addr", "65536\n" },
	{ "/proc/sys/vm/overcommit_memory", "0\n" },
};

/* Lines of /proc/cpuinfo that tell about this machine rather than about its processor's model. */
static const struct {
	const char *key;
	enum { INDEX, COUNT, TEXT } kind;
	const char *text;
} cpu_lines[] = {
	{ "processor", INDEX, NULL },	      { "physical id", TEXT, "0" },
	{ "siblings", COUNT, NULL },	      { "core id", INDEX, NULL },
	{ "cpu cores", COUNT, NULL },	      { "apicid", INDEX, NULL },
	{ "initial apicid", INDEX, NULL },    { "cpu MHz", TEXT, "1000.000" },
	{ "bogomips", TEXT, "2000.00" },      { "BogoMIPS", TEXT, "2000.00" },
	{ "microcode", TEXT, "0x1" },
};

/* The first processor's lines; read once, since the kernel asks every processor for its clock. */
static struct assay_buf first_cpu = ASSAY_BUF_INIT(CPUINFO_MAX);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_first_cpu(void)
{
	struct assay_error err;
	size_t end;

	if (assay_file_read(AT_FDCWD, "/proc/cpuinfo", &first_cpu, &err))
		assay_buf_clear(&first_cpu);
	end = assay_span_find(assay_buf_span(&first_cpu), 0, assay_span_text("\n\n"));
	if (end != SIZE_MAX)
		first_cpu.len = end + 1;
}

static void add_cpu_line(struct assay_buf *out, struct assay_span line, unsigned index, unsigned cpus)
{
	size_t colon = assay_span_find(line, 0, assay_span_text(":"));
	struct assay_span key = assay_span_trim(assay_span_cut(line, 0, colon));

	for (size_t i = 0; i < sizeof(cpu_lines) / sizeof(cpu_lines[0]) && colon != SIZE_MAX; i++) {
		if (!assay_span_equal_text(key, cpu_lines[i].key))
			continue;
		assay_buf_add(out, line.data, colon);
		if (cpu_lines[i].kind == TEXT)
			assay_buf_printf(out, ": %s\n", cpu_lines[i].text);
		else
			assay_buf_printf(out, ": %u\n", cpu_lines[i].kind == INDEX ? index : cpus);
		return;
	}
	assay_buf_add(out, line.data, line.len);
	assay_buf_add_text(out, "\n");
}

static void put_cpuinfo(unsigned cpus, box_fixed_put *put, void *to)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(CPUINFO_MAX);

	pthread_once(&once, read_first_cpu);
	for (unsigned i = 0; i < cpus; i++) {
		struct assay_span rest = assay_buf_span(&first_cpu), line;

		while (assay_span_next_line(&rest, &line))
			add_cpu_line(&out, line, i, cpus);
		assay_buf_add_text(&out, "\n");
	}
	put(to, "/proc/cpuinfo", assay_buf_span(&out));
}

/* Programs choose how much to do at once by it: the limit counts, not the machine. */
static void put_meminfo(uint64_t memory, box_fixed_put *put, void *to)
{
	unsigned long long kib = memory / 1024;
	char text[400];
	int len = snprintf(text, sizeof(text),
			   "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n"
			   "MemAvailable:   %8llu kB\nBuffers:        %8u kB\n"
			   "Cached:         %8u kB\nSwapCached:     %8u kB\n"
			   "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n",
			   kib, kib, kib, 0, 0, 0, 0, 0);

	put(to, "/proc/meminfo", assay_span_of(text, (size_t)len));
}

static void put_stat(int64_t epoch, unsigned cpus, box_fixed_put *put, void *to)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(CPUINFO_MAX);

	assay_buf_add_text(&out, "cpu  0 0 0 0 0 0 0 0 0 0\n");
	for (unsigned i = 0; i < cpus; i++)
		assay_buf_printf(&out, "cpu%u 0 0 0 0 0 0 0 0 0 0\n", i);
	assay_buf_printf(&out,
			 "intr 0\nctxt 0\nbtime %lld\nprocesses 2\nprocs_running 1\nprocs_blocked 0\n"
			 "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
			 (long long)epoch);
	put(to, "/proc/stat", assay_buf_span(&out));
}

static void put_cpu_lists(unsigned cpus, box_fixed_put *put, void *to)
{
	static const char *const lists[] = { "online", "possible", "present" };
	char range[32], path[64];

	if (cpus > 1)
		snprintf(range, sizeof(range), "0-%u\n", cpus - 1);
	else
		snprintf(range, sizeof(range), "0\n");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", lists[i]);
		put(to, path, assay_span_text(range));
	}
	/* some count these */
	for (unsigned i = 0; i < cpus && i < BOX_CPUS_MAX; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/", i);
		put(to, path, assay_span_text(""));
	}
}

static void put_line(const char *path, const char *text, box_fixed_put *put, void *to)
{
	char line[256];

	snprintf(line, sizeof(line), "%s\n", text);
	put(to, path, assay_span_text(line));
}

/* The kernel's word: uname(2) may be changed by personality(2). */
static void put_copy(const char *path, box_fixed_put *put, void *to)
{
	assay_auto(assay_buf_release) struct assay_buf buf = ASSAY_BUF_INIT(4096);
	struct assay_error err;

	if (assay_file_read(AT_FDCWD, path, &buf, &err) == ASSAY_OK)
		put(to, path, assay_buf_span(&buf));
}

unsigned box_fixed_cpus(const struct assay_box_policy *policy)
{
	long online = policy->cpus ? (long)policy->cpus : sysconf(_SC_NPROCESSORS_ONLN);

	return online > 0 ? (unsigned)online : 1;
}

void box_fixed_files(const struct assay_box_policy *policy, unsigned cpus, box_fixed_put *put, void *to)
{
	for (size_t i = 0; i < sizeof(constant) / sizeof(constant[0]); i++)
		put(to, constant[i].path, assay_span_text(constant[i].content));
	put_copy("/proc/sys/kernel/osrelease", put, to);
	put_copy("/proc/sys/kernel/version", put, to);
	put_line("/proc/sys/kernel/hostname", policy->hostname, put, to);
	put_line("/proc/sys/kernel/randomize_va_space", policy->aslr_off ? "0" : "2", put, to);
	put_cpuinfo(cpus, put, to);
	put_meminfo(policy->memory, put, to);
	put_stat(policy->epoch, cpus, put, to);
	put_cpu_lists(cpus, put, to);
}

struct sysinfo box_fixed_sysinfo(const struct assay_box_policy *policy)
{
	return (struct sysinfo){
		.uptime = UPTIME_S,
		.totalram = policy->memory,
		.freeram = policy->memory,
		.procs = 1,
		.mem_unit = 1,
	};
}
