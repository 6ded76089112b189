/* SPDX-License-Identifier: Apache-2.0 */
/* What all drivers have in common: the policy is checked and completed before one of them gets it. */
#include "assay/box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/limits.h"

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
	return value ? value : fallback;
}

static enum assay_code check_path(const char *path, const char *what, struct assay_error *err)
{
	if (!path || path[0] != '/')
		return assay_fail(err, ASSAY_EBUG, "box: %s: want an absolute path, have \"%s\"", what,
				  path ? path : "");
	return ASSAY_OK;
}

static enum assay_code check_policy(const struct assay_box_policy *p, struct assay_error *err)
{
	if (check_path(p->root, "root", err) || check_path(p->workspace, "workspace", err) ||
	    check_path(p->argv ? p->argv[0] : NULL, "command", err) ||
	    (p->directory && check_path(p->directory, "directory", err)))
		return err->code;
	if ((p->uid == 0 || p->gid == 0) && !p->root_inside)
		return assay_fail(err, ASSAY_EBUG, "box: user 0 needs root_inside");
	for (const struct assay_box_mount *m = p->mounts; m && m->source; m++)
		if (check_path(m->source, "input", err) || check_path(m->target, "target", err))
			return err->code;
	return ASSAY_OK;
}

static void complete(struct assay_box_policy *p)
{
	p->hostname = p->hostname ? p->hostname : "assay";
	p->directory = p->directory ? p->directory : p->workspace;
	p->memory = or_default(p->memory, ASSAY_DEFAULT_MEMORY);
	p->disk = or_default(p->disk, ASSAY_DEFAULT_DISK);
	p->inodes = or_default(p->inodes, ASSAY_DEFAULT_INODES);
	p->processes = or_default(p->processes, ASSAY_DEFAULT_PROCESSES);
	p->time_s = or_default(p->time_s, ASSAY_DEFAULT_TIME_S);
	p->log = or_default(p->log, ASSAY_DEFAULT_LOG);
}

static const struct assay_box_ops *driver_of(const struct assay_box_choice *choice)
{
	return choice->driver ? choice->driver : &assay_box_native;
}

const struct assay_box_ops *assay_box_driver(const char *name)
{
	static const struct assay_box_ops *const drivers[] = { &assay_box_native, &assay_box_oci };

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}

enum assay_code assay_box_run(const struct assay_box_policy *policy, struct assay_box_result *ret,
			      struct assay_error *err)
{
	struct assay_box_policy whole = *policy;

	*ret = (struct assay_box_result){ .workspace_fd = -1 };
	if (check_policy(policy, err))
		return err->code;
	complete(&whole);
	return driver_of(&policy->choice)->run(&whole, ret, err);
}

static enum assay_code check_with(const struct assay_box_choice *choice, const char *root,
				  json_t **ret_isolation, struct assay_error *err)
{
	const char *const argv[] = { "/", NULL }, *const env[] = { NULL };
	const struct assay_box_policy policy = {
		.root = root, .workspace = "/build/check", .directory = "/build/check",
		.hostname = "assay", .argv = argv, .env = env, .uid = 1000,
		.gid = 1000, .cpus = 1, .time_s = 60, .memory = 64 * ASSAY_MIB, .disk = ASSAY_MIB,
		.inodes = 1000, .processes = 16, .log = ASSAY_MIB, .log_fd = -1,
		.choice = *choice,
	};

	return driver_of(choice)->check(&policy, ret_isolation, err);
}

enum assay_code assay_box_check(const struct assay_box_choice *choice, json_t **ret_isolation,
				struct assay_error *err)
{
	static const struct assay_box_choice native;
	const char *tmp = getenv("TMPDIR");
	char root[4096];
	enum assay_code code;

	/* an empty environment: nothing runs in it */
	snprintf(root, sizeof(root), "%s/assay-check.XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
	if (!mkdtemp(root) || chmod(root, 0755))
		return assay_fail_errno(err, "make directory %s", root);
	code = check_with(choice ? choice : &native, root, ret_isolation, err);
	rmdir(root);
	return code;
}

void assay_box_result_release(struct assay_box_result *result)
{
	if (result->workspace_fd >= 0)
		close(result->workspace_fd);
	json_decref(result->isolation);
	*result = (struct assay_box_result){ .workspace_fd = -1 };
}

const char *assay_box_reason_name(enum assay_box_reason reason)
{
	static const char *const names[] = {
		[ASSAY_BOX_EXITED] = "exited",	   [ASSAY_BOX_SIGNALED] = "signaled",
		[ASSAY_BOX_TIME] = "time",	   [ASSAY_BOX_MEMORY] = "memory",
		[ASSAY_BOX_HOST_MEMORY] = "host-memory",
		[ASSAY_BOX_PROCESSES] = "processes", [ASSAY_BOX_DISK] = "disk",
		[ASSAY_BOX_LOG] = "log",	   [ASSAY_BOX_INTERRUPTED] = "interrupted",
	};

	return names[reason];
}
