/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements from reports of every verdict: signed, valid against their schemas (by a real
 * validator), and never better than the report.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "assay/process.h"
#include "worker/attest.c"
#include "worker/comparison.c"
#include "worker/provenance.c"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static char *top, *repository;
static struct assay_error err;
static struct assay_signer *signer;
static json_t *report, *list;

static const char *under(const char *name)
{
	static char path[1400];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void set_up(void)
{
	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	ck_assert_int_eq(assay_key_generate(under("key.pem"), &err), ASSAY_OK);
	ck_assert_msg(assay_signer_start(under("key.pem"), &signer, &err) == ASSAY_OK, "%s",
		      err.msg);
	report = list = NULL;
}

static void tear_down(void)
{
	assay_signer_stop(signer);
	json_decref(report);
	json_decref(list);
	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &err), ASSAY_OK);
	free(top);
}

#define HEAD                                                                                       \
	"{'schema':'assay.report/1','target':'pkg:deb/debian/hello','verdict':'x','reason':'r',"   \
	"'tool':{'name':'assay','version':'0'},"                                                   \
	"'source':{'kind':'git','location':'https://example.org/hello.git',"                       \
	"'commit':'0123456789012345678901234567890123456789','git_tree':'99',"                     \
	"'source_date_epoch':1700000000},"                                                         \
	"'inputs':[{'kind':'recipe','name':'hello.yaml','sha256':'" B "'},"                        \
	"{'kind':'file','name':'x.tar','sha256':'" A "','size':5}],"                               \
	"'environment':{'kind':'debian','digest':'" B "','lock':'" A "','packages':"               \
	"[{'name':'gcc','version':'12','architecture':'amd64','sha256':'" A "'}],'tools':{}},"     \
	"'chain':[{'step':'InRelease','status':'verified'}],'isolation':" ISOLATION ","            \
	"'build':{'path':'/build/x','commands':['make']},"
#define ISOLATION                                                                                  \
	"{'class':'full','driver':'native','missing':[],'layers':[{'name':'seccomp','applied':"    \
	"true},{'name':'landlock','applied':false}]}"
#define ATTEMPT(n, digest)                                                                         \
	"{'number':" n ",'result':'built','started':'2026-01-01T00:00:00Z','finished':"            \
	"'2026-01-01T00:01:00Z','isolation':" ISOLATION ",'log':{'path':'l','sha256':'" B "'},"    \
	"'outputs':[{'name':'hello.deb','sha256':'" digest "','size':3}]}"
#define FAILED                                                                                     \
	"{'number':1,'result':'build-failed','isolation':" ISOLATION ",'outputs':[]}"
#define SUBJECT(digest, rest)                                                                      \
	"'subjects':[{'schema':'assay.report/1','reason':'why','subject':{'name':'hello.deb',"     \
	"'purl':'pkg:deb/debian/hello@1','size':3,'digest':{'sha256':'" digest "'},"               \
	"'signature':{'scheme':'minisign','status':'valid','key':'K'}}," rest "}]}"
#define CANDIDATE(digest) "'candidate':{'name':'hello.deb','size':3,'digest':{'sha256':'" digest "'}},"

static const struct {
	const char *text;    /* ' for " */
	int provenances;
	const char *verdict; /* NULL: no statement about the subject */
	const char *result;
} cases[] = {
	{ HEAD "'attempts':[" ATTEMPT("1", A) "]," SUBJECT(A, CANDIDATE(A)
	  "'verdict':'reproducible','divergences':[],'passes':[],'truncated':false"),
	  1, "IDENTICAL", "reproducible" },
	{ HEAD "'attempts':[" ATTEMPT("1", B) "]," SUBJECT(A, CANDIDATE(B)
	  "'verdict':'equivalent','grade':'container','divergences':[{'cause':'gzip_mtime',"
	  "'severity':'metadata'}],'passes':[{'name':'gzip.mtime','version':1,'fields':1,'bytes':4}]"),
	  1, "EQUIVALENT", "equivalent" },
	{ HEAD "'attempts':[" ATTEMPT("1", B) "," ATTEMPT("2", B) "]," SUBJECT(A, CANDIDATE(B)
	  "'verdict':'divergent','stable':true,'truncated':true,'divergences':[{'cause':'x',"
	  "'severity':'code'},{'cause':'x','severity':'metadata'},{'cause':'y'}],"
	  "'accounting':{'bytes_different':3,'bytes_explained':1,'bytes_unexplained':2}"),
	  2, "DIVERGENT", "divergent" },
	{ HEAD "'attempts':[" ATTEMPT("1", A) "," ATTEMPT("2", B) "]," SUBJECT(A, CANDIDATE(A)
	  "'verdict':'flaky','grade':'code'"),
	  2, "DIVERGENT", "flaky" },
	{ HEAD "'attempts':[" FAILED "]," SUBJECT(A, "'verdict':'build-failed'"), 0, "UNBUILDABLE",
	  "build-failed" },
	{ HEAD "'attempts':[" FAILED "]," SUBJECT(A, "'verdict':'timed-out'"), 0, "INCONCLUSIVE",
	  "timed-out" },
	{ HEAD "'attempts':[]," SUBJECT(A, "'verdict':'inputs-lost'"), 0, "INCONCLUSIVE",
	  "inputs-lost" },
	{ HEAD "'attempts':[]," SUBJECT(A, "'verdict':'rejected'"), 0, "INCONCLUSIVE", "rejected" },
	{ HEAD "'attempts':[" ATTEMPT("1", B) "]," SUBJECT(A, "'verdict':'incomplete'"), 1,
	  "DIVERGENT", "incomplete" },
	/* a word from the future is not taken for something good */
	{ HEAD "'attempts':[]," SUBJECT(A, "'verdict':'splendid'"), 0, "INCONCLUSIVE", "farm-error" },
	/* never fetched: there is nothing that a statement could be about */
	{ HEAD "'attempts':[]," SUBJECT(ZERO, "'verdict':'inputs-lost'"), 0, NULL, NULL },
	{ HEAD "'attempts':[]," SUBJECT("", "'verdict':'inputs-lost'"), 0, NULL, NULL },
};

static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_t *json = NULL;

	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	ck_assert_msg(assay_json_parse(assay_span_text(copy), "case", &json, &err) == ASSAY_OK,
		      "%s", err.msg);
	free(copy);
	return json;
}

/* The statement of a listed file, after its signature has been verified with signer.pub. */
static json_t *read_statement(size_t i)
{
	struct assay_buf envelope = ASSAY_BUF_INIT(1 << 20);
	const char *path = assay_json_text(json_array_get(list, i), "path", "");
	struct assay_key *key = NULL;
	json_t *statement = NULL;
	char name[700];

	ck_assert_int_eq(assay_key_load_public(under("out/attestations/signer.pub"), &key, &err), 0);
	snprintf(name, sizeof(name), "out/%s", path);
	ck_assert_int_eq(assay_file_read(AT_FDCWD, under(name), &envelope, &err), ASSAY_OK);
	ck_assert_msg(assay_dsse_verify(assay_buf_span(&envelope), &key, 1, &statement, &err) ==
			      ASSAY_OK,
		      "%s", err.msg);
	assay_key_free(key);
	assay_buf_release(&envelope);
	return statement;
}

/* Statements wait in a file, so that one start of Python judges all of a case. */
static void add_for_validation(const json_t *statement, const char *schema)
{
	struct assay_buf text = ASSAY_BUF_INIT(1 << 20);
	FILE *file = fopen(under("statements"), "a");

	ck_assert_ptr_nonnull(file);
	assay_json_dump_compact(statement, &text);
	fprintf(file, "%s\t%s\n", schema, assay_buf_text(&text));
	ck_assert_int_eq(fclose(file), 0);
	assay_buf_release(&text);
}

static void validate(void)
{
	static const char script[] =
		"import json, sys, jsonschema\n"
		"for line in open(sys.argv[2]):\n"
		"    name, statement = line.split('\\t', 1)\n"
		"    schema = json.load(open(sys.argv[1] + '/docs/schema/' + name))\n"
		"    jsonschema.Draft202012Validator.check_schema(schema)\n"
		"    jsonschema.Draft202012Validator(schema).validate(json.loads(statement))\n";
	const char *argv[] = { "python3", "-c", script, repository, under("statements"), NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;

	process.argv = argv;
	ck_assert_msg(assay_process_must(&process, &err) == ASSAY_OK, "%s", err.msg);
}

START_TEST(every_verdict)
{
	json_t *statement, *predicate;

	report = parse(cases[_i].text);
	ck_assert_msg(assay_attest_write(report, signer, under("out"), &list, &err) == ASSAY_OK,
		      "%s", err.msg);
	ck_assert_int_eq((int)json_array_size(list),
			 cases[_i].provenances + (cases[_i].verdict != NULL));
	for (int i = 0; i < cases[_i].provenances; i++) {
		statement = read_statement((size_t)i);
		ck_assert_str_eq(assay_json_text(statement, "predicateType", ""),
				 ASSAY_PREDICATE_PROVENANCE);
		add_for_validation(statement, "replay-provenance-v1.schema.json");
		json_decref(statement);
	}
	if (!cases[_i].verdict)
		return;
	statement = read_statement((size_t)cases[_i].provenances);
	predicate = json_object_get(statement, "predicate");
	ck_assert_str_eq(assay_json_text(predicate, "verdict", ""), cases[_i].verdict);
	ck_assert_str_eq(assay_json_text(predicate, "result", ""), cases[_i].result);
	/* a grade is claimed for an equivalent and for nothing else */
	ck_assert_int_eq(json_object_get(predicate, "grade") != NULL,
			 strcmp(cases[_i].verdict, "EQUIVALENT") == 0);
	add_for_validation(statement, "rebuild-comparison-v0.1.schema.json");
	validate();
	json_decref(statement);
}
END_TEST

START_TEST(contents)
{
	json_t *statement, *predicate, *dependencies, *rows, *divergences_of;

	report = parse(cases[2].text);
	ck_assert_int_eq(assay_attest_write(report, signer, under("out"), &list, &err), ASSAY_OK);
	statement = read_statement(0);
	predicate = json_object_get(statement, "predicate");
	dependencies = json_object_get(json_object_get(predicate, "buildDefinition"),
				       "resolvedDependencies");
	ck_assert_uint_eq(json_array_size(dependencies), 4); /* source, recipe, file, environment */
	ck_assert_str_eq(assay_json_text(json_array_get(dependencies, 0), "uri", ""),
			 "git+https://example.org/hello.git@"
			 "0123456789012345678901234567890123456789");
	ck_assert_str_eq(assay_json_text(json_object_get(json_array_get(dependencies, 3), "digest"),
					 "assayTree", ""),
			 B);
	json_decref(statement);
	statement = read_statement(2);
	predicate = json_object_get(statement, "predicate");
	rows = json_object_get(predicate, "rebuilds");
	ck_assert_uint_eq(json_array_size(rows), 2);
	/* the row names the provenance file by the digest of its bytes */
	ck_assert_str_eq(
		assay_json_text(json_object_get(json_object_get(json_array_get(rows, 1),
								"provenance"),
						"digest"),
				"sha256", ""),
		assay_json_text(json_array_get(list, 1), "sha256", "?"));
	divergences_of = json_object_get(predicate, "divergences");
	ck_assert_int_eq((int)assay_json_int(divergences_of, "total", 0), 3);
	ck_assert_int_eq(
		(int)assay_json_int(json_object_get(divergences_of, "byCause"), "x", 0), 2);
	ck_assert_str_eq(assay_json_text(divergences_of, "severityMax", ""), "code");
	ck_assert(assay_json_bool(divergences_of, "truncated"));
	json_decref(statement);
}
END_TEST

START_TEST(names_that_are_no_file_names)
{
	json_t *subjects, *subject;
	static const char *const names[] = { "../../etc/x", "a b\n", ".hidden", "same", "same" };
	char path[700];

	report = parse(cases[0].text);
	subjects = json_object_get(report, "subjects");
	for (size_t i = 0; i < 5; i++) {
		subject = json_deep_copy(json_array_get(subjects, 0));
		assay_json_set_text(json_object_get(subject, "subject"), "name", names[i]);
		assay_json_append(subjects, subject);
	}
	assay_json_set(json_object_get(json_array_get(subjects, 0), "subject"), "name",
		       assay_json_name(assay_span_of("a\xff", 2)));
	ck_assert_msg(assay_attest_write(report, signer, under("out"), &list, &err) == ASSAY_OK,
		      "%s", err.msg);
	ck_assert_uint_eq(json_array_size(list), 7);
	for (size_t i = 0; i < 7; i++) {
		const char *name = assay_json_text(json_array_get(list, i), "path", "");

		snprintf(path, sizeof(path), "out/%s", name);
		ck_assert_int_eq(access(under(path), R_OK), 0);
		ck_assert_ptr_null(strstr(name, ".."));
		json_decref(read_statement(i));
	}
	/* the next run in the same directory leaves nothing of this one */
	json_array_clear(subjects);
	json_decref(list);
	list = NULL;
	ck_assert_int_eq(assay_attest_write(report, signer, under("out"), &list, &err), ASSAY_OK);
	ck_assert_int_ne(access(under(path), R_OK), 0);
}
END_TEST

/* The program lies in build/<variant>/tests; tests run in any directory. */
static char *find_repository(void)
{
	char *path = realpath("/proc/self/exe", NULL);

	for (int i = 0; path && i < 4; i++)
		*strrchr(path, '/') = '\0';
	return path;
}

int main(void)
{
	Suite *suite = suite_create("attest");
	TCase *tc = tcase_create("attest");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN);
	repository = find_repository();
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, every_verdict, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, contents);
	tcase_add_test(tc, names_that_are_no_file_names);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	free(repository);
	return failed != 0;
}
