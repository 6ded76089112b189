/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of zip archives, by their content; see the header. */
#include "zip_kind.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- kinds ------------------------------------------------------------------------------------------- */

/* The first row of which some member's name matches; mimetype: the stored content of that member. */
static const struct {
	const char *glob, *mimetype, *kind;
} kinds[] = {
	{ "mimetype", "application/epub+zip", "epub" },
	{ "mimetype", "application/vnd.oasis.opendocument.", "OpenDocument" },
	{ "BundleConfig.pb", NULL, "Android bundle" },
	{ "AndroidManifest.xml", NULL, "Android package" },
	{ "Payload/*.app/Info.plist", NULL, "iOS package" },
	{ "*.dist-info/WHEEL", NULL, "wheel" },
	{ "EGG-INFO/PKG-INFO", NULL, "egg" },
	{ "*.nuspec", NULL, "nupkg" },
	{ "extension.vsixmanifest", NULL, "vsix" },
	{ "word/document.xml", NULL, "Office document" },
	{ "xl/workbook.xml", NULL, "Office document" },
	{ "ppt/presentation.xml", NULL, "Office document" },
	{ "META-INF/application.xml", NULL, "ear" },
	{ "WEB-INF/web.xml", NULL, "war" },
	{ "META-INF/mozilla.rsa", NULL, "xpi" },
	{ "install.rdf", NULL, "xpi" },
	{ "META-INF/MANIFEST.MF", NULL, "jar" },
	{ "manifest.json", NULL, "xpi" },
	{ "__main__.py", NULL, "Python application" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define NAME_MAX_LOOKED_AT 512

static bool name_matches(struct assay_span name, const char *glob)
{
	char text[NAME_MAX_LOOKED_AT];

	if (!strpbrk(glob, "*?["))
		return assay_span_equal_text(name, glob);
	if (name.len >= sizeof(text) || memchr(name.data, 0, name.len))
		return false;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	return fnmatch(glob, text, FNM_PATHNAME) == 0;
}

static bool content_starts(const struct zip_archive *zip, const struct zip_entry *e, const char *text)
{
	return e->method == 0 && assay_span_starts(assay_span_cut(zip->file, e->data, e->packed), text);
}

const char *zip_kind(const struct zip_archive *zip)
{
	size_t best = KINDS;

	if (assay_span_starts(zip->file, "JM\1"))
		return "jmod";
	for (size_t i = 0; i < zip->count && best; i++) {
		const struct zip_entry *e = &zip->entries[i];
		struct assay_span name = zip_entry_name(zip, e);

		for (size_t k = 0; k < best; k++)
			if (name_matches(name, kinds[k].glob) &&
			    (!kinds[k].mimetype || content_starts(zip, e, kinds[k].mimetype)))
				best = k;
	}
	return best < KINDS ? kinds[best].kind : NULL;
}

/* ---- signatures ---------------------------------------------------------------------------------------- */

static bool is_in_meta_inf(struct assay_span name)
{
	struct assay_span rest = assay_span_cut(name, 9, SIZE_MAX);

	return name.len > 9 && strncasecmp((const char *)name.data, "META-INF/", 9) == 0 &&
	       !memchr(rest.data, '/', rest.len);
}

static bool ends_with(struct assay_span name, const char *suffix)
{
	size_t len = strlen(suffix);

	return name.len > len &&
	       strncasecmp((const char *)name.data + name.len - len, suffix, len) == 0;
}

/* jar file specification, "Signed JAR File"; NuGet; Office and OpenDocument signatures; signed wheels. */
bool zip_is_signature(struct assay_span name)
{
	static const char *const jar[] = { ".SF", ".RSA", ".DSA", ".EC" };
	static const char *const others[] = { ".signature.p7s", "META-INF/documentsignatures.xml",
					      "META-INF/cose.sig", "META-INF/cose.manifest" };

	if (is_in_meta_inf(name)) {
		for (size_t i = 0; i < sizeof(jar) / sizeof(jar[0]); i++)
			if (ends_with(name, jar[i]))
				return true;
		if (strncasecmp((const char *)name.data + 9, "SIG-", name.len < 13 ? 0 : 4) == 0 &&
		    name.len >= 13)
			return true;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (assay_span_equal_text(name, others[i]))
			return true;
	return assay_span_starts(name, "_xmlsignatures/") || ends_with(name, ".dist-info/RECORD.jws") ||
	       ends_with(name, ".dist-info/RECORD.p7s");
}

static void add_word(char *out, size_t size, const char *word)
{
	size_t used = strlen(out);

	if (used < size)
		snprintf(out + used, size - used, "%s%s", used ? ", " : "", word);
}

static int by_text(const void *a, const void *b)
{
	return assay_span_compare(*(const struct assay_span *)a, *(const struct assay_span *)b);
}

#define SIGNERS_NAMED 8

static void signatures_in_members(const struct zip_archive *zip, char *out, size_t size)
{
	struct assay_span found[SIGNERS_NAMED];
	char shown[120];
	size_t count = 0, more = 0;

	for (size_t i = 0; i < zip->count; i++) {
		struct assay_span name = zip_entry_name(zip, &zip->entries[i]);

		if (!zip_is_signature(name))
			continue;
		if (count < SIGNERS_NAMED)
			found[count++] = name;
		else
			more++;
	}
	qsort(found, count, sizeof(found[0]), by_text);
	for (size_t i = 0; i < count; i++)
		add_word(out, size, assay_span_show(found[i], shown, sizeof(shown)));
	if (more)
		add_word(out, size, "and more");
}

void zip_signatures(const struct zip_archive *zip, char *out, size_t size)
{
	uint64_t at = zip->base;
	struct assay_span rest, value;
	uint32_t id;

	out[0] = '\0';
	for (size_t i = 0; i < zip->count; i++)
		if (zip->entries[i].end > at)
			at = zip->entries[i].end;
	signatures_in_members(zip, out, size);
	if (zip_apk_block(zip->file, at, zip->central)) {
		rest = assay_span_cut(zip->file, at + ZIP_APK_SIZE,
				      zip->central - at - ZIP_APK_SIZE - ZIP_APK_TAIL);
		while (zip_apk_pair(&rest, &id, &value))
			if (zip_apk_id_name(id) && id != ZIP_APK_PADDING)
				add_word(out, size, zip_apk_id_name(id));
	}
	if (!out[0])
		snprintf(out, size, "none");
}

/* ---- the signing block of an APK --------------------------------------------------------------------------- */

bool zip_apk_block(struct assay_span file, uint64_t at, uint64_t end)
{
	struct assay_span pairs, value;
	uint64_t size;
	uint32_t id;

	if (end > file.len || end < at || end - at < ZIP_APK_SIZE + ZIP_APK_TAIL ||
	    memcmp(file.data + end - 16, "APK Sig Block 42", 16) != 0)
		return false;
	size = zip_get(file, at, 8);
	if (size != end - at - ZIP_APK_SIZE || zip_get(file, end - ZIP_APK_TAIL, 8) != size)
		return false;
	pairs = assay_span_cut(file, at + ZIP_APK_SIZE, end - at - ZIP_APK_SIZE - ZIP_APK_TAIL);
	while (zip_apk_pair(&pairs, &id, &value))
		;
	return pairs.len == 0;
}

bool zip_apk_pair(struct assay_span *rest, uint32_t *id, struct assay_span *value)
{
	uint64_t size;

	if (rest->len < ZIP_APK_PAIR)
		return false;
	size = zip_get(*rest, 0, 8);
	if (size < 4 || size > rest->len - 8)
		return false;
	*id = (uint32_t)zip_get(*rest, 8, 4);
	*value = assay_span_cut(*rest, ZIP_APK_PAIR, size - 4);
	*rest = assay_span_cut(*rest, 8 + size, SIZE_MAX);
	return true;
}

const char *zip_apk_id_name(uint32_t id)
{
	static const struct {
		uint32_t id;
		const char *name;
	} names[] = {
		{ 0x7109871a, "APK signature v2" },   { 0xf05368c0, "APK signature v3" },
		{ 0x1b93ad61, "APK signature v3.1" }, { ZIP_APK_PADDING, "verity padding" },
		{ 0x6dff800d, "source stamp v2" },    { 0x2b09189e, "source stamp v1" },
		{ 0x504b4453, "dependency metadata" }, { 0x2146444e, "Play metadata" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].id == id)
			return names[i].name;
	return NULL;
}

/* ---- extra fields -------------------------------------------------------------------------------------------- */

const char *zip_extra_name(uint16_t id)
{
	static const struct {
		uint16_t id;
		const char *name;
	} names[] = {
		{ 0x0001, "zip64" },		   { 0x0007, "AV info" },
		{ 0x0008, "language encoding" },   { 0x0009, "OS/2 attributes" },
		{ 0x000a, "NTFS times" },	   { 0x000c, "OpenVMS" },
		{ 0x000d, "PKWARE Unix" },	   { 0x000f, "patch descriptor" },
		{ 0x0014, "PKCS#7 store" },	   { 0x0015, "X.509 of the file" },
		{ 0x0016, "X.509 of the directory" }, { 0x0017, "strong encryption" },
		{ 0x0018, "record management" },   { 0x0019, "PKCS#7 recipients" },
		{ 0x0020, "timestamp token" },	   { 0x0021, "policy decryption key" },
		{ 0x0022, "Smartcrypt key" },	   { 0x0023, "Smartcrypt policy" },
		{ 0x0065, "IBM S/390" },	   { 0x07c8, "Macintosh" },
		{ 0x2605, "ZipIt Macintosh" },	   { 0x334d, "Info-ZIP Macintosh" },
		{ 0x4341, "Acorn SparkFS" },	   { 0x4453, "Windows security descriptor" },
		{ 0x4704, "VM/CMS" },		   { 0x470f, "MVS" },
		{ 0x4b46, "FWKCS MD5" },	   { 0x4c41, "OS/2 ACL" },
		{ 0x4d49, "Info-ZIP OpenVMS" },	   { 0x4f4c, "Xceed location" },
		{ 0x5356, "AOS/VS ACL" },	   { 0x5455, "extended timestamp" },
		{ 0x554e, "Xceed Unicode" },	   { 0x5855, "Info-ZIP Unix" },
		{ 0x6375, "Unicode comment" },	   { 0x6542, "BeOS" },
		{ 0x7075, "Unicode path" },	   { 0x7441, "AtheOS" },
		{ 0x756e, "ASi Unix" },		   { 0x7855, "Info-ZIP Unix, old" },
		{ 0x7875, "Unix owner" },	   { 0x9901, "AES encryption" },
		{ 0xa11e, "Apache data stream" },  { 0xa220, "Open Packaging growth hint" },
		{ 0xcafe, "jar mark" },		   { 0xd935, "Android alignment" },
		{ 0xe57a, "ALZip code page" },	   { 0xfd4a, "SMS/QDOS" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].id == id)
			return names[i].name;
	return NULL;
}
