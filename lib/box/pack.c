/* SPDX-License-Identifier: Apache-2.0 */
/* Lays the policy out as wire.h says. */
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "oci_config.h"
#include "wire.h"

struct packer {
	struct wire_policy head;
	struct assay_buf data;
};

static uint32_t put(struct packer *p, const void *bytes, size_t len)
{
	uint32_t offset = (uint32_t)p->data.len;

	assay_buf_add(&p->data, bytes, len);
	return offset;
}

static uint32_t put_text(struct packer *p, const char *text)
{
	return put(p, text, strlen(text) + 1);
}

static enum assay_code put_list(struct packer *p, const char *const *list, uint32_t *offsets,
				uint32_t *ret_count, const char *what, struct assay_error *err)
{
	uint32_t count = 0;

	for (; list && list[count]; count++) {
		if (count + 1 >= WIRE_MAX_ARGS)
			return assay_fail(err, ASSAY_ELIMIT, "box: %s: want fewer than %d", what,
					  WIRE_MAX_ARGS);
		offsets[count] = put_text(p, list[count]);
	}
	*ret_count = count;
	return ASSAY_OK;
}

/* Overlays are made of directories: a file is shown through its own. */
static enum assay_code put_source(struct packer *p, const char *source, struct wire_mount *out,
				  struct assay_error *err)
{
	assay_auto(assay_freep) char *whole = NULL;
	struct stat st;
	char *slash;

	if (stat(source, &st))
		return assay_fail_errno(err, "box: input %s", source);
	if (S_ISDIR(st.st_mode)) {
		out->source = put_text(p, source);
		out->name = put_text(p, "");
		return ASSAY_OK;
	}
	whole = realpath(source, NULL);
	if (!whole)
		return assay_fail_errno(err, "box: input %s", source);
	slash = strrchr(whole, '/');
	out->name = put_text(p, slash + 1);
	*slash = '\0';
	out->source = put_text(p, *whole ? whole : "/");
	return ASSAY_OK;
}

static enum assay_code put_mounts(struct packer *p, const struct assay_box_mount *mounts,
				  struct assay_error *err)
{
	for (; mounts && mounts->source; mounts++) {
		struct wire_mount *out = &p->head.mounts[p->head.mount_count];

		if (p->head.mount_count++ == WIRE_MAX_MOUNTS)
			return assay_fail(err, ASSAY_ELIMIT, "box: inputs: want at most %d",
					  WIRE_MAX_MOUNTS);
		out->target = put_text(p, mounts->target);
		if (put_source(p, mounts->source, out, err))
			return err->code;
	}
	return ASSAY_OK;
}

static uint32_t put_words(struct packer *p, const char *const *words)
{
	uint32_t offset = (uint32_t)p->data.len;

	for (; *words; words++)
		put_text(p, *words);
	put_text(p, "");
	return offset;
}

static enum assay_code put_namespaces(struct packer *p, struct assay_error *err)
{
	static const char *const names[] = WIRE_NAMESPACE_NAMES;
	struct stat st;
	char path[64];

	for (size_t i = 0; i < WIRE_NAMESPACES; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		if (stat(path, &st))
			return assay_fail_errno(err, "box: %s", path);
		p->head.namespaces[i] = st.st_ino;
	}
	return ASSAY_OK;
}

/* What the launcher gives to an OCI runtime, and compares its work with. */
static enum assay_code put_bundle(struct packer *p, const struct assay_box_policy *policy,
				  const struct box_settings *s, struct assay_error *err)
{
	struct box_bundle *bundle = s->bundle;
	struct wire_policy *head = &p->head;

	if (!bundle)
		return ASSAY_OK;
	if (oci_config_write(policy, s, &bundle->config, err))
		return err->code;
	head->config = put(p, bundle->config.data, bundle->config.len);
	head->config_size = (uint32_t)bundle->config.len;
	head->create = put_words(p, bundle->create);
	head->start = put_words(p, bundle->start);
	head->remove = put_words(p, bundle->remove);
	return put_namespaces(p, err);
}

static enum assay_code seal(struct packer *p, int *ret_fd, struct assay_error *err)
{
	int fd = memfd_create("assay-box-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return assay_fail_errno(err, "box: memfd");
	p->head.data_size = (uint32_t)p->data.len;
	if (assay_fd_write(fd, &p->head, sizeof(p->head), err) ||
	    assay_fd_write(fd, p->data.data, p->data.len, err)) {
		close(fd);
		return assay_context(err, "box: policy");
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)) {
		close(fd);
		return assay_fail_errno(err, "box: seal the policy");
	}
	*ret_fd = fd;
	return ASSAY_OK;
}

static void put_settings(struct packer *p, const struct assay_box_policy *policy,
			 const struct box_settings *s)
{
	struct wire_policy *head = &p->head;

	*head = (struct wire_policy){
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.flags = s->flags | (policy->root_inside ? WIRE_ROOT_INSIDE : 0u) |
			 (policy->aslr_off ? WIRE_ASLR_OFF : 0u) | (s->gid_base ? WIRE_SUBIDS : 0u),
		.uid = policy->uid,
		.gid = policy->gid,
		.umask = policy->umask,
		.cpus = policy->cpus,
		.map_base = s->map_base,
		.map_count = s->map_count,
		.gid_base = s->gid_base,
		.skip = s->skip,
		.filter_count = s->filter.count,
		.silent_count = s->silent.count,
		.epoch = policy->epoch,
		.disk = s->disk,
		.inodes = s->inodes,
		.memory = s->memory,
		.processes = s->processes,
	};
	/* the filters come first, so that they are aligned */
	head->filter = put(p, s->filter.program, s->filter.count * sizeof(*s->filter.program));
	head->silent = put(p, s->silent.program, s->silent.count * sizeof(*s->silent.program));
	head->root = put_text(p, policy->root);
	head->workspace = put_text(p, policy->workspace);
	head->directory = put_text(p, policy->directory);
	head->hostname = put_text(p, policy->hostname);
}

enum assay_code box_pack(const struct assay_box_policy *policy, const struct box_settings *settings,
			 int *ret_fd, struct assay_error *err)
{
	assay_auto(assay_freep) struct packer *p = calloc(1, sizeof(*p));
	enum assay_code code;

	if (!p)
		return assay_fail(err, ASSAY_ENOMEM, "box: policy");
	p->data.max = WIRE_MAX_DATA;
	put_settings(p, policy, settings);
	code = put_list(p, policy->argv, p->head.argv, &p->head.argv_count, "arguments", err);
	if (!code)
		code = put_list(p, policy->env, p->head.env, &p->head.env_count, "environment", err);
	if (!code)
		code = put_mounts(p, policy->mounts, err);
	if (!code)
		code = put_bundle(p, policy, settings, err);
	if (!code)
		code = assay_buf_check(&p->data, "box: policy", err);
	if (!code)
		code = seal(p, ret_fd, err);
	assay_buf_release(&p->data);
	return code;
}
