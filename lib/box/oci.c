/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver for OCI runtimes: the native driver's launcher, supervision, control groups and filter,
 * with a runtime between the launcher and the box.  See launcher/oci.c and launcher/inside.c.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "assay/box.h"
#include "native.h"
#include "oci_runtime.h"

#define MAX_ARGS 24

struct command {
	const char *args[MAX_ARGS + 1];
	unsigned count;
};

static void add(struct command *command, const char *const *args)
{
	for (; *args && command->count < MAX_ARGS; args++)
		command->args[command->count++] = *args;
	command->args[command->count] = NULL;
}

static void begin(struct command *command, const struct oci_runtime *runtime)
{
	const char *const first[] = { runtime->path, "--root", WIRE_OCI_STATE, "--log", WIRE_OCI_LOG,
				      NULL };

	command->count = 0;
	add(command, first);
	add(command, runtime->kind->options);
}

static const char *const create_args[] = { "create", "--bundle", WIRE_OCI_BUNDLE, "--pid-file",
					   WIRE_OCI_PID, NULL };
/* the policy's, which is closed inside, and the reports' */
static const char *const keep_args[] = { "--preserve-fds", "2", NULL };
/* Of its own for each box: runsc makes it the name of a socket that all of a machine share. */
static const char *make_id(char *out, size_t size)
{
	static atomic_uint made;

	snprintf(out, size, "assay-%ld-%u", (long)getpid(), atomic_fetch_add(&made, 1));
	return out;
}

enum assay_code box_oci_run_without(const struct assay_box_policy *policy, uint32_t flags,
				    uint32_t skip, struct assay_box_result *ret,
				    struct assay_error *err)
{
	struct oci_runtime runtime;
	struct command create, start, remove;
	struct box_bundle bundle = { .config = ASSAY_BUF_INIT(WIRE_MAX_DATA) };
	const struct box_oci oci = { &runtime, &bundle };
	char id[48];
	const char *const id_args[] = { make_id(id, sizeof(id)), NULL };
	const char *const start_args[] = { "start", id, NULL };
	const char *const remove_args[] = { "delete", "--force", id, NULL };
	enum assay_code code;

	if (policy->root_inside)
		return assay_fail(err, ASSAY_EUNSUPPORTED, "box: root inside: want the native driver");
	if (oci_runtime_find(policy->choice.runtime, policy->choice.allow, &runtime, err))
		return err->code;
	begin(&create, &runtime);
	begin(&start, &runtime);
	begin(&remove, &runtime);
	add(&create, create_args);
	if (!runtime.kind->own_kernel)
		add(&create, keep_args);
	add(&create, id_args);
	add(&start, start_args);
	add(&remove, remove_args);
	bundle.create = create.args;
	bundle.start = start.args;
	bundle.remove = remove.args;
	flags |= WIRE_OCI | (runtime.kind->own_kernel ? WIRE_STDIO : 0u) |
		 (runtime.kind->hide_groups ? WIRE_HIDE_GROUPS : 0u);
	code = box_run_with(policy, flags, skip, &oci, ret, err);
	assay_buf_release(&bundle.config);
	return code;
}

static enum assay_code run(const struct assay_box_policy *policy, struct assay_box_result *ret,
			   struct assay_error *err)
{
	return box_oci_run_without(policy, 0, 0, ret, err);
}

static enum assay_code check(const struct assay_box_policy *policy, json_t **ret_isolation,
			     struct assay_error *err)
{
	struct assay_box_result result = { .workspace_fd = -1 };

	if (box_oci_run_without(policy, WIRE_PROBE_ONLY, 0, &result, err))
		return err->code;
	*ret_isolation = json_incref(result.isolation);
	assay_box_result_release(&result);
	return ASSAY_OK;
}

const struct assay_box_ops assay_box_oci = {
	.name = "oci",
	.run = run,
	.check = check,
};
