/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that are not used in this program: they overflow, race, cut silently or are not
 * thread-safe.  Included before everything else by the Makefile.
 */
#ifndef ASSAY_BANNED_H
#define ASSAY_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison gmtime localtime ctime asctime
#pragma GCC poison mktemp tmpnam tempnam strtok
#pragma GCC poison system popen

#endif
