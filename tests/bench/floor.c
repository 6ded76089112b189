/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor [--hash] A B: the least that a comparison which reads everything can cost.  Each side in a
 * thread of its own is unpacked down to its innermost compressed stream (ar members first, as in a
 * .deb) and hashed; with --hash the files are hashed as they are.  A program of its own, started like
 * the one that is measured against it.  It shares no code with assay.
 */
#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 131072

struct side {
	const char *path;
	bool raw;
	bool ok;
	unsigned char digest[EVP_MAX_MD_SIZE];
};

static bool hash_file(const char *path, EVP_MD_CTX *md)
{
	static _Thread_local char block[BLOCK];
	FILE *f = fopen(path, "rb");
	size_t got;

	if (!f)
		return false;
	while ((got = fread(block, 1, sizeof(block), f)) > 0)
		EVP_DigestUpdate(md, block, got);
	return fclose(f) == 0;
}

/* All data of one archive; "raw" is a compressed file that holds one stream. */
static bool hash_entries(struct archive *a, EVP_MD_CTX *md)
{
	struct archive_entry *entry;
	const void *data;
	size_t len;
	la_int64_t offset;
	int rc;

	while ((rc = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
		while ((rc = archive_read_data_block(a, &data, &len, &offset)) == ARCHIVE_OK)
			EVP_DigestUpdate(md, data, len);
		if (rc != ARCHIVE_EOF)
			return false;
	}
	return rc == ARCHIVE_EOF;
}

static bool hash_unpacked(const void *data, size_t len, EVP_MD_CTX *md)
{
	struct archive *a = archive_read_new();
	bool ok;

	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	archive_read_support_format_empty(a);
	ok = archive_read_open_memory(a, data, len) == ARCHIVE_OK && hash_entries(a, md);
	archive_read_free(a);
	return ok;
}

static bool hash_deb(struct archive *a, EVP_MD_CTX *md)
{
	struct archive_entry *entry;
	bool ok = true;

	while (ok && archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		size_t size = (size_t)archive_entry_size(entry);
		char *data = malloc(size + 1);

		ok = data && archive_read_data(a, data, size) == (la_ssize_t)size &&
		     hash_unpacked(data, size, md);
		free(data);
	}
	return ok;
}

static bool hash_side(const struct side *side, EVP_MD_CTX *md)
{
	struct archive *a;
	bool ok;

	if (side->raw)
		return hash_file(side->path, md);
	a = archive_read_new();
	archive_read_support_format_ar(a);
	ok = archive_read_open_filename(a, side->path, BLOCK) == ARCHIVE_OK;
	ok = ok && hash_deb(a, md);
	archive_read_free(a);
	if (ok)
		return true;
	a = archive_read_new();
	archive_read_support_filter_all(a);
	archive_read_support_format_zip(a);
	archive_read_support_format_raw(a);
	ok = archive_read_open_filename(a, side->path, BLOCK) == ARCHIVE_OK && hash_entries(a, md);
	archive_read_free(a);
	return ok;
}

static void *work(void *data)
{
	struct side *side = data;
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	side->ok = hash_side(side, md);
	EVP_DigestFinal_ex(md, side->digest, NULL);
	EVP_MD_CTX_free(md);
	return NULL;
}

int main(int argc, char **argv)
{
	bool raw = argc == 4 && strcmp(argv[1], "--hash") == 0;
	struct side sides[2] = { { .raw = raw }, { .raw = raw } };
	pthread_t thread;

	if (argc != 3 + raw) {
		fputs("usage: floor [--hash] A B\n", stderr);
		return 2;
	}
	sides[0].path = argv[1 + raw];
	sides[1].path = argv[2 + raw];
	if (pthread_create(&thread, NULL, work, &sides[1])) {
		fputs("floor: no thread\n", stderr);
		return 2;
	}
	work(&sides[0]);
	pthread_join(thread, NULL);
	if (!sides[0].ok || !sides[1].ok) {
		fputs("floor: a side cannot be unpacked\n", stderr);
		return 2;
	}
	return memcmp(sides[0].digest, sides[1].digest, 32) != 0;
}
