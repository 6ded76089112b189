/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into assay: a fault planted inside a parser, at the first call of a function of the library
 * that does the reading there.  PLANT names the fault.  What a jail must refuse is tried; when it was
 * refused, the real function goes on.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void escaped(const char *what)
{
	(void)!write(2, "ESCAPED: ", 9);
	(void)!write(2, what, strlen(what));
	(void)!write(2, "\n", 1);
	_exit(99);
}

static void plant(void)
{
	const char *fault = getenv("PLANT");
	char *const argv[] = { "true", NULL };
	char *block;

	if (!fault)
		return;
	if (strcmp(fault, "crash") == 0)
		*(volatile int *)8 = 1;
	if (strcmp(fault, "loop") == 0)
		for (volatile int i = 0;; i++)
			;
	if (strcmp(fault, "allocate") == 0) {
		block = malloc(10ul << 30);
		if (block) {
			memset(block, 1, 10ul << 30);
			escaped("ten gigabytes");
		}
	}
	if (strcmp(fault, "open") == 0 && (open("/etc/passwd", O_RDONLY) >= 0 ||
					   open("/tmp/planted", O_WRONLY | O_CREAT, 0600) >= 0))
		escaped("a file was opened");
	if (strcmp(fault, "socket") == 0 && socket(AF_INET, SOCK_STREAM, 0) >= 0)
		escaped("a socket was made");
	if (strcmp(fault, "execve") == 0) {
		execv("/bin/true", argv);
		escaped("execve returned");
	}
}

/* A function that takes up to six words and returns one, which is true of all of these. */
#define PLANT_IN(name)                                                                              \
	long name(long a, long b, long c, long d, long e, long f);                                 \
	long name(long a, long b, long c, long d, long e, long f)                                  \
	{                                                                                          \
		long (*real)(long, long, long, long, long, long) =                                 \
			(long (*)(long, long, long, long, long, long))dlsym(RTLD_NEXT, #name);     \
		plant();                                                                           \
		return real(a, b, c, d, e, f);                                                     \
	}

#define PLANT_BY_NAME(name) PLANT_IN(name)
#ifdef IN
PLANT_BY_NAME(IN)
#endif
