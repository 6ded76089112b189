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
			 (policy->aslr_off ? WIRE_ASLR_OFF : 0u),
		.uid = policy->uid,
		.gid = policy->gid,
		.umask = policy->umask,
		.cpus = policy->cpus,
		.map_base = s->map_base,
		.map_count = s->map_count,
		.skip = s->skip,
		.filter_count = s->filter.count,
		.epoch = policy->epoch,
		.disk = s->disk,
		.inodes = s->inodes,
		.memory = s->memory,
		.processes = s->processes,
	};
	/* the filter comes first, so that it is aligned */
	head->filter = put(p, s->filter.program, s->filter.count * sizeof(*s->filter.program));
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
		code = assay_buf_check(&p->data, "box: policy", err);
	if (!code)
		code = seal(p, ret_fd, err);
	assay_buf_release(&p->data);
	return code;
}
