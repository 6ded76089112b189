/* SPDX-License-Identifier: Apache-2.0 */
/* libgit2, loaded by a checkout or the first difference of two texts (assay/late.h).  A function that is missing here
 * belongs into the list and below it. */
#ifndef ASSAY_VCS_GIT_LATE_H
#define ASSAY_VCS_GIT_LATE_H

/* not <git2.h>: git2/index.h has a field called ctime, which banned.h does not let pass */
#include <git2/blob.h>
#include <git2/buffer.h>
#include <git2/commit.h>
#include <git2/common.h>
#include <git2/config.h>
#include <git2/diff.h>
#include <git2/errors.h>
#include <git2/global.h>
#include <git2/object.h>
#include <git2/odb.h>
#include <git2/oid.h>
#include <git2/refs.h>
#include <git2/remote.h>
#include <git2/repository.h>
#include <git2/tree.h>
#include <git2/version.h>

#include "assay/late.h"

#define GIT_LATE(X) \
	X(git_blob_free) X(git_blob_lookup) X(git_blob_rawcontent) X(git_blob_rawsize) \
	X(git_buf_dispose) X(git_commit_free) X(git_commit_id) X(git_commit_lookup) \
	X(git_commit_time) X(git_commit_tree) X(git_commit_tree_id) X(git_diff_buffers) \
	X(git_diff_options_init) X(git_error_clear) X(git_error_last) X(git_fetch_options_init) \
	X(git_libgit2_init) X(git_libgit2_opts) X(git_libgit2_shutdown) X(git_object_free) \
	X(git_object_id) X(git_object_lookup) X(git_object_type) X(git_object_type2string) \
	X(git_odb_free) X(git_odb_read_header) X(git_oid_equal) X(git_oid_fromstr) \
	X(git_oid_tostr) X(git_reference_free) X(git_reference_lookup) X(git_reference_peel) \
	X(git_remote_create_anonymous) X(git_remote_default_branch) X(git_remote_fetch) \
	X(git_remote_free) X(git_repository_free) X(git_repository_init) X(git_repository_odb) \
	X(git_repository_open_bare) X(git_repository_open_ext) X(git_repository_set_head) \
	X(git_tree_entry_byindex) X(git_tree_entry_byname) X(git_tree_entry_filemode) \
	X(git_tree_entry_filemode_raw) X(git_tree_entry_id) X(git_tree_entry_name) \
	X(git_tree_entry_type) X(git_tree_entrycount) X(git_tree_free) X(git_tree_lookup)

struct git_late {
#define X(name) __typeof__(name) *name;
	GIT_LATE(X)
#undef X
};

extern struct git_late git_late;

/* Before the first call of any of them, and before a jail is entered. */
enum assay_code git_late_load(struct assay_error *err) ASSAY_CHECKED;

#define git_blob_free git_late.git_blob_free
#define git_blob_lookup git_late.git_blob_lookup
#define git_blob_rawcontent git_late.git_blob_rawcontent
#define git_blob_rawsize git_late.git_blob_rawsize
#define git_buf_dispose git_late.git_buf_dispose
#define git_commit_free git_late.git_commit_free
#define git_commit_id git_late.git_commit_id
#define git_commit_lookup git_late.git_commit_lookup
#define git_commit_time git_late.git_commit_time
#define git_commit_tree git_late.git_commit_tree
#define git_commit_tree_id git_late.git_commit_tree_id
#define git_diff_buffers git_late.git_diff_buffers
#define git_diff_options_init git_late.git_diff_options_init
#define git_error_clear git_late.git_error_clear
#define git_error_last git_late.git_error_last
#define git_fetch_options_init git_late.git_fetch_options_init
#define git_libgit2_init git_late.git_libgit2_init
#define git_libgit2_opts git_late.git_libgit2_opts
#define git_libgit2_shutdown git_late.git_libgit2_shutdown
#define git_object_free git_late.git_object_free
#define git_object_id git_late.git_object_id
#define git_object_lookup git_late.git_object_lookup
#define git_object_type git_late.git_object_type
#define git_object_type2string git_late.git_object_type2string
#define git_odb_free git_late.git_odb_free
#define git_odb_read_header git_late.git_odb_read_header
#define git_oid_equal git_late.git_oid_equal
#define git_oid_fromstr git_late.git_oid_fromstr
#define git_oid_tostr git_late.git_oid_tostr
#define git_reference_free git_late.git_reference_free
#define git_reference_lookup git_late.git_reference_lookup
#define git_reference_peel git_late.git_reference_peel
#define git_remote_create_anonymous git_late.git_remote_create_anonymous
#define git_remote_default_branch git_late.git_remote_default_branch
#define git_remote_fetch git_late.git_remote_fetch
#define git_remote_free git_late.git_remote_free
#define git_repository_free git_late.git_repository_free
#define git_repository_init git_late.git_repository_init
#define git_repository_odb git_late.git_repository_odb
#define git_repository_open_bare git_late.git_repository_open_bare
#define git_repository_open_ext git_late.git_repository_open_ext
#define git_repository_set_head git_late.git_repository_set_head
#define git_tree_entry_byindex git_late.git_tree_entry_byindex
#define git_tree_entry_byname git_late.git_tree_entry_byname
#define git_tree_entry_filemode git_late.git_tree_entry_filemode
#define git_tree_entry_filemode_raw git_late.git_tree_entry_filemode_raw
#define git_tree_entry_id git_late.git_tree_entry_id
#define git_tree_entry_name git_late.git_tree_entry_name
#define git_tree_entry_type git_late.git_tree_entry_type
#define git_tree_entrycount git_late.git_tree_entrycount
#define git_tree_free git_late.git_tree_free
#define git_tree_lookup git_late.git_tree_lookup

#endif
