/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `attack` share: an attempt that succeeds is printed, and makes the exit status 1. */
#ifndef TESTS_HOSTILE_ATTACK_H
#define TESTS_HOSTILE_ATTACK_H

#include <stdbool.h>

void note(bool succeeded, const char *what);
void try_call(const char *what, long result);
/* Whether a line of the file contains the word. */
bool mentions(const char *path, const char *word);

/* attack_calls.c */
void attack_calls(void);
void attack_handles(void);
void attack_host_key(void);
void attack_locks(void);
void attack_paths(void);
void attack_file_flags(void);
void attack_xattrs(void);
/* attack_newer.c */
void attack_newer_calls(void);
void attack_ioctls(void);
void attack_prctl(void);
void attack_process_files(void);
void attack_affinity(void);
void attack_pools(void);
void attack_survivors(void);
void attack_xattr_flood(void);
void attack_flight(void);
/* attack_neighbours.c */
void attack_meet(void);
void attack_services(void);
void attack_secrets(void);
void attack_launcher(void);
void attack_memory_program(void);
/* attack_resources.c */
void attack_kernel_memory(void);
void attack_sockets_full(void);
void attack_pipes_full(void);
void attack_memfd(void);
void attack_sysv(void);
void attack_daemons(void);
void attack_threads(void);
void attack_files(void);
void attack_leftovers(void);
void attack_traces(void);
void attack_deep(void);

#endif
