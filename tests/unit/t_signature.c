/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures made by the real tools (minisign, signify, gpg, openssl), and everything that can be
 * wrong with one: other key, other file, cut, flipped, missing, of another kind.
 */
#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "assay/cleanup.h"
#include "assay/file.h"
#include "assay/path.h"
#include "assay/process.h"
#include "assay/signature.h"
#include "lib/trust/signature_int.h"

static char *top, *old_directory;
static struct assay_error err;
static struct assay_signature_result result;

static void sh(const char *script)
{
	const char *argv[] = { "sh", "-euc", script, NULL };
	struct assay_process process = ASSAY_PROCESS_INIT;

	process.argv = argv;
	process.timeout_s = 60;
	ck_assert_msg(assay_process_must(&process, &err) == ASSAY_OK, "%s: %s", script, err.msg);
}

static void set_up(void)
{
	err = (struct assay_error)ASSAY_ERROR_INIT;
	ck_assert_int_eq(assay_path_make_temp("/tmp", "assay-test-", &top, &err), ASSAY_OK);
	old_directory = getcwd(NULL, 0);
	ck_assert_int_eq(chdir(top), 0);
	sh("printf 'the artifact\\n' >file; printf 'another\\n' >other; : >empty; echo junk >junk");
}

static void tear_down(void)
{
	ck_assert_int_eq(chdir(old_directory), 0);
	ck_assert_int_eq(assay_path_remove_tree(AT_FDCWD, top, &err), ASSAY_OK);
	free(old_directory);
	free(top);
}

/* The status's name, or "error: <code>". */
static const char *check(const char *scheme, const char *artifact, const char *signature,
			 const char *key)
{
	struct assay_signature_request request = { scheme, artifact, signature, key };
	static char said[64];

	if (assay_signature_verify(&request, &result, &err) == ASSAY_OK)
		return assay_signature_status_name(result.status);
	snprintf(said, sizeof(said), "error: %s", assay_code_name(err.code));
	return said;
}

/* Every byte of the signature, changed in turn, must not verify; nor must any shorter one.
 * free_end: the last bytes that carry nothing (padding of base64, a line end). */
static void spoil(const char *scheme, const char *signature, const char *key, size_t step,
		  size_t from, size_t free_end)
{
	struct assay_buf whole = ASSAY_BUF_INIT(ASSAY_ERROR_MAX * 64);

	ck_assert_int_eq(assay_file_read(AT_FDCWD, signature, &whole, &err), ASSAY_OK);
	for (size_t i = from; i < whole.len - free_end; i += step) {
		whole.data[i] ^= 1;
		ck_assert_int_eq(assay_file_write(AT_FDCWD, "spoilt", assay_buf_span(&whole), 0644,
						  &err),
				 ASSAY_OK);
		ck_assert_msg(strcmp(check(scheme, "file", "spoilt", key), "valid") != 0,
			      "%s: byte %zu flipped and still valid", signature, i);
		whole.data[i] ^= 1;
	}
	for (size_t len = 0; len < whole.len - free_end; len += step) {
		ck_assert_int_eq(assay_file_write(AT_FDCWD, "spoilt",
						  assay_span_cut(assay_buf_span(&whole), 0, len),
						  0644, &err),
				 ASSAY_OK);
		ck_assert_msg(strcmp(check(scheme, "file", "spoilt", key), "valid") != 0,
			      "%s: cut to %zu bytes and still valid", signature, len);
	}
	assay_buf_release(&whole);
}

START_TEST(minisign)
{
	struct assay_buf key = ASSAY_BUF_INIT(4096);
	char *line;

	sh("minisign -G -W -p a.pub -s a.sec; minisign -G -W -p b.pub -s b.sec;"
	   "minisign -S -s a.sec -m file -x new.sig -t 'trust me';"
	   "minisign -S -l -s a.sec -m file -x old.sig -t 'trust me';"
	   "minisign -S -s a.sec -m empty -x empty.sig;"
	   "minisign -S -s a.sec -m other -x moved.sig;"
	   "sed 's/trust me/trust us/' new.sig >comment.sig; cat new.sig junk >more.sig;"
	   "head -2 new.sig >half.sig; sed 's/$/\\r/' new.sig >crlf.sig");
	ck_assert_str_eq(check("minisign", "file", "new.sig", "a.pub"), "valid");
	ck_assert_ptr_nonnull(strstr(result.detail, "trust me"));
	ck_assert_str_eq(check("minisign", "file", "old.sig", "a.pub"), "valid");
	ck_assert_str_eq(check("minisign", "file", "crlf.sig", "a.pub"), "valid");
	ck_assert_str_eq(check("minisign", "empty", "empty.sig", "a.pub"), "valid");
	ck_assert_int_eq(assay_file_read(AT_FDCWD, "a.pub", &key, &err), ASSAY_OK);
	line = strchr(key.data, '\n') + 1;
	*strchr(line, '\n') = '\0';
	ck_assert_str_eq(check("minisign", "file", "new.sig", line), "valid");
	assay_buf_release(&key);
	ck_assert_str_eq(check("minisign", "other", "new.sig", "a.pub"), "invalid");
	ck_assert_str_eq(check("minisign", "other", "old.sig", "a.pub"), "invalid");
	ck_assert_str_eq(check("minisign", "file", "moved.sig", "a.pub"), "invalid");
	ck_assert_str_eq(check("minisign", "file", "new.sig", "b.pub"), "untrusted");
	ck_assert_str_eq(check("minisign", "file", "comment.sig", "a.pub"), "invalid");
	ck_assert_str_eq(check("minisign", "file", "more.sig", "a.pub"), "invalid");
	ck_assert_str_eq(check("minisign", "file", "half.sig", "a.pub"), "invalid");
	ck_assert_str_eq(check("minisign", "file", "junk", "a.pub"), "invalid");
	ck_assert_str_eq(check("minisign", "file", "none.sig", "a.pub"), "missing");
	ck_assert_str_eq(check("minisign", "file", "new.sig", "junk"), "error: ASSAY_EINPUT");
	ck_assert_str_eq(check("minisign", "file", "new.sig", "none.pub"), "error: ASSAY_EINPUT");
	ck_assert_str_eq(check("minisign", "none", "new.sig", "a.pub"), "error: ASSAY_ENOTFOUND");
	/* the first line is a comment that nothing protects */
	spoil("minisign", "new.sig", "a.pub", 1, strlen("untrusted comment: signature from minisign "
							"secret key\n"),
	      3);
}
END_TEST

START_TEST(minisign_key_swapped_under_the_same_id)
{
	/* an attacker's key with our id must not verify: the id is a hint only */
	sh("minisign -G -W -p a.pub -s a.sec; minisign -G -W -p b.pub -s b.sec;"
	   "minisign -S -s b.sec -m file -x b.sig;"
	   "python3 - <<'E'\n"
	   "import base64\n"
	   "a = base64.b64decode(open('a.pub').read().split('\\n')[1])\n"
	   "lines = open('b.sig').read().split('\\n')\n"
	   "s = base64.b64decode(lines[1])\n"
	   "lines[1] = base64.b64encode(s[:2] + a[2:10] + s[10:]).decode()\n"
	   "open('forged.sig', 'w').write('\\n'.join(lines))\n"
	   "E");
	ck_assert_str_eq(check("minisign", "file", "forged.sig", "a.pub"), "invalid");
}
END_TEST

START_TEST(signify)
{
	sh("signify-openbsd -G -n -p a.pub -s a.sec; signify-openbsd -G -n -p b.pub -s b.sec;"
	   "signify-openbsd -S -s a.sec -m file -x file.sig; cat file.sig junk >more.sig");
	ck_assert_str_eq(check("signify", "file", "file.sig", "a.pub"), "valid");
	ck_assert_str_eq(check("signify", "other", "file.sig", "a.pub"), "invalid");
	ck_assert_str_eq(check("signify", "file", "file.sig", "b.pub"), "untrusted");
	ck_assert_str_eq(check("signify", "file", "more.sig", "a.pub"), "invalid");
	ck_assert_str_eq(check("signify", "file", "none.sig", "a.pub"), "missing");
	ck_assert_str_eq(check("signify", "file", "file.sig", "junk"), "error: ASSAY_EINPUT");
	/* a signify signature is no minisign signature: its comment would be unprotected */
	ck_assert_str_eq(check("minisign", "file", "file.sig", "a.pub"), "invalid");
	spoil("signify", "file.sig", "a.pub", 1, strlen("untrusted comment: verify with a.pub\n"), 2);
}
END_TEST

static const struct {
	const char *name, *make_key, *sign;
} raw_cases[] = {
	{ "ed25519", "openssl genpkey -algorithm ed25519 -out $KEY",
	  "openssl pkeyutl -sign -rawin -inkey $KEY -in file -out sig" },
	{ "p256", "openssl ecparam -name prime256v1 -genkey -noout -out $KEY",
	  "openssl dgst -sha256 -sign $KEY -out sig file" },
	{ "p384", "openssl ecparam -name secp384r1 -genkey -noout -out $KEY",
	  "openssl dgst -sha384 -sign $KEY -out sig file" },
	{ "rsa", "openssl genrsa -out $KEY 2048", "openssl dgst -sha256 -sign $KEY -out sig file" },
	{ "pss", "openssl genrsa -out $KEY 2048",
	  "openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign $KEY "
	  "-out sig file" },
	{ "pss key", "openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:2048 -out $KEY",
	  "openssl dgst -sha512 -sigopt rsa_padding_mode:pss -sign $KEY -out sig file" },
};

START_TEST(raw)
{
	char script[1200];

	snprintf(script, sizeof(script),
		 "make() { %s; }; sign() { %s; };"
		 "for k in a b; do KEY=$k.key; make; openssl pkey -in $KEY -pubout -out $k.pem; done;"
		 "KEY=a.key; sign; base64 -w 20 sig >sig.b64; { cat sig; echo; } >long",
		 raw_cases[_i].make_key, raw_cases[_i].sign);
	sh(script);
	ck_assert_msg(strcmp(check("raw", "file", "sig", "a.pem"), "valid") == 0, "%s: %s %s",
		      raw_cases[_i].name, result.detail, err.msg);
	ck_assert_uint_eq(strlen(result.key_id), 64);
	ck_assert_str_eq(check("raw", "file", "sig.b64", "a.pem"), "valid");
	ck_assert_str_eq(check("raw", "other", "sig", "a.pem"), "invalid");
	ck_assert_str_eq(check("raw", "file", "sig", "b.pem"), "invalid");
	ck_assert_str_eq(check("raw", "file", "long", "a.pem"), "invalid");
	ck_assert_str_eq(check("raw", "file", "junk", "a.pem"), "invalid");
	ck_assert_str_eq(check("raw", "file", "empty", "a.pem"), "invalid");
	ck_assert_str_eq(check("raw", "file", "none", "a.pem"), "missing");
	ck_assert_str_eq(check("raw", "file", "sig", "junk"), "error: ASSAY_EINPUT");
	ck_assert_str_eq(check("raw", "file", "sig", "a.key"), "error: ASSAY_EINPUT");
	spoil("raw", "sig", "a.pem", 7, 0, 0);
}
END_TEST

START_TEST(raw_pair_of_ecdsa)
{
	sh("openssl ecparam -name prime256v1 -genkey -noout -out a.key;"
	   "openssl pkey -in a.key -pubout -out a.pem; openssl dgst -sha256 -sign a.key -out der file;"
	   "python3 - <<'E'\n"
	   "d = open('der', 'rb').read()\n"
	   "n = d[3]; r = int.from_bytes(d[4:4 + n], 'big'); s = int.from_bytes(d[6 + n:], 'big')\n"
	   "open('pair', 'wb').write(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))\n"
	   "open('zero', 'wb').write(bytes(64))\n"
	   "E");
	ck_assert_str_eq(check("raw", "file", "pair", "a.pem"), "valid");
	ck_assert_str_eq(check("raw", "other", "pair", "a.pem"), "invalid");
	ck_assert_str_eq(check("raw", "file", "zero", "a.pem"), "invalid");
	spoil("raw", "pair", "a.pem", 3, 0, 0);
}
END_TEST

START_TEST(keys_too_weak)
{
	sh("openssl genrsa -out a.key 1024; openssl pkey -in a.key -pubout -out a.pem;"
	   "openssl dgst -sha256 -sign a.key -out sig file;"
	   "openssl ecparam -name secp224r1 -genkey -noout -out c.key;"
	   "openssl pkey -in c.key -pubout -out c.pem; openssl genrsa -out b.key 2048;"
	   "openssl pkey -in b.key -pubout -out b.pem; openssl dgst -sha1 -sign b.key -out sha1 file");
	ck_assert_str_eq(check("raw", "file", "sig", "a.pem"), "error: ASSAY_EINPUT");
	ck_assert_str_eq(check("raw", "file", "sig", "c.pem"), "error: ASSAY_EINPUT");
	ck_assert_str_eq(check("raw", "file", "sha1", "b.pem"), "invalid");
}
END_TEST

/* Keys of a, b (unknown to a.gpg), and c, whose key expires at once. */
static void make_pgp_keys(void)
{
	sh("export GNUPGHOME=$PWD/gh; mkdir -m 700 gh;"
	   "for u in a b; do gpg --batch -q --passphrase '' --quick-gen-key $u@x ed25519 sign never;"
	   "done;"
	   "gpg --batch -q --faked-system-time 20200101T000000 --passphrase '' --quick-gen-key c@x "
	   "ed25519 sign 10d;"
	   "gpg --export a@x >a.gpg; gpg --export b@x >b.gpg; gpg --export c@x >c.gpg;"
	   "gpg --export -a a@x >a.asc");
}

START_TEST(openpgp_detached)
{
	make_pgp_keys();
	sh("export GNUPGHOME=$PWD/gh; G='gpg --batch -q --yes';"
	   "$G -b -u a@x -o a.sig file; $G -b -a -u a@x -o armor.sig file;"
	   "$G -b -u a@x -u b@x -o ab.sig file; $G -s -u a@x -o inline.sig file;"
	   "$G -b --digest-algo SHA1 -u a@x -o sha1.sig file; $G --clearsign -u a@x -o clear.sig file;"
	   "$G --faked-system-time 20200102T000000 -b -u c@x -o c.sig file;"
	   "$G -b -u a@x -o other.sig other; cat a.sig other.sig >good-and-bad.sig;"
	   "gpgconf --kill all");
	ck_assert_str_eq(check("openpgp", "file", "a.sig", "a.gpg"), "valid");
	ck_assert_uint_eq(strlen(result.key_id), 40);
	ck_assert_str_eq(check("openpgp", "file", "a.sig", "a.asc"), "valid");
	ck_assert_str_eq(check("openpgp", "file", "armor.sig", "a.gpg"), "valid");
	ck_assert_str_eq(check("openpgp", "file", "ab.sig", "a.gpg"), "valid");
	ck_assert_str_eq(check("openpgp", "file", "a.sig", "b.gpg"), "untrusted");
	ck_assert_str_eq(check("openpgp", "other", "a.sig", "a.gpg"), "invalid");
	/* a signed message is no signature over the artifact */
	ck_assert_str_eq(check("openpgp", "other", "inline.sig", "a.gpg"), "invalid");
	ck_assert_str_eq(check("openpgp", "file", "inline.sig", "a.gpg"), "invalid");
	ck_assert_str_eq(check("openpgp", "other", "clear.sig", "a.gpg"), "invalid");
	ck_assert_str_eq(check("openpgp", "file", "sha1.sig", "a.gpg"), "untrusted");
	ck_assert_str_eq(check("openpgp", "file", "c.sig", "c.gpg"), "untrusted");
	ck_assert_ptr_nonnull(strstr(result.detail, "expired"));
	ck_assert_str_eq(check("openpgp", "file", "good-and-bad.sig", "a.gpg"), "invalid");
	ck_assert_str_eq(check("openpgp", "file", "junk", "a.gpg"), "invalid");
	ck_assert_str_eq(check("openpgp", "file", "empty", "a.gpg"), "invalid");
	ck_assert_str_eq(check("openpgp", "file", "none", "a.gpg"), "missing");
	ck_assert_str_eq(check("openpgp", "file", "a.sig", "file"), "error: ASSAY_EINPUT");
	ck_assert_str_eq(check("openpgp", "file", "a.sig", "none"), "error: ASSAY_EINPUT");
	ck_assert_str_eq(check("openpgp", "none", "a.sig", "a.gpg"), "error: ASSAY_ENOTFOUND");
	/* before that stand subpackets that are hints and not signed */
	spoil("openpgp", "a.sig", "a.gpg", 11, 60, 0);
}
END_TEST

static enum assay_code open_inline(const char *path, const char *const *keyrings, char **ret)
{
	struct assay_buf text = ASSAY_BUF_INIT(1 << 20);
	enum assay_code code = assay_openpgp_open_inline(path, keyrings, &text, &result, &err);

	if (code)
		assay_buf_release(&text);
	else
		*ret = assay_buf_take(&text);
	return code;
}

START_TEST(openpgp_inline)
{
	static const char *const a[] = { "a.gpg", NULL }, *const b[] = { "b.gpg", NULL };
	static const char *const both[] = { "b.gpg", "empty", "a.asc", NULL };
	static const char *const none[] = { "empty", NULL };
	assay_auto(assay_freep) char *text = NULL, *again = NULL, *no = NULL;

	make_pgp_keys();
	sh("export GNUPGHOME=$PWD/gh; G='gpg --batch -q --yes';"
	   "printf 'Origin: x\\n- dash  \\n\\nend\\n' >m; $G --clearsign -u a@x -u b@x -o ab m;"
	   "{ echo 'Evil: 1'; cat ab; echo 'Evil: 2'; } >around; { cat ab; echo 'Evil: 2'; } >after;"
	   "cat ab ab >twice; sed 's/Origin: x/Origin: y/' ab >changed; $G -s -u a@x -o bin m;"
	   "$G -a -s -u a@x -o armored m; cat changed ab >bad-then-good; gpgconf --kill all;"
	   "gpgv --homedir gh --keyring $PWD/a.gpg --output expect ab || true");
	ck_assert_msg(open_inline("ab", a, &text) == ASSAY_OK, "%s", err.msg);
	ck_assert_str_eq(text, "Origin: x\n- dash\n\nend\n");
	sh("test \"$(cat expect)\" = \"$(printf 'Origin: x\\n- dash\\n\\nend\\n')\"");
	ck_assert_int_eq(open_inline("ab", both, &again), ASSAY_OK);
	ck_assert_str_eq(text, again);
	ck_assert_int_eq(open_inline("changed", a, &no), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(open_inline("around", a, &no), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(open_inline("twice", a, &no), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(open_inline("bad-then-good", a, &no), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(open_inline("bin", a, &no), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(open_inline("armored", a, &no), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(open_inline("m", a, &no), ASSAY_EUNTRUSTED);
	ck_assert_int_eq(open_inline("nothing", a, &no), ASSAY_ENOTFOUND);
	ck_assert_int_eq(open_inline("ab", none, &no), ASSAY_EUSAGE);
	free(again);
	ck_assert_int_eq(open_inline("after", a, &again), ASSAY_OK);
	ck_assert_str_eq(again, text); /* what stands outside is not signed and not handed on */
	free(again);
	ck_assert_int_eq(open_inline("ab", b, &again), ASSAY_OK);
}
END_TEST

static const struct {
	const char *text;
	unsigned valid, bad, unknown, stale, weak;
} statuses[] = {
	{ "", 0, 0, 0, 0, 0 },
	{ "[GNUPG:] VALIDSIG F 2 3 4 5 6 7 8 00 P\n", 0, 0, 0, 0, 0 },
	{ "[GNUPG:] GOODSIG K u\n[GNUPG:] VALIDSIG F d t 0 4 0 22 8 00 P\n", 1, 0, 0, 0, 0 },
	{ "[GNUPG:] GOODSIG K u\n[GNUPG:] NEWSIG\n[GNUPG:] VALIDSIG F d t 0 4 0 22 8 00 P\n", 0, 0, 0,
	  0, 0 },
	{ "[GNUPG:] EXPKEYSIG K u\n[GNUPG:] VALIDSIG F d t 0 4 0 22 8 00 P\n", 0, 0, 0, 1, 0 },
	{ "[GNUPG:] REVKEYSIG K u\n[GNUPG:] VALIDSIG F d t 0 4 0 22 8 00 P\n", 0, 0, 0, 1, 0 },
	{ "[GNUPG:] GOODSIG K u\n[GNUPG:] VALIDSIG F d t 0 4 0 22 2 00 P\n", 0, 0, 0, 0, 1 },
	{ "[GNUPG:] GOODSIG K u\n[GNUPG:] VALIDSIG F d t 0 4 0 22 8 10 P\n", 0, 0, 0, 0, 0 },
	{ "[GNUPG:] BADSIG K u\n[GNUPG:] ERRSIG K 1 8 00 1 9 F\n", 0, 1, 1, 0, 0 },
	{ "x [GNUPG:] GOODSIG K u\n [GNUPG:] VALIDSIG F d t 0 4 0 22 8 00 P\n", 0, 0, 0, 0, 0 },
	{ "[GNUPG:] GOODSIG K [GNUPG:] VALIDSIG F d t 0 4 0 22 8 00 P\n", 0, 0, 0, 0, 0 },
};

START_TEST(gpgv_lines)
{
	struct gpgv_status s;

	gpgv_status_parse(assay_span_text(statuses[_i].text), &s);
	ck_assert_uint_eq(s.valid, statuses[_i].valid);
	ck_assert_uint_eq(s.bad, statuses[_i].bad);
	ck_assert_uint_eq(s.unknown, statuses[_i].unknown);
	ck_assert_uint_eq(s.stale, statuses[_i].stale);
	ck_assert_uint_eq(s.weak, statuses[_i].weak);
	ck_assert(!s.broken);
}
END_TEST

START_TEST(schemes_are_named)
{
	ck_assert(assay_signature_scheme_is_known("minisign"));
	ck_assert(!assay_signature_scheme_is_known("none"));
	ck_assert_str_eq(check("none", "file", "junk", "junk"), "error: ASSAY_EUSAGE");
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("signature");
	TCase *tc = tcase_create("signature");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, minisign);
	tcase_add_test(tc, minisign_key_swapped_under_the_same_id);
	tcase_add_test(tc, signify);
	tcase_add_loop_test(tc, raw, 0, COUNT(raw_cases));
	tcase_add_test(tc, raw_pair_of_ecdsa);
	tcase_add_test(tc, keys_too_weak);
	tcase_add_test(tc, openpgp_detached);
	tcase_add_test(tc, openpgp_inline);
	tcase_add_loop_test(tc, gpgv_lines, 0, COUNT(statuses));
	tcase_add_test(tc, schemes_are_named);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
