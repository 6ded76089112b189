/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A main for fuzz targets without libFuzzer, so that every corpus is replayed by any compiler in every
 * `make check`: each input as it is, cut short, and with a fixed sequence of damages.  The same inputs
 * give the same run.
 *
 *	f_NAME [FILE|DIRECTORY]...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1 << 20, DAMAGED_COPIES = 64, CUTS = 32, INPUTS_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long runs;

/* An exact allocation each time, so that a read behind the end is seen by ASan. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	runs++;
}

/* xorshift64: fixed, so that a failure is found again. */
static uint64_t next_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void damage(uint8_t *data, size_t size, uint64_t *state)
{
	static const uint8_t telling[] = { 0x00, 0xff, 0x7f, 0x80, 0x01, '0', '7', '9', ' ', '/' };
	uint64_t strikes = 1 + next_number(state) % 4;

	while (strikes--) {
		size_t at = next_number(state) % size;
		uint64_t how = next_number(state);

		if (how % 3 == 0)
			data[at] ^= (uint8_t)(1u << (how >> 8) % 8);
		else if (how % 3 == 1)
			data[at] = telling[(how >> 8) % sizeof(telling)];
		else
			memset(data + at, (int)telling[(how >> 8) % sizeof(telling)],
			       size - at < 8 ? size - at : 8);
	}
}

static void run_variations(const uint8_t *data, size_t size)
{
	uint64_t state = 0x9e3779b97f4a7c15u ^ size;
	uint8_t *copy;

	run(data, size);
	if (!size)
		return;
	for (size_t i = 1; i <= CUTS; i++)
		run(data, size * i / (CUTS + 1));
	copy = malloc(size);
	if (!copy)
		abort();
	for (int i = 0; i < DAMAGED_COPIES; i++) {
		memcpy(copy, data, size);
		damage(copy, size, &state);
		run(copy, size);
	}
	free(copy);
}

static void run_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *file = fopen(path, "rbe");
	size_t size;

	if (!file) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	run_variations(data, size);
}

static int run_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && i < INPUTS_MAX)
			run_file(name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return count;
}

int main(int argc, char **argv)
{
	struct stat st;

	run_variations((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st))
			printf("# %s: no corpus\n", argv[i]);
		else if (S_ISDIR(st.st_mode))
			run_directory(argv[i]);
		else
			run_file(argv[i]);
	}
	printf("ok - %s: %lu inputs\n", argv[0], runs);
	return 0;
}
