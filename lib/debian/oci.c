/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment "oci": an image of an OCI image layout (image-spec 1.0 and 1.1), pinned by digest.
 *	<store>/environments/<digest>/root, record.json
 * What the digest names vouches for the rest: index, manifest and layers are read once, into the store,
 * by their SHA-256.  Each layer becomes what the upper layer of an overlay would be, and is merged into
 * the tree by the same code.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "assay/cleanup.h"
#include "assay/limits.h"
#include "assay/log.h"
#include "assay/path.h"
#include "assay/vcs.h"
#include "tree.h"

#define WHITEOUT ".wh."
#define OPAQUE WHITEOUT WHITEOUT ".opq"
#define IMAGE_EPOCH 315619200 /* 1980-01-02: no archive format is too young for it */
#define LAYERS_MAX 128

#if defined(__x86_64__)
#define IMAGE_ARCHITECTURE "amd64"
#elif defined(__aarch64__)
#define IMAGE_ARCHITECTURE "arm64"
#else
#define IMAGE_ARCHITECTURE "unknown"
#endif

struct image {
	struct assay_store *store;
	const char *layout, *digest;
	char *work; /* a directory of ours */
	json_t *manifest;
	json_t *layers; /* borrowed from manifest */
};

static bool parse_digest(const char *text, struct assay_digest *ret)
{
	return strncmp(text, "sha256:", 7) == 0 &&
	       assay_digest_parse(assay_span_text(text + 7), ret);
}

/* A blob of the layout, into the store by its digest. */
static enum assay_code bring(struct image *image, const char *text, int *ret_fd,
			     struct assay_error *err)
{
	assay_auto(assay_freep) char *path = NULL;
	assay_auto(assay_fd_closep) int fd = -1;
	char hex[ASSAY_DIGEST_TEXT];
	struct assay_digest want, have;

	if (!parse_digest(text, &want))
		return assay_fail(err, ASSAY_EINPUT, "digest: want sha256:<64 hex digits>, have %.100s",
				  text);
	if (asprintf(&path, "%s/blobs/sha256/%s", image->layout, assay_digest_hex(&want, hex)) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "image: out of memory");
	if (!assay_store_has(image->store, &want)) {
		if (assay_file_open(AT_FDCWD, path, &fd, err) ||
		    assay_store_put_fd(image->store, fd, &want, &have, NULL, err))
			return assay_context(err, "blob %s", path);
	}
	return assay_store_get(image->store, &want, ret_fd, err);
}

static enum assay_code bring_json(struct image *image, const char *digest, json_t **ret,
				  struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(4 * ASSAY_MIB);
	assay_auto(assay_fd_closep) int fd = -1;

	if (bring(image, digest, &fd, err) || assay_buf_read_fd(&text, fd, err))
		return err->code;
	return assay_json_parse(assay_buf_span(&text), digest, ret, err);
}

static enum assay_code check_layout(const char *layout, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(65536);
	assay_auto(assay_freep) char *path = assay_path_join(layout, "oci-layout");
	assay_auto(assay_json_freep) json_t *mark = NULL;

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "image: out of memory");
	if (assay_file_read(AT_FDCWD, path, &text, err) ||
	    assay_json_parse(assay_buf_span(&text), path, &mark, err))
		return assay_context(err, "want an OCI image layout");
	if (strncmp(assay_json_text(mark, "imageLayoutVersion", ""), "1.", 2) != 0)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "%s: want imageLayoutVersion 1.x", path);
	return ASSAY_OK;
}

/* The one manifest of an index that is for this machine. */
static const char *choose_manifest(const json_t *index)
{
	const json_t *list = json_object_get(index, "manifests");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		const json_t *platform = json_object_get(entry, "platform");

		if (json_array_size(list) == 1 ||
		    (strcmp(assay_json_text(platform, "os", ""), "linux") == 0 &&
		     strcmp(assay_json_text(platform, "architecture", ""), IMAGE_ARCHITECTURE) == 0))
			return assay_json_text(entry, "digest", "");
	}
	return NULL;
}

static enum assay_code read_manifest(struct image *image, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *index = NULL;
	const char *digest = image->digest;

	for (int depth = 0; depth < 2; depth++) {
		index = image->manifest;
		image->manifest = NULL;
		if (bring_json(image, digest, &image->manifest, err))
			return err->code;
		image->layers = json_object_get(image->manifest, "layers");
		if (json_array_size(image->layers) > LAYERS_MAX)
			return assay_fail(err, ASSAY_ELIMIT, "want at most %d layers", LAYERS_MAX);
		if (json_array_size(image->layers))
			return ASSAY_OK;
		digest = choose_manifest(image->manifest);
		if (!digest)
			break;
	}
	return assay_fail(err, ASSAY_EINPUT,
			  "%s: want an image manifest with layers, or an index of one for linux/%s",
			  image->digest, IMAGE_ARCHITECTURE);
}

static enum assay_code convert_whiteouts(int fd, unsigned depth, struct assay_error *err);

/* ".wh.NAME" becomes what overlayfs writes for a name that is gone, ".wh..wh..opq" what it writes for a
 * directory that hides the one below. */
static enum assay_code convert_entry(int fd, const char *name, unsigned depth,
				     struct assay_error *err)
{
	assay_auto(assay_fd_closep) int dir = -1;
	const char *gone = name + strlen(WHITEOUT);
	struct stat st;

	if (strncmp(name, WHITEOUT, strlen(WHITEOUT)) != 0) {
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
			return assay_fail_errno(err, "%s", name);
		if (!S_ISDIR(st.st_mode))
			return ASSAY_OK;
		dir = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return dir < 0 ? assay_fail_errno(err, "%s", name)
			       : convert_whiteouts(dir, depth + 1, err);
	}
	if (assay_path_remove_tree(fd, name, err))
		return err->code;
	if (strcmp(name, OPAQUE) == 0)
		return fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0)
			       ? assay_fail_errno(err, "mark an opaque directory")
			       : ASSAY_OK;
	if (strncmp(gone, WHITEOUT, strlen(WHITEOUT)) == 0)
		return ASSAY_OK; /* bookkeeping of AUFS */
	if (!*gone || strcmp(gone, ".") == 0 || strcmp(gone, "..") == 0 ||
	    mknodat(fd, gone, S_IFCHR, makedev(0, 0)))
		return assay_fail(err, ASSAY_EUNTRUSTED,
				  "whiteout \"%s\": want the name of something that is not in the "
				  "same layer", name);
	return ASSAY_OK;
}

static enum assay_code convert_whiteouts(int fd, unsigned depth, struct assay_error *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assay_auto(assay_dir_closep) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir)
		return assay_fail_errno(err, "read a directory");
	if (depth > DEBIAN_TREE_DEPTH)
		return assay_fail(err, ASSAY_ELIMIT, "want directories at most %d deep",
				  DEBIAN_TREE_DEPTH);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    convert_entry(fd, entry->d_name, depth, err))
			return err->code;
	return ASSAY_OK;
}

static enum assay_code add_layer(struct image *image, size_t number, int root,
				 struct assay_error *err)
{
	const json_t *layer = json_array_get(image->layers, number);
	const char *type = assay_json_text(layer, "mediaType", "");
	assay_auto(assay_freep) char *directory = NULL;
	assay_auto(assay_fd_closep) int blob = -1;
	assay_auto(assay_fd_closep) int upper = -1;

	if (strncmp(type, "application/vnd.oci.image.layer.v1.tar", 38) != 0 &&
	    strcmp(type, "application/vnd.docker.image.rootfs.diff.tar.gzip") != 0)
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "want a layer of type application/vnd.oci.image.layer.v1.tar, have "
				  "%.100s", type);
	if (asprintf(&directory, "%s/layer-%zu", image->work, number) < 0)
		return assay_fail(err, ASSAY_ENOMEM, "image: out of memory");
	if (bring(image, assay_json_text(layer, "digest", ""), &blob, err) ||
	    assay_vcs_unpack_layer(blob, directory, err))
		return err->code;
	upper = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0)
		return assay_fail_errno(err, "%s", directory);
	if (convert_whiteouts(upper, 0, err) || debian_tree_merge(upper, root, err))
		return err->code;
	return assay_path_remove_tree(AT_FDCWD, directory, err);
}

/* The places where a box mounts something are directories at the top, whatever the image has there. */
static enum assay_code add_places(int root, struct assay_error *err)
{
	static const char *const places[] = { "build", "dev", "mnt", "proc", "run", "sys", "tmp" };
	struct stat st;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (fstatat(root, places[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
		    assay_path_remove_tree(root, places[i], err))
			return err->code;
		if (mkdirat(root, places[i], 0755) && errno != EEXIST)
			return assay_fail_errno(err, "create /%s", places[i]);
	}
	return fchmod(root, 0755) ? assay_fail_errno(err, "mode of the root") : ASSAY_OK;
}

static enum assay_code write_record(struct image *image, int made,
				    const struct assay_digest *digest, struct assay_error *err)
{
	assay_auto(assay_json_freep) json_t *record = assay_json_object();
	assay_auto(assay_buf_release) struct assay_buf text = ASSAY_BUF_INIT(ASSAY_MIB);
	json_t *layers = assay_json_array();
	char hex[ASSAY_DIGEST_TEXT];

	for (size_t i = 0; i < json_array_size(image->layers); i++)
		assay_json_append(layers, json_string(assay_json_text(
						  json_array_get(image->layers, i), "digest", "")));
	assay_json_set_text(record, "kind", "oci");
	assay_json_set_text(record, "image", image->digest);
	assay_json_set(record, "layers", layers);
	assay_json_set_text(record, "digest", assay_digest_hex(digest, hex));
	assay_json_dump(record, &text);
	if (assay_buf_check(&text, "record", err))
		return err->code;
	return assay_file_write(made, "record.json", assay_buf_span(&text), 0644, err);
}

static enum assay_code assemble(struct image *image, int root, struct assay_digest *ret,
				struct assay_error *err)
{
	for (size_t i = 0; i < json_array_size(image->layers); i++)
		if (add_layer(image, i, root, err))
			return assay_context(err, "layer %zu", i + 1);
	if (add_places(root, err) || debian_tree_clamp(root, IMAGE_EPOCH, err))
		return err->code;
	return debian_tree_digest(root, NULL, NULL, ret, err);
}

static enum assay_code make_in(struct image *image, const char *final, struct assay_error *err)
{
	assay_auto(assay_freep) char *path = assay_path_join(image->work, "made");
	assay_auto(assay_fd_closep) int made = -1;
	assay_auto(assay_fd_closep) int root = -1;
	struct assay_digest digest;

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "image: out of memory");
	if (mkdir(path, 0755))
		return assay_fail_errno(err, "create %s", path);
	made = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (made < 0 || mkdirat(made, "root", 0755))
		return assay_fail_errno(err, "create %s/root", path);
	root = openat(made, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return assay_fail_errno(err, "%s/root", path);
	if (assemble(image, root, &digest, err) || write_record(image, made, &digest, err))
		return err->code;
	if (syncfs(made))
		return assay_fail_errno(err, "flush %s", path);
	return rename(path, final) ? assay_fail_errno(err, "rename to %s", final) : ASSAY_OK;
}

static enum assay_code make(struct image *image, const char *final, struct assay_error *err)
{
	struct assay_error ignored = ASSAY_ERROR_INIT;
	enum assay_code code;

	if (debian_environment_rights(err) || check_layout(image->layout, err) ||
	    read_manifest(image, err) || assay_store_make_temp(image->store, &image->work, err))
		return err->code;
	assay_progress_start("environment", "image of %zu layers", json_array_size(image->layers));
	code = make_in(image, final, err);
	assay_progress_end(code ? "failed" : "made");
	if (assay_path_remove_tree(AT_FDCWD, image->work, &ignored))
		assay_log(ASSAY_LOG_WARNING, "%s", ignored.msg);
	return code;
}

/* One process makes it, others wait. */
static enum assay_code get(struct image *image, struct assay_environment *ret,
			   struct assay_error *err)
{
	char name[ASSAY_DIGEST_TEXT + 16], final[4200];
	assay_auto(assay_fd_closep) int making = -1;

	snprintf(name, sizeof(name), "environment-%s", image->digest + 7);
	snprintf(final, sizeof(final), "%s/environments/%s", assay_store_root(image->store),
		 image->digest + 7);
	if (assay_store_lock(image->store, name, &making, err))
		return err->code;
	ret->cached = true;
	if (debian_environment_take(final, ret, err) != ASSAY_ENOTFOUND)
		return err->code;
	*err = (struct assay_error)ASSAY_ERROR_INIT;
	ret->cached = false;
	return make(image, final, err) ? err->code : debian_environment_take(final, ret, err);
}

enum assay_code assay_environment_oci(struct assay_store *store, const char *layout,
				      const char *digest, struct assay_environment *ret,
				      struct assay_error *err)
{
	struct image image = { .store = store, .layout = layout, .digest = digest };
	struct assay_environment made = { .lock_fd = -1 };
	struct assay_digest parsed;
	enum assay_code code;

	if (!parse_digest(digest, &parsed))
		return assay_fail(err, ASSAY_EUSAGE, "image: want sha256:<64 hex digits>, have %s",
				  digest);
	code = get(&image, &made, err);
	json_decref(image.manifest);
	free(image.work);
	if (code) {
		assay_environment_release(&made);
		return assay_context(err, "environment oci %s", layout);
	}
	assay_json_set_bool(made.record, "cached", made.cached);
	*ret = made;
	return ASSAY_OK;
}
