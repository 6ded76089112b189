/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime is asked for.  Sources are where launcher/oci.c lays them out.  The user namespace
 * and the control groups are made around the runtime and are not its business; Landlock, the filter
 * and the socket families have no words here, or none that would let refused calls be recorded, and
 * are added by launcher/inside.c, which also looks at whether the rest was done.
 */
#include "oci_config.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "assay/cleanup.h"
#include "fixed.h"
#include "wire.h"

static bool skips(const struct box_settings *s, enum wire_layer layer)
{
	return s->skip >> layer & 1;
}

static bool is_beneath(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static json_t *texts(const char *const *list)
{
	json_t *array = assay_json_array();

	for (; *list; list++)
		assay_json_append(array, json_string(*list));
	return array;
}

static void add_mount(json_t *mounts, const char *type, const char *source, const char *target,
		      const char *const *options)
{
	json_t *mount = assay_json_object();

	assay_json_set_text(mount, "type", type);
	assay_json_set_text(mount, "source", source);
	assay_json_set_text(mount, "destination", target);
	assay_json_set(mount, "options", texts(options));
	assay_json_append(mounts, mount);
}

static const char *const read_only[] = { "rbind", "ro", "nosuid", "nodev", NULL };
static const char *const fixed[] = { "rbind", "ro", "nosuid", "nodev", "noexec", NULL };
static const char *const writable[] = { "rbind", "rw", "nosuid", "nodev", NULL };

static void add_inputs(json_t *mounts, const struct assay_box_policy *policy, bool in_writable)
{
	char source[64];
	unsigned i = 0;

	for (const struct assay_box_mount *m = policy->mounts; m && m->source; m++, i++) {
		bool inside = is_beneath(m->target, policy->workspace) || is_beneath(m->target, "/tmp") ||
			      is_beneath(m->target, "/var/tmp");

		snprintf(source, sizeof(source), WIRE_OCI_BOX "/inputs/%u", i);
		if (inside == in_writable)
			add_mount(mounts, "bind", source, m->target, read_only);
	}
}

/* runc lets nothing else be mounted below /proc than its own list of files, which these are in. */
static bool is_mountable(const char *target)
{
	static const char *const list[] = { "/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg",
					    "/proc/meminfo", "/proc/slabinfo",  "/proc/stat",
					    "/proc/swaps",   "/proc/uptime" };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(target, list[i]) == 0)
			return true;
	return false;
}

static void add_file(void *mounts, const char *path, struct assay_span content)
{
	char source[512];

	(void)content;
	snprintf(source, sizeof(source), WIRE_OCI_BOX "/fixed%s", path);
	if (is_mountable(path))
		add_mount(mounts, "bind", source, path, fixed);
}

static json_t *mounts_json(const struct assay_box_policy *policy, const struct box_settings *s)
{
	static const char *const proc[] = { "nosuid", "noexec", "nodev", NULL };
	/* nodes among the fixed files need a mount without nodev; without rights they are mounts of their own, and
	 * nothing that a mount forbids can be allowed again */
	static const char *const nodes[] = { "rbind", "ro", "nosuid", "noexec", NULL };
	static const char *const shm[] = { "rbind", "rw", "nosuid", "nodev", "noexec", NULL };
	json_t *mounts = assay_json_array();

	add_mount(mounts, "proc", "proc", "/proc", proc);
	add_inputs(mounts, policy, false);
	add_mount(mounts, "bind", WIRE_OCI_BOX "/tmp", "/tmp", writable);
	add_mount(mounts, "bind", WIRE_OCI_BOX "/vartmp", "/var/tmp", writable);
	add_mount(mounts, "bind", WIRE_OCI_BOX "/workspace", policy->workspace, writable);
	add_inputs(mounts, policy, true);
	add_mount(mounts, "bind", WIRE_OCI_BOX "/fixed/sys", "/sys", fixed);
	add_mount(mounts, "bind", WIRE_OCI_BOX "/fixed/dev", "/dev", s->map_count && !s->gid_base ? nodes : fixed);
	add_mount(mounts, "bind", WIRE_OCI_BOX "/shm", "/dev/shm", shm);
	if (!skips(s, LAYER_PROC))
		box_fixed_files(policy, box_fixed_cpus(policy), add_file, mounts);
	return mounts;
}

static json_t *namespaces_json(const struct box_settings *s)
{
	static const struct {
		const char *type;
		int layer; /* -1: no box without it */
	} namespaces[] = {
		{ "mount", -1 },	    { "pid", -1 },		{ "uts", LAYER_UTSNS },
		{ "ipc", LAYER_IPCNS }, { "network", LAYER_NETNS }, { "cgroup", LAYER_CGROUPNS },
	};
	json_t *array = assay_json_array();

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		json_t *one = assay_json_object();

		assay_json_set_text(one, "type", namespaces[i].type);
		if (namespaces[i].layer < 0 || !skips(s, (enum wire_layer)namespaces[i].layer))
			assay_json_append(array, one);
		else
			json_decref(one);
	}
	return array;
}

/* The first fixed file of that path. */
struct search {
	const char *path;
	bool found;
};

static void compare_file(void *data, const char *path, struct assay_span content)
{
	struct search *search = data;

	(void)content;
	search->found |= strcmp(path, search->path) == 0;
}

static bool is_replaced(const struct assay_box_policy *policy, const char *path)
{
	struct search search = { .path = path };

	if (is_mountable(path))
		box_fixed_files(policy, box_fixed_cpus(policy), compare_file, &search);
	return search.found;
}

/* Tells one boot of the host from another. */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static bool is_shown(const char *name)
{
	static const char *const shown[] = WIRE_PROC_SHOWN;

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(name, shown[i]) == 0)
			return true;
	return name[0] >= '0' && name[0] <= '9';
}

/* Everything that this kernel has below /proc, but for what is shown and what is mounted over. */
static json_t *masked_json(const struct assay_box_policy *policy)
{
	assay_auto(assay_dir_closep) DIR *proc = opendir("/proc");
	json_t *array = assay_json_array();
	const struct dirent *entry;
	char path[300];

	while (proc && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s", entry->d_name);
		if (entry->d_type != DT_LNK && !is_shown(entry->d_name) && !is_replaced(policy, path))
			assay_json_append(array, json_string(path));
	}
	assay_json_append(array, json_string(BOOT_ID));
	return array;
}

static json_t *linux_json(const struct assay_box_policy *policy, const struct box_settings *s)
{
	static const char *const read_only_paths[] = { "/proc/sys", NULL };
	json_t *object = assay_json_object();

	assay_json_set(object, "namespaces", namespaces_json(s));
	assay_json_set(object, "maskedPaths",
		       skips(s, LAYER_PROC) ? assay_json_array() : masked_json(policy));
	assay_json_set(object, "readonlyPaths",
		       skips(s, LAYER_PROC) ? assay_json_array() : texts(read_only_paths));
	return object;
}

/* With a range of ids the command's own; with a single one that is root's name until the end. */
static json_t *user_json(const struct assay_box_policy *policy, const struct box_settings *s)
{
	json_t *user = assay_json_object();

	assay_json_set_int(user, "uid", s->map_count ? policy->uid : 0);
	assay_json_set_int(user, "gid", s->map_count ? policy->gid : 0);
	return user;
}

static json_t *rlimits_json(void)
{
	json_t *array = assay_json_array(), *core = assay_json_object();

	assay_json_set_text(core, "type", "RLIMIT_CORE");
	assay_json_set_int(core, "soft", 1);
	assay_json_set_int(core, "hard", 1);
	assay_json_append(array, core);
	return array;
}

/* None.  But to give root, the only id there is, another name in a namespace of its own, the kernel wants
 * CAP_SETFCAP from whoever makes that namespace (user_namespaces(7)); inside.c drops it with that. */
static json_t *capabilities_json(const struct box_settings *s)
{
	static const char *const sets[] = { "bounding", "effective", "permitted", "inheritable", "ambient" };
	json_t *object = assay_json_object();

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		json_t *set = assay_json_array();

		if (!s->map_count && i < 3)
			assay_json_append(set, json_string("CAP_SETFCAP"));
		/* a mutant has one that no build needs */
		if (skips(s, LAYER_CAPS) && i < 3)
			assay_json_append(set, json_string("CAP_NET_RAW"));
		assay_json_set(object, sets[i], set);
	}
	return object;
}

/* The limits of a build are set by inside.c last, when nothing of ours needs more. */
static json_t *process_json(const struct assay_box_policy *policy, const struct box_settings *s)
{
	static const char *const args[] = { WIRE_INSIDE "/init", "inside", NULL };
	static const char *const no_env[] = { NULL };
	json_t *process = assay_json_object();

	assay_json_set_bool(process, "terminal", false);
	assay_json_set(process, "user", user_json(policy, s));
	assay_json_set(process, "args", texts(args));
	assay_json_set(process, "env", texts(no_env));
	assay_json_set_text(process, "cwd", "/");
	assay_json_set(process, "capabilities", capabilities_json(s));
	if (!skips(s, LAYER_RLIMITS))
		assay_json_set(process, "rlimits", rlimits_json());
	assay_json_set_bool(process, "noNewPrivileges", !skips(s, LAYER_NNP));
	return process;
}

enum assay_code oci_config_write(const struct assay_box_policy *policy,
				 const struct box_settings *settings, struct assay_buf *out,
				 struct assay_error *err)
{
	json_t *config = assay_json_object(), *root = assay_json_object();

	assay_json_set_text(root, "path", "rootfs");
	assay_json_set_bool(root, "readonly", !skips(settings, LAYER_ROOT));
	assay_json_set_text(config, "ociVersion", "1.0.2");
	assay_json_set(config, "root", root);
	if (!skips(settings, LAYER_UTSNS))
		assay_json_set_text(config, "hostname", policy->hostname);
	assay_json_set(config, "process", process_json(policy, settings));
	assay_json_set(config, "mounts", mounts_json(policy, settings));
	assay_json_set(config, "linux", linux_json(policy, settings));
	assay_json_dump(config, out);
	json_decref(config);
	return assay_buf_check(out, "box: config.json", err);
}
