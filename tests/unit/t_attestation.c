/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, envelopes, statements and the signer; OpenSSL's and minisign's own programs judge us. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "assay/attestation.h"
#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/hex.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/signer.h"

static char *top, *old_directory;
static struct assay_error err;

static int sh(const char *script)
{
	const char *argv[] = { "sh", "-euc", script, NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;
	int status = -1;

	process.argv = argv;
	process.timeout_s = 60;
	ck_assert_int_eq(assay_process_run(&process, &status, &err), ASSAY_OK);
	return status;
}

static void set_up(void)
{
	umask(022);
	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	old_directory = getcwd(NULL, 0);
	ck_assert_int_eq(chdir(top), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(chdir(old_directory), 0);
	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &err), ASSAY_OK);
	free(old_directory);
	free(top);
}

static struct assay_key *new_key(const char *path)
{
	struct assay_key *key = NULL;

	if (access(path, F_OK))
		ck_assert_msg(assay_key_generate(path, &err) == ASSAY_OK, "%s", err.msg);
	ck_assert_msg(assay_key_load(path, &key, &err) == ASSAY_OK, "%s", err.msg);
	return key;
}

static json_t *new_statement(const char *text)
{
	struct assay_digest digest;
	json_t *subjects = assay_json_array(), *predicate = assay_json_object();

	assay_digest_span(assay_span_text(text), &digest);
	assay_json_append(subjects, assay_statement_subject(assay_span_text("x.deb"), &digest));
	assay_json_set_text(predicate, "verdict", "DIVERGENT");
	return assay_statement_new(subjects, ASSAY_PREDICATE_COMPARISON, predicate);
}

static void sign(const struct assay_key *key, const char *text, struct assay_buf *out)
{
	json_t *statement = new_statement(text);

	ck_assert_msg(assay_dsse_sign(statement, key, out, &err) == ASSAY_OK, "%s", err.msg);
	json_decref(statement);
}

static enum assay_code verify(const char *envelope, struct assay_key *key)
{
	json_t *statement = NULL;
	enum assay_code code =
		assay_dsse_verify(assay_span_text(envelope), &key, 1, &statement, &err);

	json_decref(statement);
	return code;
}

START_TEST(key_files)
{
	struct assay_key *key = new_key("deep/er/key.pem"), *public = NULL;
	char id[ASSAY_DIGEST_TEXT], public_id[ASSAY_DIGEST_TEXT];
	bool made = true;
	struct stat st;

	ck_assert_int_eq(stat("deep/er/key.pem", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat("deep/er/key.pem.pub", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(assay_key_generate("deep/er/key.pem", &err), ASSAY_EUSAGE);
	ck_assert_int_eq(assay_key_ensure("deep/er/key.pem", &made, &err), ASSAY_OK);
	ck_assert(!made);
	ck_assert_int_eq(assay_key_load_public("deep/er/key.pem.pub", &public, &err), ASSAY_OK);
	assay_key_id(key, id);
	assay_key_id(public, public_id);
	ck_assert_str_eq(id, public_id);
	assay_key_free(key);
	assay_key_free(public);
	key = public = NULL;
	ck_assert_int_eq(sh("openssl pkey -in deep/er/key.pem -noout; "
			    "test $(ls -A deep/er | wc -l) = 2"),
			 0);
	ck_assert_int_eq(chmod("deep/er/key.pem", 0640), 0);
	ck_assert_int_eq(assay_key_load("deep/er/key.pem", &key, &err), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(sh("openssl genrsa -out rsa.pem 2048; echo x >junk; chmod 600 junk;"
			    "openssl genpkey -algorithm ed25519 -aes256 -pass pass:x -out locked.pem;"
			    "chmod 600 *.pem"),
			 0);
	ck_assert_int_eq(assay_key_load("rsa.pem", &key, &err), ASSAY_EINPUT);
	ck_assert_int_eq(assay_key_load("junk", &key, &err), ASSAY_EINPUT);
	ck_assert_int_eq(assay_key_load("locked.pem", &key, &err), ASSAY_EINPUT);
	ck_assert_int_eq(assay_key_load("none", &key, &err), ASSAY_ENOTFOUND);
	ck_assert_int_eq(assay_key_load_public("junk", &key, &err), ASSAY_EINPUT);
	ck_assert_ptr_null(key);
}
END_TEST

START_TEST(two_processes_make_one_key)
{
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct assay_key *key = NULL;
			bool made;

			_exit(assay_key_ensure("k/key.pem", &made, &err) ||
			      assay_key_load("k/key.pem", &key, &err));
		}
	}
	for (int i = 0; i < 4; i++) {
		int status = -1;

		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(sh("openssl pkey -in k/key.pem -pubout | cmp - k/key.pem.pub"), 0);
}
END_TEST

/* 0: Ed25519 of ours, 1: P-256 of openssl */
static struct assay_key *key_of_kind(int kind)
{
	if (kind)
		ck_assert_int_eq(sh("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
				    "-out key.pem; chmod 600 key.pem;"
				    "openssl pkey -in key.pem -pubout -out key.pem.pub"),
				 0);
	return new_key("key.pem");
}

START_TEST(openssl_confirms)
{
	struct assay_buf envelope = ASSAY_BUF_INIT(1 << 20), body = ASSAY_BUF_INIT(1 << 20);
	struct assay_buf message = ASSAY_BUF_INIT(1 << 20), bytes = ASSAY_BUF_INIT(1 << 10);
	struct assay_key *key = key_of_kind(_i);
	json_t *json = NULL;

	sign(key, "artifact", &envelope);
	ck_assert_int_eq(verify(envelope.data, key), ASSAY_OK);
	ck_assert_int_eq(assay_json_parse(assay_buf_span(&envelope), "envelope", &json, &err),
			 ASSAY_OK);
	ck_assert_str_eq(assay_json_text(json, "payloadType", ""), "application/vnd.in-toto+json");
	assay_base64_decode(assay_span_text(assay_json_text(json, "payload", "")), &body);
	/* PAE, as the specification writes it */
	assay_buf_printf(&message, "DSSEv1 28 application/vnd.in-toto+json %zu %s", body.len,
			 body.data);
	assay_base64_decode(
		assay_span_text(assay_json_text(
			json_array_get(json_object_get(json, "signatures"), 0), "sig", "")),
		&bytes);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, "pae", assay_buf_span(&message), 0644, &err), 0);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, "sig", assay_buf_span(&bytes), 0644, &err), 0);
	ck_assert_int_eq(sh("openssl pkeyutl -verify -rawin -pubin -inkey key.pem.pub -in pae "
			    "-sigfile sig"),
			 0);
	ck_assert_int_ne(sh("echo >>pae; openssl pkeyutl -verify -rawin -pubin -inkey key.pem.pub "
			    "-in pae -sigfile sig"),
			 0);
	json_decref(json);
	assay_key_free(key);
	assay_buf_release(&envelope);
	assay_buf_release(&body);
	assay_buf_release(&message);
	assay_buf_release(&bytes);
}
END_TEST

START_TEST(every_changed_character_breaks_it)
{
	struct assay_buf envelope = ASSAY_BUF_INIT(1 << 20);
	struct assay_key *key = new_key("key.pem");
	char *sig;

	sign(key, "artifact", &envelope);
	for (char *p = strstr(envelope.data, "\"payload\":\"") + 11; *p != '"'; p++) {
		char old = *p;

		*p = old == 'A' ? 'B' : 'A';
		ck_assert_int_ne(verify(envelope.data, key), ASSAY_OK);
		*p = old;
	}
	sig = strstr(envelope.data, "\"sig\":\"") + 7;
	for (char *p = sig; *p != '"'; p++) {
		char old = *p;

		*p = old == 'A' ? 'B' : 'A';
		ck_assert_int_ne(verify(envelope.data, key), ASSAY_OK);
		*p = old;
	}
	*strstr(envelope.data, "toto+json") = 'T'; /* the type is signed too */
	ck_assert_int_ne(verify(envelope.data, key), ASSAY_OK);
	assay_key_free(key);
	assay_buf_release(&envelope);
}
END_TEST

/* Signs any bytes under any type, as a stranger's program would write them. */
static void make_envelope(const struct assay_key *key, const char *type, const char *body,
			  const char *format, struct assay_buf *out)
{
	struct assay_buf message = ASSAY_BUF_INIT(1 << 20), bytes = ASSAY_BUF_INIT(1 << 10);
	struct assay_buf body64 = ASSAY_BUF_INIT(1 << 20), sig64 = ASSAY_BUF_INIT(1 << 10);

	assay_buf_printf(&message, "DSSEv1 %zu %s %zu %s", strlen(type), type, strlen(body), body);
	ck_assert_int_eq(assay_key_sign(key, assay_buf_span(&message), &bytes, &err), ASSAY_OK);
	assay_base64_encode(assay_span_text(body), &body64);
	assay_base64_encode(assay_buf_span(&bytes), &sig64);
	assay_buf_clear(out);
	for (const char *p = format; *p; p++)
		if (*p == '@')
			assay_buf_add_text(out, type);
		else if (*p == '#')
			assay_buf_add_text(out, body64.data);
		else if (*p == '$')
			assay_buf_add_text(out, sig64.data);
		else
			assay_buf_add(out, *p == '\'' ? "\"" : p, 1);
	assay_buf_release(&message);
	assay_buf_release(&bytes);
	assay_buf_release(&body64);
	assay_buf_release(&sig64);
}

#define PLAIN "{'payload':'#','payloadType':'@','signatures':[{'sig':'$'}]}"
#define GOOD                                                                                       \
	"{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":\"00\"}}]," \
	"\"predicateType\":\"x\"}"
#define TYPE "application/vnd.in-toto+json"

static const struct {
	const char *type, *body, *format;
	enum assay_code code;
} strangers[] = {
	{ TYPE, GOOD, PLAIN, ASSAY_OK },
	{ "application/vnd.in-toto.provenance+json", GOOD, PLAIN, ASSAY_OK },
	{ "application/json", GOOD, PLAIN, ASSAY_EINPUT },
	{ "text/plain", GOOD, PLAIN, ASSAY_EINPUT },
	{ TYPE, "{}", PLAIN, ASSAY_EINPUT },
	{ TYPE, "[]", PLAIN, ASSAY_EINPUT },
	{ TYPE, GOOD " trailing", PLAIN, ASSAY_EINPUT },
	{ TYPE,
	  "{\"_type\":\"https://in-toto.io/Statement/v1\",\"_type\":\"https://in-toto.io/Statement/v1\","
	  "\"subject\":[{\"digest\":{\"sha256\":\"00\"}}],\"predicateType\":\"x\"}",
	  PLAIN, ASSAY_EINPUT },
	{ TYPE, "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[],\"predicateType\":\"x\"}",
	  PLAIN, ASSAY_EINPUT },
	{ TYPE,
	  "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"x\"}],"
	  "\"predicateType\":\"x\"}",
	  PLAIN, ASSAY_EINPUT },
	/* duplicate keys: two readers could see two payloads */
	{ TYPE, GOOD, "{'payload':'#','payload':'#','payloadType':'@','signatures':[{'sig':'$'}]}",
	  ASSAY_EINPUT },
	{ TYPE, GOOD, PLAIN "x", ASSAY_EINPUT },
	{ TYPE, GOOD, PLAIN PLAIN, ASSAY_EINPUT },
	{ TYPE, GOOD, "{'payload':'# ','payloadType':'@','signatures':[{'sig':'$'}]}", ASSAY_EINPUT },
	{ TYPE, GOOD, "{'payload':'#','payloadType':'@','signatures':[]}", ASSAY_EUNTRUSTED },
	{ TYPE, GOOD, "{'payload':'#','payloadType':'@','signatures':[{},{'sig':7},'$',{'sig':'$'}]}",
	  ASSAY_OK },
	{ TYPE, GOOD, "{'payload':'#','payloadType':'@'}", ASSAY_EINPUT },
	{ TYPE, GOOD, "{'payload':'#','signatures':[{'sig':'$'}]}", ASSAY_EINPUT },
};

START_TEST(envelopes_of_strangers)
{
	struct assay_buf envelope = ASSAY_BUF_INIT(1 << 20);
	struct assay_key *key = new_key("key.pem");

	make_envelope(key, strangers[_i].type, strangers[_i].body, strangers[_i].format, &envelope);
	ck_assert_msg(verify(envelope.data, key) == strangers[_i].code, "%s: %s", envelope.data,
		      err.msg);
	assay_key_free(key);
	assay_buf_release(&envelope);
}
END_TEST

START_TEST(url_safe_base64)
{
	struct assay_buf envelope = ASSAY_BUF_INIT(1 << 20);
	struct assay_key *key = new_key("key.pem");
	bool any = false;

	for (int i = 0; i < 20 && !any; i++) { /* until a signature has a character that differs */
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		assay_buf_clear(&envelope);
		sign(key, text, &envelope);
		for (char *p = strstr(envelope.data, "\"sig\":\""); *p; p++)
			if (*p == '+' || *p == '/') {
				*p = *p == '+' ? '-' : '_';
				any = true;
			}
	}
	ck_assert(any);
	ck_assert_int_eq(verify(envelope.data, key), ASSAY_OK);
	assay_key_free(key);
	assay_buf_release(&envelope);
}
END_TEST

START_TEST(a_key_counts_once)
{
	struct assay_key *keys[3] = { new_key("a"), new_key("b"), new_key("a") };
	struct assay_buf both = ASSAY_BUF_INIT(1 << 20), one = ASSAY_BUF_INIT(1 << 20);
	json_t *a = NULL, *b = NULL, *statement = NULL, *signatures;
	bool used[3];

	sign(keys[0], "x", &one);
	ck_assert_int_eq(assay_json_parse(assay_buf_span(&one), "a", &a, &err), ASSAY_OK);
	signatures = json_object_get(a, "signatures");
	json_array_append(signatures, json_array_get(signatures, 0)); /* the same one twice */
	assay_json_dump_compact(a, &both);
	ck_assert_int_eq(assay_dsse_verify_quorum(assay_buf_span(&both), keys, 3, 2, used,
						  &statement, &err),
			 ASSAY_EUNTRUSTED);
	assay_buf_clear(&one);
	assay_buf_clear(&both);
	sign(keys[1], "x", &one);
	ck_assert_int_eq(assay_json_parse(assay_buf_span(&one), "b", &b, &err), ASSAY_OK);
	/* keyid is a hint: a wrong one changes nothing */
	assay_json_set_text(json_array_get(json_object_get(b, "signatures"), 0), "keyid", "wrong");
	json_array_extend(signatures, json_object_get(b, "signatures"));
	assay_json_dump_compact(a, &both);
	ck_assert_msg(assay_dsse_verify_quorum(assay_buf_span(&both), keys, 3, 2, used, &statement,
					       &err) == ASSAY_OK,
		      "%s", err.msg);
	ck_assert(used[0] && used[1] && used[2]);
	json_decref(statement);
	ck_assert_int_eq(assay_dsse_verify_quorum(assay_buf_span(&both), keys, 3, 3, used,
						  &statement, &err),
			 ASSAY_EUNTRUSTED);
	ck_assert_int_eq(assay_dsse_verify_quorum(assay_buf_span(&both), keys, 3, 0, used,
						  &statement, &err),
			 ASSAY_EUSAGE);
	json_decref(a);
	json_decref(b);
	for (int i = 0; i < 3; i++)
		assay_key_free(keys[i]);
	assay_buf_release(&one);
	assay_buf_release(&both);
}
END_TEST

START_TEST(subjects_match_by_digest_alone)
{
	json_t *statement = new_statement("artifact"), *subject;
	struct assay_digest digest, other;
	char hex[ASSAY_DIGEST_TEXT];

	assay_digest_span(assay_span_text("artifact"), &digest);
	assay_digest_span(assay_span_text("other"), &other);
	ck_assert(assay_statement_covers(statement, &digest));
	ck_assert(!assay_statement_covers(statement, &other));
	subject = json_array_get(json_object_get(statement, "subject"), 0);
	assay_digest_hex(&digest, hex);
	for (char *p = hex; *p; p++)
		*p = (char)(*p >= 'a' ? *p - 32 : *p);
	assay_json_set_text(json_object_get(subject, "digest"), "sha256", hex);
	ck_assert(assay_statement_covers(statement, &digest));
	json_object_del(json_object_get(subject, "digest"), "sha256");
	assay_json_set_text(json_object_get(subject, "digest"), "gce_image_id", hex);
	ck_assert(!assay_statement_covers(statement, &digest));
	json_decref(statement);
}
END_TEST

START_TEST(minisign_reads_what_we_write)
{
	struct assay_buf text = ASSAY_BUF_INIT(1 << 16), public = ASSAY_BUF_INIT(1 << 10);
	struct assay_key *key = new_key("key.pem");
	char script[300];

	ck_assert_int_eq(sh("echo artifact >file"), 0);
	ck_assert_int_eq(assay_key_minisign_public(key, &public, &err), ASSAY_OK);
	ck_assert_int_eq(assay_key_minisign_sign(key, "file", "of today", &text, &err), ASSAY_OK);
	ck_assert_int_eq(assay_file_write(AT_FDCWD, "file.minisig", assay_buf_span(&text), 0644,
					  &err),
			 ASSAY_OK);
	snprintf(script, sizeof(script), "minisign -V -P %s -m file | grep -q 'of today'",
		 assay_buf_text(&public));
	ck_assert_int_eq(sh(script), 0);
	ck_assert_int_eq(sh("echo x >>file"), 0);
	ck_assert_int_ne(sh(script), 0);
	ck_assert_int_eq(assay_key_minisign_sign(key, "file", "two\nlines", &text, &err),
			 ASSAY_EUSAGE);
	assay_key_free(key);
	assay_buf_release(&text);
	assay_buf_release(&public);
}
END_TEST

START_TEST(the_signer_signs)
{
	struct assay_buf envelope = ASSAY_BUF_INIT(1 << 20);
	struct assay_key *key = new_key("key.pem");
	struct assay_signer *signer = NULL;
	json_t *statement = new_statement("artifact"), *junk = assay_json_object();
	char id[ASSAY_DIGEST_TEXT];

	ck_assert_msg(assay_signer_start("key.pem", &signer, &err) == ASSAY_OK, "%s", err.msg);
	assay_key_id(key, id);
	ck_assert_str_eq(assay_signer_key_id(signer), id);
	ck_assert_int_eq(unlink("key.pem"), 0); /* the child has it, nobody else needs it */
	for (int i = 0; i < 3; i++) {
		assay_buf_clear(&envelope);
		ck_assert_msg(assay_signer_sign(signer, statement, &envelope, &err) == ASSAY_OK,
			      "%s", err.msg);
		ck_assert_int_eq(verify(envelope.data, key), ASSAY_OK);
	}
	ck_assert_int_eq(assay_signer_sign(signer, junk, &envelope, &err), ASSAY_EINPUT);
	assay_signer_stop(signer);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* reaped */
	signer = NULL;
	ck_assert_int_eq(assay_signer_start("key.pem", &signer, &err), ASSAY_ENOTFOUND);
	ck_assert_ptr_nonnull(strstr(err.msg, "key.pem"));
	ck_assert_ptr_null(signer);
	json_decref(statement);
	json_decref(junk);
	assay_key_free(key);
	assay_buf_release(&envelope);
}
END_TEST

START_TEST(the_signer_hears_its_parent_alone)
{
	struct assay_buf envelope = ASSAY_BUF_INIT(1 << 20);
	struct assay_signer *signer = NULL;
	json_t *statement = new_statement("artifact");
	int status = -1;
	pid_t pid;

	assay_key_free(new_key("key.pem"));
	ck_assert_int_eq(assay_signer_start("key.pem", &signer, &err), ASSAY_OK);
	pid = fork();
	if (pid == 0) /* such as a parser that has been taken over; it inherits the socket */
		_exit(assay_signer_sign(signer, statement, &envelope, &err) == ASSAY_OK);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	/* and the attempt is noticed */
	ck_assert_int_eq(assay_signer_sign(signer, statement, &envelope, &err), ASSAY_EIO);
	assay_signer_stop(signer);
	json_decref(statement);
	assay_buf_release(&envelope);
}
END_TEST

START_TEST(the_first_use_makes_a_key)
{
	struct assay_signer *signer = NULL;
	char id[ASSAY_DIGEST_TEXT];

	setenv("XDG_DATA_HOME", top, 1);
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(assay_signer_start(NULL, &signer, &err) == ASSAY_OK, "%s", err.msg);
		if (i)
			ck_assert_str_eq(id, assay_signer_key_id(signer));
		memcpy(id, assay_signer_key_id(signer), sizeof(id));
		assay_signer_stop(signer);
	}
	ck_assert_int_eq(access("assay/key.pem", R_OK), 0);
}
END_TEST

START_TEST(default_path)
{
	char *path;

	setenv("XDG_DATA_HOME", "/data", 1);
	path = assay_key_default_path();
	ck_assert_str_eq(path, "/data/assay/key.pem");
	free(path);
	unsetenv("XDG_DATA_HOME");
	setenv("HOME", "/home/x", 1);
	path = assay_key_default_path();
	ck_assert_str_eq(path, "/home/x/.local/share/assay/key.pem");
	free(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attestation");
	TCase *tc = tcase_create("attestation");
	SRunner *runner;
	int failed;

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, key_files);
	tcase_add_test(tc, two_processes_make_one_key);
	tcase_add_loop_test(tc, openssl_confirms, 0, 2);
	tcase_add_test(tc, every_changed_character_breaks_it);
	tcase_add_loop_test(tc, envelopes_of_strangers, 0,
			    sizeof(strangers) / sizeof(strangers[0]));
	tcase_add_test(tc, url_safe_base64);
	tcase_add_test(tc, a_key_counts_once);
	tcase_add_test(tc, subjects_match_by_digest_alone);
	tcase_add_test(tc, minisign_reads_what_we_write);
	tcase_add_test(tc, the_signer_signs);
	tcase_add_test(tc, the_signer_hears_its_parent_alone);
	tcase_add_test(tc, the_first_use_makes_a_key);
	tcase_add_test(tc, default_path);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
