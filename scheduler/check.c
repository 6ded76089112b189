/* SPDX-License-Identifier: Apache-2.0 */
/* assay scheduler --check-config: what a start would use, tried without making or changing anything. */
#include "assay/scheduler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "assay/authority.h"
#include "assay/cleanup.h"
#include "assay/database.h"
#include "assay/http.h"
#include "assay/path.h"
#include "assay/store.h"

/* Up to the first folder that is there: that one must be writable. */
static enum assay_code check_folder(const char *path, const char **ret_state, struct assay_error *err)
{
	assay_auto(assay_freep) char *at = strdup(path);
	struct stat st;
	bool made = true;

	if (!at)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	while (stat(at, &st)) {
		char *slash = strrchr(at, '/');

		if (errno != ENOENT)
			return assay_fail(err, ASSAY_EUSAGE, "%s: %s", at, strerror(errno));
		made = false;
		if (slash)
			slash[slash == at] = '\0';
		else
			snprintf(at, strlen(at) + 1, ".");
	}
	if (!S_ISDIR(st.st_mode))
		return assay_fail(err, ASSAY_EUSAGE, "%s: want a directory", at);
	if (access(at, W_OK | X_OK))
		return assay_fail(err, ASSAY_EUSAGE, "%s: %s", at, strerror(errno));
	*ret_state = made ? "is there" : "will be made";
	return ASSAY_OK;
}

static enum assay_code check_database(const char *url, const char *store, const char **ret_state,
				      struct assay_error *err)
{
	assay_auto(assay_database_closep) struct assay_database *db = NULL;

	*ret_state = "is there";
	if (!url)
		return check_folder(store, ret_state, err);
	if (strncmp(url, "sqlite:", 7) == 0) {
		assay_auto(assay_freep) char *folder = strdup(url + 7);
		char *slash = folder ? strrchr(folder, '/') : NULL;

		if (slash)
			*slash = '\0';
		return slash && slash > folder ? check_folder(folder, ret_state, err) : ASSAY_OK;
	}
	*ret_state = "answers";
	return assay_database_open(url, &db, err);
}

static enum assay_code check_socket(const char *path, struct assay_error *err)
{
	struct sockaddr_un address;

	if (strlen(path) >= sizeof(address.sun_path))
		return assay_fail(err, ASSAY_EUSAGE, "%s: want a path of at most %zu bytes for a socket", path,
				  sizeof(address.sun_path) - 1);
	return ASSAY_OK;
}

static enum assay_code check_listen(const char *address, struct assay_error *err)
{
	assay_auto(assay_freep) char *copy = strdup(address);
	char *host, *port;

	if (!copy || !assay_http_split_address(copy, &host, &port))
		return assay_fail(err, ASSAY_EUSAGE, "listen: want HOST:PORT, [ADDRESS]:PORT or :PORT, have \"%s\"", address);
	return ASSAY_OK;
}

/* The token is asked for its key; the file beside it, if there is one, must be of that key. */
static enum assay_code check_authority(const struct assay_scheduler_options *options, const char *store,
				       struct assay_error *err)
{
	assay_auto(assay_authority_freep) struct assay_authority *authority = NULL;
	assay_auto(assay_freep) char *path = assay_path_join(store, "farm/authority.pem");

	if (!path)
		return assay_fail(err, ASSAY_ENOMEM, "out of memory");
	if (access(path, F_OK))
		return options->authority_key ? assay_authority_try(options->authority_key, err) : ASSAY_OK;
	return assay_authority_open(path, options->authority_key, &authority, err);
}

/* A password in a URL is not for a terminal. */
static void show_database(const char *url, const char *store, const char *state)
{
	const char *at = url ? strchr(url, '@') : NULL, *scheme = url ? strstr(url, "://") : NULL;

	if (!url)
		printf("  database   sqlite:%s/farm/queue.db\n", store);
	else if (at && scheme && at > scheme)
		printf("  database   %.*s...%s, %s\n", (int)(scheme - url + 3), url, at, state);
	else
		printf("  database   %s, %s\n", url, state);
}

enum assay_code assay_scheduler_check(const struct assay_scheduler_options *options, struct assay_error *err)
{
	assay_auto(assay_freep) char *store = assay_store_place(options->store);
	assay_auto(assay_freep) char *socket = options->socket ? strdup(options->socket) :
					       store	       ? assay_path_join(store, "farm/socket") :
								 NULL;
	const char *folder = NULL, *database = NULL;

	if (!store || !socket)
		return assay_fail(err, ASSAY_EUSAGE, "store: want one, by --store, $ASSAY_STORE or $HOME");
	if (check_folder(store, &folder, err) || check_socket(socket, err) ||
	    check_authority(options, store, err) || (options->listen && check_listen(options->listen, err)) ||
	    check_database(options->database, store, &database, err))
		return err->code;
	printf("  store      %s, %s\n", store, folder);
	if (options->store && strcmp(store, options->store) != 0)
		printf("  blobs      %.*s\n", (int)strcspn(options->store, "?"), options->store);
	show_database(options->database, store, database);
	printf("  socket     %s\n", socket);
	printf("  listen     %s\n", options->listen ? options->listen : "on no network");
	if (options->authority_key)
		printf("  authority  %.*s\n", (int)strcspn(options->authority_key, "?"), options->authority_key);
	if (options->retention && *options->retention)
		printf("  retention  %s\n", options->retention);
	printf("the scheduler could start\n");
	return ASSAY_OK;
}
