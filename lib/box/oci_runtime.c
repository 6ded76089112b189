/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The versions are those in which the runtime's own advisories say that the holes were closed that a
 * hostile environment or build could use:
 *	runc  CVE-2025-31133, -52565, -52881 (1.2.8, 1.3.3), CVE-2026-41579 (1.3.6, 1.4.3)
 *	crun  CVE-2025-24965 (1.20), CVE-2026-30892 (1.27), CVE-2026-47766 (1.28)
 *	kata  CVE-2026-24834 (3.27.0), GHSA-q49m-57vm-c8cc (3.29.0)
 * gVisor has no patch releases: every release replaces the one before.
 */
#include "oci_runtime.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/cleanup.h"
#include "assay/path.h"
#include "assay/process.h"

static const char *const no_options[] = { NULL };
static const char *const crun_options[] = { "--cgroup-manager=disabled", NULL };
static const char *const runsc_options[] = { "--network=none", "--ignore-cgroups",
					     "--file-access=exclusive", NULL };

static const struct oci_kind kinds[] = {
	{ .name = "runc",
	  .options = no_options,
	  .minimum = "1.3.6 or 1.4.3",
	  .holes = "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881, CVE-2026-41579" },
	{ .name = "crun",
	  .options = crun_options,
	  .hide_groups = true,
	  .minimum = "1.28",
	  .holes = "CVE-2025-24965, CVE-2026-30892, CVE-2026-47766" },
	{ .name = "runsc",
	  .options = runsc_options,
	  .own_kernel = true,
	  .minimum = "a release of April 2025 or later",
	  .holes = "gVisor closes holes by new releases only" },
	{ .name = "kata-runtime",
	  .options = no_options,
	  .own_kernel = true,
	  .untested = true,
	  .minimum = "3.29.0",
	  .holes = "CVE-2026-24834, GHSA-q49m-57vm-c8cc" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* From this version on; rows of one runtime in ascending order.  until: where the next series, with
 * a row of its own, begins. */
static const struct {
	const char *name;
	unsigned long from[3], until[3];
} good[] = {
	{ "runc", { 1, 3, 6 }, { 1, 4, 0 } },
	{ "runc", { 1, 4, 3 }, { ULONG_MAX, 0, 0 } },
	{ "crun", { 1, 28, 0 }, { ULONG_MAX, 0, 0 } },
	{ "runsc", { 20250401, 0, 0 }, { ULONG_MAX, 0, 0 } },
	{ "kata-runtime", { 3, 29, 0 }, { ULONG_MAX, 0, 0 } },
};

const struct oci_kind *oci_kind_find(const char *name)
{
	const struct oci_kind *best = NULL;

	/* "runc-1.4" is a runc; the longest name wins */
	for (size_t i = 0; i < KINDS; i++)
		if (strncmp(name, kinds[i].name, strlen(kinds[i].name)) == 0 &&
		    (!best || strlen(kinds[i].name) > strlen(best->name)))
			best = &kinds[i];
	return best;
}

/* Up to three numbers; gVisor's date stands for its first ("release-20240729.0", "0.0~20221219.0"). */
static void read_numbers(const char *version, unsigned long ret[3])
{
	for (int i = 0; i < 3; i++) {
		char *end;

		version += strcspn(version, "0123456789");
		ret[i] = strtoul(version, &end, 10);
		version = end;
		if (ret[i] > 20000000 && i > 0) {
			ret[0] = ret[i];
			ret[1] = ret[2] = 0;
			return;
		}
	}
}

static int compare(const unsigned long a[3], const unsigned long b[3])
{
	for (int i = 0; i < 3; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

bool oci_version_is_outdated(const struct oci_kind *kind, const char *version)
{
	unsigned long have[3];

	/* a candidate for a release may lack what the release has */
	if (strstr(version, "-rc"))
		return true;
	read_numbers(version, have);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (strcmp(good[i].name, kind->name) == 0 && compare(have, good[i].from) >= 0 &&
		    compare(have, good[i].until) < 0)
			return false;
	return true;
}

static bool find_in_path(const char *name, char *ret, size_t size)
{
	const char *path = getenv("PATH");
	/* where administrators' programs are, which a user's PATH may lack */
	static const char *const more[] = { "/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin" };

	while (path && *path) {
		size_t len = strcspn(path, ":");

		if (*path == '/' && snprintf(ret, size, "%.*s/%s", (int)len, path, name) < (int)size &&
		    access(ret, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (snprintf(ret, size, "%s/%s", more[i], name) < (int)size && access(ret, X_OK) == 0)
			return true;
	ret[0] = '\0';
	return false;
}

/* The word behind "version" or ":" in the first line. */
static void read_version(struct assay_span text, char *ret, size_t size)
{
	static const char *const marks[] = { "version ", ": " };
	struct assay_span line;

	snprintf(ret, size, "unknown");
	if (!assay_span_next_line(&text, &line))
		return;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		size_t at = assay_span_find(line, 0, assay_span_text(marks[i]));

		if (at == SIZE_MAX)
			continue;
		line = assay_span_trim(assay_span_cut(line, at + strlen(marks[i]), line.len));
		line = assay_span_cut(line, 0, assay_span_find(line, 0, assay_span_text(" ")));
		assay_span_show(line, ret, size);
		return;
	}
}

static enum assay_code ask_version(struct oci_runtime *runtime, struct assay_error *err)
{
	assay_auto(assay_buf_release) struct assay_buf out = ASSAY_BUF_INIT(4096);
	const char *const argv[] = { runtime->path, "--version", NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;

	process.argv = argv;
	process.out = &out;
	process.timeout_s = 30;
	if (assay_process_must(&process, err))
		return assay_context(err, "box: OCI runtime %s", runtime->path);
	read_version(assay_buf_span(&out), runtime->version, sizeof(runtime->version));
	runtime->outdated = oci_version_is_outdated(runtime->kind, runtime->version);
	return ASSAY_OK;
}

static enum assay_code check(const struct oci_runtime *runtime, unsigned allow, struct assay_error *err)
{
	const struct oci_kind *kind = runtime->kind;

	if (kind->untested && !(allow & ASSAY_BOX_ALLOW_UNTESTED))
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "box: OCI runtime %s was never tested with assay and is not supported; "
				  "to try it all the same, allow \"untested\"",
				  kind->name);
	if (runtime->outdated && !(allow & ASSAY_BOX_ALLOW_OUTDATED))
		return assay_fail(err, ASSAY_EUNSUPPORTED,
				  "box: OCI runtime %s %s is too old: want %s (%s); to use it all the "
				  "same, with a report that says so, allow \"outdated\"",
				  kind->name, runtime->version, kind->minimum, kind->holes);
	return ASSAY_OK;
}

enum assay_code oci_runtime_find(const char *wanted, unsigned allow, struct oci_runtime *ret,
				 struct assay_error *err)
{
	const char *name = wanted ? wanted : kinds[0].name;

	*ret = (struct oci_runtime){ .kind = oci_kind_find(assay_path_base(name)) };
	if (!ret->kind)
		return assay_fail(err, ASSAY_EINPUT,
				  "box: OCI runtime: want runc, crun, runsc, kata-runtime or the path of "
				  "one, have \"%s\"",
				  name);
	if (name[0] == '/' && access(name, X_OK) == 0)
		snprintf(ret->path, sizeof(ret->path), "%s", name);
	else if (strchr(name, '/') || !find_in_path(name, ret->path, sizeof(ret->path)))
		return assay_fail(err, ASSAY_ENOTFOUND, "box: OCI runtime %s is not installed", name);
	return ask_version(ret, err) ? err->code : check(ret, allow, err);
}

json_t *oci_runtime_json(const struct oci_runtime *runtime)
{
	const struct oci_kind *kind = runtime->kind;
	json_t *object = assay_json_object();
	const char *state = !runtime->path[0] ? "absent"
			    : kind->untested  ? "untested"
			    : runtime->outdated ? "outdated"
						: "usable";

	assay_json_set_text(object, "name", kind->name);
	assay_json_set_text(object, "path", runtime->path);
	assay_json_set_text(object, "version", runtime->version);
	assay_json_set_text(object, "minimum", kind->minimum);
	assay_json_set_text(object, "state", state);
	assay_json_set_text(object, "detail",
			    kind->untested ? "our suite was never run against it: not supported"
			    : runtime->outdated ? kind->holes
						: "");
	return object;
}

json_t *assay_box_runtimes(void)
{
	json_t *list = assay_json_array();

	for (size_t i = 0; i < KINDS; i++) {
		struct oci_runtime runtime;
		struct assay_error err;

		/* what cannot be asked for its version is not there */
		if (oci_runtime_find(kinds[i].name, UINT_MAX, &runtime, &err)) {
			runtime.path[0] = runtime.version[0] = '\0';
			runtime.outdated = false;
		}
		assay_json_append(list, oci_runtime_json(&runtime));
	}
	return list;
}
