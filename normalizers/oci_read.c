/* SPDX-License-Identifier: Apache-2.0 */
/* From the index to the manifests, and from them to configurations and layers (OCI image-spec 1.1;
 * docker image specification v1.2). */
#include "oci_read.h"

#include <stdio.h>

#include "assay/digest.h"
#include "assay/json.h"
#include "assay/limits.h"
#include "tar_read.h"

#define MEMBERS_MAX 20000
#define INDEX_DEPTH 4 /* indexes within indexes */
#define HEX 64
#define NAME_ARENA (64 * ASSAY_KIB)

static struct assay_span bare(struct assay_span name)
{
	return assay_span_starts(name, "./") ? assay_span_cut(name, 2, SIZE_MAX) : name;
}

static bool is_hex(struct assay_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!memchr("0123456789abcdef", s.data[i], 16))
			return false;
	return s.len == HEX;
}

/* "blobs/sha256/HEX", "HEX.json": the digest that a name states. */
static struct assay_span stated_digest(struct assay_span name)
{
	struct assay_span hex = assay_span_of(NULL, 0);

	if (assay_span_starts(name, "blobs/sha256/"))
		hex = assay_span_cut(name, 13, SIZE_MAX);
	else if (assay_span_ends(name, ".json"))
		hex = assay_span_cut(name, 0, name.len - 5);
	return is_hex(hex) ? hex : assay_span_of(NULL, 0);
}

static bool is_image_name(struct assay_span name)
{
	static const char *const names[] = { "",	   ".",		   "oci-layout",  "index.json",
					     "manifest.json", "repositories", "blobs/", "blobs",
					     "blobs/sha256", "blobs/sha256/", "ingest/" };

	name = bare(name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (assay_span_equal_text(name, names[i]))
			return true;
	return stated_digest(name).len || (name.len >= HEX && is_hex(assay_span_cut(name, 0, HEX)) &&
					   (name.len == HEX || name.data[HEX] == '/'));
}

bool oci_is_image(struct assay_span file)
{
	struct assay_arena scratch = ASSAY_ARENA_INIT(NAME_ARENA);
	struct assay_error ignored = ASSAY_ERROR_INIT;
	struct tar_entry e = { 0 };
	bool found = false, fits = true;

	for (uint64_t at = 0; fits && at + TAR_BLOCK <= file.len; at = e.end) {
		if (assay_span_is_zero(assay_span_cut(file, at, TAR_BLOCK)) ||
		    tar_entry_read(file, at, &scratch, &e, &ignored))
			break;
		fits = e.global || is_image_name(e.name);
		found |= assay_span_equal_text(bare(e.name), "index.json") ||
			 assay_span_equal_text(bare(e.name), "manifest.json");
		if (e.end <= at)
			break;
	}
	assay_arena_release(&scratch);
	return found && fits;
}

struct oci_member *oci_find(const struct oci_image *image, struct assay_span name)
{
	for (size_t i = 0; i < image->count; i++)
		if (assay_span_equal(bare(image->members[i].name), name))
			return &image->members[i];
	return NULL;
}

const struct oci_member *oci_find_role(const struct oci_image *image, const char *role)
{
	for (size_t i = 0; i < image->count; i++)
		if (image->members[i].role && strcmp(image->members[i].role, role) == 0)
			return &image->members[i];
	return NULL;
}

static void doubt(struct oci_image *image, const struct oci_member *member, const char *what)
{
	char shown[100];

	if (image->doubt[0])
		return;
	snprintf(image->doubt, sizeof(image->doubt), "%s: %s",
		 assay_span_show(member->name, shown, sizeof(shown)), what);
	image->doubt_at = member->offset;
}

static bool read_member(struct oci_image *image, struct assay_span file, const struct tar_entry *e)
{
	struct oci_member *m = &image->members[image->count++];
	struct assay_span hex = stated_digest(bare(e->name));
	char real[ASSAY_HASH_TEXT];

	*m = (struct oci_member){ .name = e->name,
				  .data = assay_span_cut(file, e->data, e->size),
				  .offset = e->start };
	if (!hex.len || e->type != '0')
		return true;
	m->hex = assay_arena_text(image->arena, hex);
	if (!m->hex)
		return false;
	m->is_true = strcmp(assay_hash_hex(ASSAY_SHA256, m->data, real), m->hex) == 0;
	if (!m->is_true)
		doubt(image, m, "the name is not the SHA-256 of the content");
	return true;
}

static enum assay_code read_members(struct oci_image *image, struct assay_span file,
				    struct assay_error *err)
{
	struct tar_entry e = { 0 };

	image->members = assay_arena_alloc(image->arena, MEMBERS_MAX * sizeof(*image->members));
	if (!image->members)
		return assay_fail(err, ASSAY_ELIMIT, "image: members: above the limit");
	for (uint64_t at = 0; at + TAR_BLOCK <= file.len; at = e.end) {
		if (assay_span_is_zero(assay_span_cut(file, at, TAR_BLOCK)))
			break;
		if (tar_entry_read(file, at, image->arena, &e, err))
			return err->code;
		if (!e.global && image->count == MEMBERS_MAX)
			return assay_fail(err, ASSAY_ELIMIT, "image: want at most %d members", MEMBERS_MAX);
		if (!e.global && !read_member(image, file, &e))
			return assay_fail(err, ASSAY_ENOMEM, "image: out of memory");
	}
	return ASSAY_OK;
}

/* ---- roles ----------------------------------------------------------------------------------------------- */

/* The first role stays: a layer may come twice in one image. */
static void give_role(struct oci_image *image, struct oci_member *member, const char *prefix,
		      const char *role, size_t number)
{
	if (!member || member->role)
		return;
	member->role = number ? assay_arena_printf(image->arena, "%s%s %zu", prefix, role, number) :
				assay_arena_printf(image->arena, "%s%s", prefix, role);
}

/* The blob a descriptor names; its size is verified. */
static struct oci_member *follow(struct oci_image *image, const json_t *descriptor)
{
	const char *digest = assay_json_text(descriptor, "digest", "");
	struct oci_member *member;
	char name[HEX + 16];

	if (strncmp(digest, "sha256:", 7) != 0 || strlen(digest) != 7 + HEX)
		return NULL;
	snprintf(name, sizeof(name), "blobs/sha256/%s", digest + 7);
	member = oci_find(image, assay_span_text(name));
	if (member && assay_json_int(descriptor, "size", -1) != (int64_t)member->data.len)
		doubt(image, member, "a descriptor states another size");
	return member;
}

static json_t *parse(const struct oci_member *member)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;
	json_t *json = NULL;

	if (!member || member->data.len > ASSAY_MAX_DIFF_INPUT ||
	    assay_json_parse(member->data, "image", &json, &ignored))
		return NULL;
	return json;
}

static void read_index(struct oci_image *image, const json_t *index, unsigned depth);

static void read_manifest(struct oci_image *image, struct oci_member *member, const char *prefix,
			  unsigned depth)
{
	json_t *manifest = parse(member), *layer;
	size_t i;

	if (json_object_get(manifest, "manifests")) {
		give_role(image, member, prefix, "index", 0);
		if (depth < INDEX_DEPTH)
			read_index(image, manifest, depth + 1);
	} else {
		give_role(image, member, prefix, "manifest", 0);
		give_role(image, follow(image, json_object_get(manifest, "config")), prefix, "config", 0);
		json_array_foreach(json_object_get(manifest, "layers"), i, layer)
			give_role(image, follow(image, layer), prefix, "layer", i + 1);
	}
	json_decref(manifest);
}

/* "linux/amd64 " in front of the roles where there are several images. */
static const char *prefix_of(struct oci_image *image, const json_t *descriptor, size_t number,
			     size_t count)
{
	const json_t *platform = json_object_get(descriptor, "platform");
	const char *prefix;

	if (count < 2)
		return "";
	if (platform && strcmp(assay_json_text(platform, "os", "unknown"), "unknown") != 0)
		prefix = assay_arena_printf(image->arena, "%s/%s%s%s ",
					    assay_json_text(platform, "os", ""),
					    assay_json_text(platform, "architecture", ""),
					    json_object_get(platform, "variant") ? "/" : "",
					    assay_json_text(platform, "variant", ""));
	else
		prefix = assay_arena_printf(image->arena, "image %zu ", number);
	return prefix ? prefix : "";
}

static void read_index(struct oci_image *image, const json_t *index, unsigned depth)
{
	const json_t *list = json_object_get(index, "manifests");
	json_t *descriptor;
	size_t i;

	json_array_foreach(list, i, descriptor) {
		struct oci_member *member = follow(image, descriptor);

		if (member && !member->role)
			read_manifest(image, member,
				      prefix_of(image, descriptor, i + 1, json_array_size(list)), depth);
	}
}

/* Before OCI, each layer had a directory of its own: ID/layer.tar, ID/json, ID/VERSION. */
static void name_layer_directory(struct oci_image *image, struct assay_span path, const char *prefix,
				 size_t number)
{
	if (path.len != HEX + 10 || !assay_span_ends(path, "/layer.tar"))
		return;
	for (size_t i = 0; i < image->count; i++) {
		struct assay_span name = bare(image->members[i].name);
		char role[64];

		if (name.len < HEX || memcmp(name.data, path.data, HEX) != 0 ||
		    (name.len > HEX && name.data[HEX] != '/') || name.len > HEX + 20)
			continue;
		snprintf(role, sizeof(role), "layer %zu%.*s", number, (int)(name.len - HEX),
			 (const char *)name.data + HEX);
		give_role(image, &image->members[i], prefix, role, 0);
	}
}

static void read_docker(struct oci_image *image, const json_t *list)
{
	json_t *entry, *layer;
	size_t i, k;

	json_array_foreach(list, i, entry) {
		const char *prefix = json_array_size(list) > 1 ?
					     assay_arena_printf(image->arena, "image %zu ", i + 1) :
					     "";

		if (!prefix)
			return;
		give_role(image,
			  oci_find(image, assay_span_text(assay_json_text(entry, "Config", "?"))), prefix,
			  "config", 0);
		json_array_foreach(json_object_get(entry, "Layers"), k, layer) {
			struct assay_span path = assay_span_text(
				json_is_string(layer) ? json_string_value(layer) : "?");

			name_layer_directory(image, path, prefix, k + 1);
			give_role(image, oci_find(image, path), prefix, "layer", k + 1);
		}
	}
}

enum assay_code oci_read(struct assay_span file, struct assay_arena *arena, struct oci_image *ret,
			 struct assay_error *err)
{
	struct oci_member *index, *docker;
	json_t *json;

	*ret = (struct oci_image){ .arena = arena };
	if (read_members(ret, file, err))
		return err->code;
	index = oci_find(ret, assay_span_text("index.json"));
	docker = oci_find(ret, assay_span_text("manifest.json"));
	ret->is_docker = !index;
	json = parse(index);
	read_index(ret, json, 0);
	json_decref(json);
	json = parse(docker);
	read_docker(ret, json);
	json_decref(json);
	return ASSAY_OK;
}
