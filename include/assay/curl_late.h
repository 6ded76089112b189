/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl, loaded when something is fetched or a scheduler is called (assay/late.h).  A function that is missing here belongs into
 * the list and below it. */
#ifndef ASSAY_CURL_LATE_H
#define ASSAY_CURL_LATE_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

#include "assay/late.h"

#define CURL_LATE(X)                                                                               \
	X(curl_easy_cleanup) X(curl_easy_escape) X(curl_easy_getinfo) X(curl_easy_init) X(curl_easy_perform)           \
	X(curl_easy_reset) X(curl_easy_setopt) X(curl_easy_strerror) X(curl_free)                  \
	X(curl_global_init) X(curl_slist_append) X(curl_slist_free_all) X(curl_url) X(curl_url_cleanup) X(curl_url_dup) X(curl_url_get)        \
	X(curl_url_set)

struct curl_late {
#define X(name) __typeof__(name) *name;
	CURL_LATE(X)
#undef X
};

extern struct curl_late curl_late;

/* Before the first call of any of them. */
enum assay_code curl_late_load(struct assay_error *err) ASSAY_CHECKED;

#define curl_easy_cleanup curl_late.curl_easy_cleanup
#define curl_easy_escape curl_late.curl_easy_escape
#define curl_easy_getinfo curl_late.curl_easy_getinfo
#define curl_easy_init curl_late.curl_easy_init
#define curl_easy_perform curl_late.curl_easy_perform
#define curl_easy_reset curl_late.curl_easy_reset
#define curl_easy_setopt curl_late.curl_easy_setopt
#define curl_easy_strerror curl_late.curl_easy_strerror
#define curl_free curl_late.curl_free
#define curl_global_init curl_late.curl_global_init
#define curl_slist_append curl_late.curl_slist_append
#define curl_slist_free_all curl_late.curl_slist_free_all
#define curl_url curl_late.curl_url
#define curl_url_cleanup curl_late.curl_url_cleanup
#define curl_url_dup curl_late.curl_url_dup
#define curl_url_get curl_late.curl_url_get
#define curl_url_set curl_late.curl_url_set

#endif
