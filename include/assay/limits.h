/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every ceiling of the program, in one place.  Nothing in assay grows beyond a number on this page;
 * a bound that cuts a result short says so in the result.
 */
#ifndef ASSAY_LIMITS_H
#define ASSAY_LIMITS_H

#define ASSAY_KIB 1024ULL
#define ASSAY_MIB (1024ULL * ASSAY_KIB)
#define ASSAY_GIB (1024ULL * ASSAY_MIB)

/* Anatomy */
#define ASSAY_MAX_DEPTH 16                        /* archives within archives */
#define ASSAY_MAX_MEMBERS 1000000                 /* members of one archive */
#define ASSAY_MAX_DECODED (64 * ASSAY_GIB)        /* decoded bytes of one artifact, in all */
#define ASSAY_MAX_EXPANSION 1100                  /* decoded : encoded; deflate ends at 1032 */
#define ASSAY_MAX_EXPANSION_FREE (64 * ASSAY_MIB) /* below this size the ratio is not looked at */
#define ASSAY_MAX_SMALL ASSAY_MIB                 /* files whose comparison starts with as little as possible */
#define ASSAY_MAX_IN_MEMORY (8 * ASSAY_MIB)       /* a decoded payload beyond this spills to disk */
#define ASSAY_MAX_WINDOW (256 * ASSAY_MIB)        /* memory a decoder may want for itself */
#define ASSAY_MAX_TREE (512 * ASSAY_MIB)          /* arena of one side's span tree */
#define ASSAY_MAX_ELF_SECTIONS 100000             /* -ffunction-sections objects have many */
#define ASSAY_MAX_ELF_OVERLAP 4                   /* bytes of all sections : bytes of the file */
#define ASSAY_MAX_ELF_SYMBOLS 1000000             /* named in one file; the rest stay unnamed */
#define ASSAY_MAX_ELF_DEBUG_STRINGS 1000000       /* looked through for paths and producers */
#define ASSAY_MAX_ELF_DEBUG_DECODED (64 * ASSAY_MIB) /* of one compressed debug section */
#define ASSAY_MAX_ELF_FUNCTIONS 1000000           /* compared one by one in one file */
#define ASSAY_MAX_ELF_INSTRUCTIONS 20             /* shown of one function, a side */
#define ASSAY_MAX_ELF_LISTINGS 16                 /* functions of a section shown as instructions */
#define ASSAY_MAX_ELF_DECODED (256 * ASSAY_KIB)   /* decoded on the way to a change */
#define ASSAY_MAX_PIECES 4096                    /* named parts an image of blocks is cut into */

/* Comparison and report */
#define ASSAY_MAX_DIVERGENCES 10000   /* records in one report; the rest is counted */
#define ASSAY_MAX_RANGES 64           /* byte ranges listed in one divergence */
#define ASSAY_MAX_FACTS 4096          /* different facts told of one artifact's build */
#define ASSAY_MAX_VALUE_SHOWN 256     /* bytes of a value shown in a report */
#define ASSAY_MAX_DIFF_INPUT (8 * ASSAY_MIB) /* a text larger than this is not line-diffed */
#define ASSAY_MAX_DIFF_LINES_CHANGED 250000  /* nor one with more lines from the first change to the last */
#define ASSAY_MAX_RESYNC (16 * ASSAY_MIB)    /* of bytes that moved, one side, in which places are sought */
#define ASSAY_MAX_DIFF_LINES 200      /* lines of one unified diff in a report */
#define ASSAY_MAX_REPORT (256 * ASSAY_MIB)

/* Sources */
#define ASSAY_MAX_CHECKOUT (32 * ASSAY_GIB)     /* bytes of one checked out or unpacked source */
#define ASSAY_MAX_GIT_BLOB (1 * ASSAY_GIB)      /* one file of a git source (read as a whole) */
#define ASSAY_MAX_GIT_FETCH (16 * ASSAY_GIB)    /* received for one repository */
#define ASSAY_GIT_SILENCE_S 120                 /* a server that sends nothing for so long is given up */
#define ASSAY_MAX_CHECKOUT_DEPTH 128            /* directories within each other */
#define ASSAY_MAX_CHECKOUT_PATH 4000
#define ASSAY_MAX_SUBMODULE_DEPTH 8
#define ASSAY_MAX_GITMODULES (1 * ASSAY_MIB)

/* Small files of the trusted side */
#define ASSAY_MAX_RECIPE (1 * ASSAY_MIB)
#define ASSAY_MAX_RECIPE_DEPTH 8     /* lists and mappings within each other */
#define ASSAY_MAX_RECIPE_NODES 10000 /* values, in all */
#define ASSAY_MAX_RECIPE_CPUS 1024
#define ASSAY_MAX_SIGNATURE (1 * ASSAY_MIB)
#define ASSAY_MAX_SIGNED (2 * ASSAY_GIB) /* artifact of a scheme that signs bytes, not a digest */
#define ASSAY_MAX_ENVELOPE (64 * ASSAY_MIB)
#define ASSAY_MAX_CONTROL (256 * ASSAY_MIB) /* Packages and Sources indices */
#define ASSAY_MAX_LOCK (4 * ASSAY_MIB)
#define ASSAY_MAX_LOCK_PACKAGES 20000
#define ASSAY_MAX_LOCK_STAGE 9
#define ASSAY_MAX_BINNMU_ENTRY (8 * ASSAY_KIB)
#define ASSAY_MAX_TOOL_OUTPUT (64 * ASSAY_MIB)
#define ASSAY_MAX_FIELD (64 * ASSAY_KIB)

/* The store */
#define ASSAY_MAX_BLOB (64 * ASSAY_GIB) /* one download or stored file */
#define ASSAY_MAX_S3_ANSWER (16 * ASSAY_MIB) /* a list, an error */
#define ASSAY_MAX_STORE_BLOBS 16000000 /* looked after in one store */

/* The farm's database */
#define ASSAY_MAX_ROWS 100000                   /* of one answer */
#define ASSAY_MAX_ROWS_BYTES (256 * ASSAY_MIB)
#define ASSAY_MAX_FARM_NAMES (1 * ASSAY_GIB) /* the list of blobs that it names */
#define ASSAY_MAX_LABEL 64 /* bytes of one label of a worker */
#define ASSAY_MAX_NEEDS 1024 /* bytes of all that a job or a pool needs */
#define ASSAY_MAX_CLASSES 1000 /* different needs of the jobs of one pool */
#define ASSAY_MAX_TARGET 2048 /* bytes; PostgreSQL takes no longer keys into its indexes than 2704 */
#define ASSAY_MAX_NAME 100 /* bytes of the name of a pool */
#define ASSAY_MAX_SUBMISSION_KEY 255
#define ASSAY_MAX_LOG_PART (1 * ASSAY_MIB) /* of a log that is followed, in one request */
#define ASSAY_MAX_TELEMETRY (64 * ASSAY_MIB) /* of traces that wait for their collector */
#define ASSAY_MAX_REQUEST (4 * ASSAY_MIB)  /* JSON of one request to a scheduler */
#define ASSAY_MAX_BROUGHT (16 * ASSAY_MIB) /* a blob from who submits: a recipe, a file beside it, a .buildinfo */
#define ASSAY_MAX_BROUGHT_FILES 256 /* beside one recipe */
#define ASSAY_MAX_UPLOAD_PART (64 * ASSAY_MIB) /* of a blob, in one request */

/* Who asks the farm for what */
#define ASSAY_MAX_IDENTITY 64 /* bytes of the name of a worker or user */
#define ASSAY_MIN_SECRET 6     /* bytes of a declared secret */
#define ASSAY_MAX_SECRETS 4096 /* declared, with their encodings */
#define ASSAY_MAX_JWT (16 * ASSAY_KIB)
#define ASSAY_MAX_JWKS (1 * ASSAY_MIB)
#define ASSAY_MAX_JWKS_KEYS 64

/* A build, unless the recipe says otherwise */
#define ASSAY_DEFAULT_TIME_S (2 * 3600)
#define ASSAY_DEFAULT_MEMORY (8 * ASSAY_GIB)
#define ASSAY_DEFAULT_DISK (8 * ASSAY_GIB)
#define ASSAY_DEFAULT_INODES 2000000
#define ASSAY_DEFAULT_PROCESSES 1024
#define ASSAY_DEFAULT_LOG (64 * ASSAY_MIB)
#define ASSAY_MAX_TRACE (1 * ASSAY_GIB) /* lines of one attempt's trace; compressed to a twentieth */

#endif
