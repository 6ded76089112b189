#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make.py DIRECTORY: pairs that look alike and must never be called equivalent, and controls.

Each pair is DIRECTORY/{never,same}/NAME/{left,right}: "never" differ in what some reader can see,
"same" are the controls, equal after safe passes, so that refusing everything does not pass."""
import base64, hashlib, io, json, os, struct, sys, tarfile, zipfile, zlib

OUT = sys.argv[1]
T0 = 1600000000


def put(kind, name, left, right):
    folder = os.path.join(OUT, kind, name)
    os.makedirs(folder)
    for side, data in (("left", left), ("right", right)):
        with open(os.path.join(folder, side), "wb") as f:
            f.write(data)


class M:
    """One tar member."""
    def __init__(self, name, data=b"", mode=0o644, type=tarfile.REGTYPE, **rest):
        self.name, self.data, self.mode, self.type, self.rest = name, data, mode, type, rest


def tar(members, format=tarfile.USTAR_FORMAT, **defaults):
    out = io.BytesIO()
    t = tarfile.open(fileobj=out, mode="w", format=format)
    for m in members:
        i = tarfile.TarInfo(m.name)
        i.mode, i.type, i.mtime = m.mode, m.type, T0
        i.size = len(m.data) if m.type == tarfile.REGTYPE else 0
        for key, value in {**defaults, **m.rest}.items():
            setattr(i, key, value)
        t.addfile(i, io.BytesIO(m.data) if i.size else None)
    t.close()
    return out.getvalue()


def base():
    return [M("./", mode=0o755, type=tarfile.DIRTYPE), M("./run", b"#!/bin/sh\necho 1\n", 0o755),
            M("./data", b"data\n"), M("./link", type=tarfile.SYMTYPE, linkname="run", mode=0o777)]


def changed(name, **rest):
    members = base()
    for m in members:
        if m.name == name:
            for key, value in rest.items():
                if key in ("data", "mode", "type"):
                    setattr(m, key, value)
                else:
                    m.rest[key] = value
    return members


def tar_pairs():
    b = tar(base())
    for name, member in {
        "setuid": changed("./run", mode=0o4755), "setgid": changed("./run", mode=0o2755),
        "sticky": changed("./run", mode=0o1755), "exec": changed("./data", mode=0o755),
        "exec-other": changed("./data", mode=0o645), "world-writable": changed("./data", mode=0o666),
        "content": changed("./run", data=b"#!/bin/sh\necho 2\n"),
        "linkname": changed("./link", linkname="/etc/passwd"),
        "type": changed("./link", type=tarfile.LNKTYPE, linkname="./run"),
        "owner-of-one": changed("./data", uid=1000, uname="x"),
        "device": base() + [M("./dev", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
        "extra": base() + [M("./more", b"x")], "missing": base()[:-1],
        "renamed": [M(m.name.replace("data", "date"), m.data, m.mode, m.type, **m.rest) for m in base()],
        "duplicate": base() + [M("./run", b"#!/bin/sh\nevil\n", 0o755)],
        "fifo": changed("./data", type=tarfile.FIFOTYPE, data=b""),
    }.items():
        put("never", "tar-" + name, b, tar(member))
    swap = [changed("./data", mtime=T0 + 10), changed("./run", mtime=T0 + 10)]
    put("never", "tar-times-swap", tar(swap[0]), tar(swap[1]))
    put("never", "tar-owner-setuid", tar(changed("./run", mode=0o4755)),
        tar(changed("./run", mode=0o4755), uid=1000, gid=1000))
    put("never", "tar-device-number", tar([M("./d", type=tarfile.CHRTYPE, devmajor=1, devminor=3)]),
        tar([M("./d", type=tarfile.CHRTYPE, devmajor=1, devminor=2)]))
    put("never", "tar-two-umasks", b, tar([M(m.name, m.data, 0o664 if m.name == "./data" else m.mode,
        m.type, **m.rest) for m in base()]))
    put("never", "tar-second-archive", b, b + tar([M("./evil", b"evil")]))
    put("never", "tar-trailing-byte", b, b[:-1] + b"x")
    put("never", "tar-no-end", b, b[:-10240])
    at = b.index(b"data\n") + 5
    put("never", "tar-padding", b, b[:at] + b"hidden" + b[at + 6:])
    dup = base() + [M("./run", b"other", 0o755)]
    put("never", "tar-duplicates-swapped", tar(dup), tar([dup[0], dup[4], dup[2], dup[3], dup[1]]))
    hard = base() + [M("./hard", type=tarfile.LNKTYPE, linkname="./data")]
    put("never", "tar-hardlink-first", tar(hard), tar([hard[0], hard[4]] + hard[1:4]))
    put("never", "tar-hardlink-copy", tar(hard), tar(base() + [M("./hard", b"data\n")]))
    below = [M("./d", type=tarfile.SYMTYPE, linkname="/etc"), M("./d/x", b"x"), M("./z", b"z")]
    put("never", "tar-below-symlink", tar(below), tar([below[0], below[2], below[1]]))
    pax = tarfile.PAX_FORMAT
    for name, records in {
        "capability": {"SCHILY.xattr.security.capability": "\x01\x02"},
        "acl": {"SCHILY.acl.access": "user::rwx"}, "unknown": {"ACME.secret": "1"},
        "path": {"path": "./evil"}, "linkpath": {"linkpath": "/etc"}, "size": {"size": "3"},
    }.items():
        members = changed("./link" if name == "linkpath" else "./run", pax_headers=records)
        put("never", "tar-pax-" + name, tar(base(), pax), tar(members, pax))
    put("never", "tar-pax-comment", tar(changed("./run", pax_headers={"comment": "a"}), pax),
        tar(changed("./run", pax_headers={"comment": "b" * 2000}), pax))
    put("same", "tar-mtime", b, tar(base(), mtime=T0 + 100))
    put("same", "tar-owner", b, tar(base(), uid=1000, gid=1000, uname="x", gname="x"))
    put("same", "tar-dialect", b, tar(base(), tarfile.GNU_FORMAT))
    put("same", "tar-order", b, tar([base()[i] for i in (0, 2, 1, 3)]))
    put("same", "tar-blocking", b, b + bytes(10240))
    put("same", "tar-umask", tar(base()), tar([M(m.name, m.data, m.mode if m.mode == 0o777 else
        m.mode | (m.mode >> 3 & 0o20), m.type, **m.rest) for m in base()]))


def respelled_pairs():
    """Names that differ by one rule; what stands behind them is still compared."""
    def under(directory, members):
        for m in members:
            m.name = directory + m.name[2:]
        return tar(members)

    put("never", "tar-prefix", under("x-1/", base()), under("x-2/", base()))
    put("never", "tar-prefix-and-code", under("x-1/", base()), under("x-2/", changed("./run", data=b"#!/bin/sh\nevil\n")))
    put("never", "tar-prefix-and-setuid", under("x-1/", base()), under("x-2/", changed("./run", mode=0o4755)))


def gz(data, name=b"", mtime=0, level=9, extra=b"", comment=b"", crc=None):
    flags = (8 if name else 0) | (4 if extra else 0) | (16 if comment else 0)
    c = zlib.compressobj(level, zlib.DEFLATED, -15)
    head = b"\x1f\x8b\x08" + bytes([flags]) + struct.pack("<I", mtime) + b"\x02\x03"
    if extra:
        head += struct.pack("<H", len(extra)) + extra
    head += name + b"\0" if name else b""
    head += comment + b"\0" if comment else b""
    body = c.compress(data) + c.flush()
    return head + body + struct.pack("<II", zlib.crc32(data) if crc is None else crc, len(data))


def gzip_pairs():
    data = b"some text that is long enough to be compressed, some text\n" * 40
    b = gz(data, b"n")
    for name, other in {
        "traversal": gz(data, b"../../etc/passwd"), "slash": gz(data, b"a/b"), "dots": gz(data, b".."),
        "control-name": gz(data, b"a\x1b[2J"), "trailing": b + b"evil", "zeros": b + bytes(16),
        "second-member": b + gz(b"evil"), "empty-member": b + gz(b""),
        "extra": gz(data, b"n", extra=b"BC\x02\x00xx"), "comment": gz(data, b"n", comment=b"payload"),
        "crc": gz(data, b"n", crc=1), "content": gz(data.replace(b"text", b"Text"), b"n"),
        "split": gz(data[:100], b"n") + gz(data[100:], b"n"), "cut": b[:-5],
    }.items():
        put("never", "gzip-" + name, b, other)
    put("same", "gzip-mtime", b, gz(data, b"n", T0))
    put("same", "gzip-name", b, gz(data, b"other.txt"))
    put("same", "gzip-level", b, gz(data, b"n", level=1))


def encoder_pairs():
    """Another compressor: never the same, and the payload is still looked at."""
    import lzma
    b = tar(base())
    put("never", "gz-against-xz", gz(b), lzma.compress(b))
    put("never", "gz-against-xz-other-payload", gz(b), lzma.compress(tar(changed("./run", mode=0o4755))))


def ar(members):
    out = b"!<arch>\n"
    for name, data, *rest in members:
        mtime = rest[0] if rest else 0
        out += b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, mtime, 0, 0, 0o100644, len(data))
        out += data + (b"\n" if len(data) % 2 else b"")
    return out


def ar_pairs():
    m = [(b"a.o/", b"first"), (b"b.o/", b"second")]
    b = ar(m)
    put("never", "ar-extra", b, ar(m + [(b"c.o/", b"evil")]))
    put("never", "ar-content", b, ar([m[0], (b"b.o/", b"secone")]))
    put("never", "ar-trailing", b, b + b"evil")
    twice = m + [(b"a.o/", b"other")]
    put("never", "ar-duplicates-swapped", ar(twice), ar([twice[2], twice[1], twice[0]]))
    put("never", "ar-padding", b, b.replace(b"first\n", b"firstX"))
    put("never", "ar-index", ar([(b"/", struct.pack(">II", 1, 0) + b"f\0")] + m), b)
    thin = ar([(b"//", b"first.o/\n"), (b"/0", b"")]).replace(b"arch", b"thin")
    put("never", "ar-thin-size", thin, thin[:-12] + b"7" + thin[-11:])
    put("never", "ar-thin-name", thin, thin.replace(b"first", b"other"))
    put("same", "ar-mtime", b, ar([x + (T0,) for x in m]))
    put("same", "ar-order", b, ar(m[::-1]))


def deb(files=None, control=b"Package: t\nVersion: 1\n", sums=None, extra=(), order=(0, 1, 2), mtime=T0,
        scripts=(), **owner):
    files = files or {"./bin/x": (b"\x7fcode 1", 0o755), "./share/y": (b"text\n", 0o644)}
    data = [M(n, d, mode) for n, (d, mode) in files.items()]
    if sums is None:
        sums = b"".join(b"%s  %s\n" % (hashlib.md5(d).hexdigest().encode(), n[2:].encode())
                        for n, (d, mode) in files.items())
    meta = [M("./control", control), M("./md5sums", sums)] + [M(n, d, 0o755) for n, d in scripts]
    parts = [(b"debian-binary", b"2.0\n", mtime),
             (b"control.tar.gz", gz(tar(meta, mtime=mtime)), mtime),
             (b"data.tar.gz", gz(tar(data, mtime=mtime, **owner)), mtime)]
    return ar([parts[i] for i in order] + list(extra))


def deb_pairs():
    b = deb()
    good = {"./bin/x": (b"\x7fcode 1", 0o755), "./share/y": (b"text\n", 0o644)}
    evil = dict(good, **{"./bin/x": (b"\x7fcode 2", 0o755)})
    sums = b"".join(b"%s  %s\n" % (hashlib.md5(d).hexdigest().encode(), n[2:].encode())
                    for n, (d, mode) in good.items())
    put("never", "deb-stale-md5sums", b, deb(evil, sums=sums))
    put("never", "deb-fresh-md5sums", b, deb(evil))
    put("never", "deb-lying-md5sums", b, deb(sums=sums.replace(sums[:8], b"00000000")))
    put("never", "deb-extra-member", b, deb(extra=[(b"_evil", b"x")]))
    put("never", "deb-second-data", b, deb(extra=[(b"data.tar.gz", gz(tar([M("./e", b"e")])))]))
    put("never", "deb-order", b, deb(order=(0, 2, 1)))
    put("never", "deb-owner", b, deb(uid=1000, gid=1000))
    put("never", "deb-setuid", b, deb(dict(good, **{"./bin/x": (b"\x7fcode 1", 0o4755)})))
    put("never", "deb-depends", b, deb(control=b"Package: t\nVersion: 1\nDepends: evil\n"))
    put("never", "deb-postinst", b, deb(scripts=[("./postinst", b"#!/bin/sh\nevil\n")]))
    put("never", "deb-file", b, deb(dict(good, **{"./etc/cron.d/x": (b"evil", 0o644)})))
    put("same", "deb-mtime", b, deb(mtime=T0 + 100))


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files:
            i = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            i.compress_type, i.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            z.writestr(i, data)
    return out.getvalue()


def sha256(data):
    return hashlib.sha256(data).digest()


def wheel(files, claimed=None, record=None):
    """claimed: what RECORD is made from."""
    lines = ["%s,sha256=%s,%d" % (n, base64.urlsafe_b64encode(sha256(d)).rstrip(b"=").decode(), len(d))
             for n, d in (claimed or files).items()]
    record = record or "\n".join(lines) + "\na-1.dist-info/RECORD,,\n"
    return zipped(list(files.items()) + [("a-1.dist-info/RECORD", record)])


def wheel_line(name, files):
    return "%s,sha256=%s,%d\n" % (name, base64.urlsafe_b64encode(sha256(files[name])).rstrip(b"=").decode(), len(files[name]))


def wheel_pairs():
    good = {"a.py": b"print(1)\n", "a-1.dist-info/WHEEL": b"Wheel-Version: 1.0\n"}
    evil = dict(good, **{"a.py": b"print(2)\n"})
    b = wheel(good)
    put("never", "wheel-stale-record", b, wheel(evil, good))
    put("never", "wheel-fresh-record", b, wheel(evil))
    put("never", "wheel-lying-record", b, wheel(good, evil))
    put("never", "wheel-unlisted-file", b, wheel(dict(good, **{"b.pth": b"import evil"}), good))
    put("never", "wheel-record-without-hash", b, wheel(good, record="a.py,,\na-1.dist-info/WHEEL,,\n"))
    line = "a.py,sha256=%s,9\n" % base64.urlsafe_b64encode(sha256(evil["a.py"])).rstrip(b"=").decode()
    rest = wheel_line("a-1.dist-info/WHEEL", good) + "a-1.dist-info/RECORD,,\n"
    put("never", "wheel-record-more", b, wheel(evil, record=line + rest + "../../etc/passwd,,\n"))
    put("never", "wheel-record-size", b, wheel(evil, record=line.replace(",9", ",1") + rest))
    put("never", "wheel-record-crlf", b, wheel(evil, record=(line + rest).replace("\n", "\r\n")))
    put("never", "wheel-generator", b, wheel(dict(good, **{"a-1.dist-info/WHEEL": b"Wheel-Version: 1.1\n"})))


def jar(files, claimed=None, signature=None, main="Created-By: 17\r\n"):
    manifest = "Manifest-Version: 1.0\r\n" + main + "\r\n"
    for name, data in (claimed or files).items():
        manifest += "Name: %s\r\nSHA-256-Digest: %s\r\n\r\n" % (name, base64.b64encode(sha256(data)).decode())
    members = [("META-INF/MANIFEST.MF", manifest)]
    if signature:
        members += [("META-INF/K.SF", "Signature-Version: 1.0\r\nX: %s\r\n" % signature), ("META-INF/K.RSA", signature)]
    return zipped(members + list(files.items()))


def jar_pairs():
    good, evil = {"A.txt": b"one", "B.txt": b"b"}, {"A.txt": b"two", "B.txt": b"b"}
    b = jar(good)
    put("never", "jar-stale-digest", b, jar(evil, good))
    put("never", "jar-fresh-digest", b, jar(evil))
    put("never", "jar-lying-digest", b, jar(good, evil))
    put("never", "jar-signed", b, jar(good, signature="x"))
    put("never", "jar-other-signature", jar(good, signature="x"), jar(good, signature="y"))
    put("never", "jar-built-by", b, jar(good, main="Created-By: 17\r\nBuilt-By: x\r\n"))
    put("never", "jar-class-path", b, jar(good, main="Created-By: 17\r\nClass-Path: evil.jar\r\n"))
    put("never", "jar-extra-script", b, jar(dict(good, **{"javac.sh": b"evil"}), good))


def apk(pairs):
    """pairs of the signing block, by id."""
    d = zipped([("AndroidManifest.xml", b"x"), ("classes.dex", b"dex\n035\0")])
    at = d.index(b"PK\1\2")
    body = b"".join(struct.pack("<QI", 4 + len(v), k) + v for k, v in pairs)
    size = struct.pack("<Q", len(body) + 24)
    block = size + body + size + b"APK Sig Block 42" if pairs else b""
    end = d.index(b"PK\5\6")
    return d[:at] + block + d[at:end + 16] + struct.pack("<I", at + len(block)) + d[end + 20:]


def apk_pairs():
    v2, zeros = (0x7109871a, b"signature A"), (0x42726577, bytes(100))
    b = apk([v2, zeros])
    put("never", "apk-unsigned", b, apk([]))
    put("never", "apk-other-signature", b, apk([(0x7109871a, b"signature B"), zeros]))
    put("never", "apk-v3", b, apk([v2, (0xf05368c0, b"v3"), zeros]))
    put("never", "apk-unknown-pair", b, apk([v2, (0xdead, b"payload"), zeros]))
    put("never", "apk-padding-payload", b, apk([v2, (0x42726577, b"payload" + bytes(93))]))
    put("never", "apk-broken-block", b, b.replace(b"APK Sig Block 42", b"APK Sig Block 43"))
    put("same", "apk-padding", b, apk([v2, (0x42726577, bytes(40))]))


def gem(code, claimed=None, behind=b"", **rest):
    data, meta = gz(tar([M("lib/a.rb", code)])), gz(b"name: a\nversion: 1\n")
    of = claimed or data
    sums = b"---\nSHA256:\n  metadata.gz: %s\n  data.tar.gz: %s\n" % (
        hashlib.sha256(meta).hexdigest().encode(), hashlib.sha256(of).hexdigest().encode())
    return tar([M("metadata.gz", meta, 0o444), M("data.tar.gz", data, 0o444), M("checksums.yaml.gz", gz(sums) + behind, 0o444)], **rest), data


def gem_pairs():
    b, data = gem(b"puts 1\n")
    put("never", "gem-stale-checksums", b, gem(b"puts 2\n", data)[0])
    put("never", "gem-fresh-checksums", b, gem(b"puts 2\n")[0])
    put("never", "gem-lying-checksums", b, gem(b"puts 1\n", b"other")[0])
    put("never", "gem-behind-checksums", b, gem(b"puts 2\n", behind=gz(b"evil"))[0])
    put("same", "gem-mtime", b, gem(b"puts 1\n", mtime=T0 + 9)[0])


def arch(data, claimed=None, mtime=T0):
    tree = b"#mtree\n/set type=file uid=0 gid=0 mode=644\n./usr/x time=%d.0 size=%d sha256digest=%s\n" % (
        mtime, len(data), hashlib.sha256(claimed or data).hexdigest().encode())
    return tar([M(".PKGINFO", b"pkgname = x\n"), M(".MTREE", gz(tree)), M("usr/x", data)], mtime=mtime)


def arch_pairs():
    b = arch(b"one")
    put("never", "arch-stale-mtree", b, arch(b"two", b"one"))
    put("never", "arch-fresh-mtree", b, arch(b"two"))
    put("never", "arch-lying-mtree", b, arch(b"one", b"two"))


def image(code=b"#!/bin/sh\necho 1\n", created="2020-01-01T00:00:00Z", env="PATH=/bin", mtime=T0, docker=False, size=0, extra=(),
          name=None, level=9):
    """An OCI layout or a docker archive of one image with two layers."""
    layers = [tar([M("bin/x", code, 0o755)], mtime=mtime), tar([M("etc/y", b"y"), M("etc/.wh.z")], mtime=mtime)]
    config = json.dumps({"created": created, "architecture": "amd64", "os": "linux", "config": {"Env": [env]},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(l).hexdigest() for l in layers]},
                         "history": [{"created": created, "created_by": "x"}]}).encode()
    if docker:
        files = {hashlib.sha256(config).hexdigest() + ".json": config}
        paths = []
        for i, layer in enumerate(layers):
            d = hashlib.sha256(layer + b"id").hexdigest()
            files[d + "/VERSION"], files[d + "/layer.tar"] = b"1.0", layer
            paths.append(d + "/layer.tar")
        files["manifest.json"] = json.dumps([{"Config": next(iter(files)), "RepoTags": ["t:1"], "Layers": paths}]).encode()
        return tar([M(n, files[n]) for n in sorted(files)])
    blobs = {}

    def add(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        blobs["blobs/sha256/" + digest] = data
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data) + size}
    manifest = {"schemaVersion": 2, "config": add(config, "config.v1+json"),
                "layers": [add(gz(l, level=level), "layer.v1.tar+gzip") for l in layers]}
    index = {"schemaVersion": 2, "manifests": [add(json.dumps(manifest).encode(), "manifest.v1+json")]}
    if name:
        blobs = {n.replace(hashlib.sha256(config).hexdigest(), name): d for n, d in blobs.items()}
    members = [M(n, blobs[n]) for n in sorted(blobs)] + [M("index.json", json.dumps(index).encode()),
                                                         M("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')]
    return tar(members + list(extra))


def image_pairs():
    for kind, docker in (("oci", False), ("docker", True)):
        b = image(docker=docker)
        put("never", kind + "-code", b, image(code=b"#!/bin/sh\necho 2\n", docker=docker))
        put("never", kind + "-env", b, image(env="PATH=/evil", docker=docker))
        put("never", kind + "-created-payload", b, image(created="$(evil)", docker=docker))
        put("same", kind + "-created", b, image(created="2021-01-01T00:00:00Z", docker=docker))
    b = image()
    put("never", "oci-size", b, image(size=1))
    put("never", "oci-lying-name", b, image(name="0" * 64))
    put("never", "oci-extra-blob", b, image(extra=[M("blobs/sha256/" + hashlib.sha256(b"evil").hexdigest(), b"evil")]))
    put("same", "oci-level", b, image(level=1))


def alpine(code=b"code 1", signature=b"sig", hash_of=None, build=T0, mtime=T0, level=9, extra=b""):
    """Three gzip members, of which the first two hold tar archives without an end."""
    data = gz(tar([M("usr/x", code, 0o755)], mtime=mtime), level=level)
    info = b"pkgname = x\nbuilddate = %d\ndatahash = %s\n" % (build, hashlib.sha256(hash_of or data).hexdigest().encode())
    control = tar([M(".PKGINFO", info)])[:1024]
    head = gz(tar([M(".SIGN.RSA.k.pub", signature)])[:1024]) if signature else b""
    return head + gz(control) + data + extra


def alpine_pairs():
    b = alpine()
    put("never", "alpine-code", b, alpine(b"code 2"))
    put("never", "alpine-lying-datahash", b, alpine(hash_of=b"x"))
    put("never", "alpine-unsigned", b, alpine(signature=None))
    put("never", "alpine-other-signature", b, alpine(signature=b"gis"))
    put("never", "alpine-fourth-member", b, alpine(extra=gz(tar([M("evil", b"x")]))))
    put("never", "alpine-builddate", b, alpine(build=T0 + 1))


def sparse(pieces, real, stored=b"ab"):
    """GNU's old format: type S, the map in the header."""
    i = tarfile.TarInfo("f")
    i.size, i.mtime = len(stored), T0
    h = bytearray(i.tobuf(tarfile.GNU_FORMAT))
    h[156:157] = b"S"
    for n, (at, size) in enumerate(pieces):
        h[386 + 24 * n:410 + 24 * n] = b"%011o\0%011o\0" % (at, size)
    h[483:495] = b"%011o\0" % real
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h) + stored + bytes(510) + bytes(1024)


def sparse_pairs():
    b = sparse([(0, 1), (512, 1)], 1024)
    put("never", "tar-sparse-map", b, sparse([(0, 1), (600, 1)], 1024))
    put("never", "tar-sparse-size", b, sparse([(0, 1), (512, 1)], 2048))
    put("never", "tar-sparse-data", b, sparse([(0, 1), (512, 1)], 1024, b"ac"))


def cpio(members, order="<", mtime=T0, uid=0, ino=1):
    """The binary form, in either byte order."""
    out = b""
    for i, (name, data, mode) in enumerate(members + [("TRAILER!!!", b"", 0)]):
        n = name.encode() + b"\0"
        out += struct.pack(order + "13H", 0o70707, 1, ino + i, mode, uid, 0, 1, 0, mtime >> 16, mtime & 0xffff, len(n),
                           len(data) >> 16, len(data) & 0xffff)
        out += n + b"\0" * (len(n) % 2) + data + b"\0" * (len(data) % 2)
    return out + bytes(-len(out) % 512)


def cpio_pairs():
    m = [("run", b"#!/bin/sh\n", 0o100755), ("data", b"odd", 0o100644)]
    b = cpio(m)
    for name, other in {
        "setuid": [("run", b"#!/bin/sh\n", 0o104755), m[1]], "type": [m[0], ("data", b"odd", 0o120777)],
        "content": [m[0], ("data", b"odD", 0o100644)], "extra": m + [("x", b"", 0o100644)], "missing": m[:1],
        "renamed": [m[0], ("date", b"odd", 0o100644)], "duplicate": m + [m[0]],
    }.items():
        put("never", "cpio-binary-" + name, b, cpio(other))
    put("never", "cpio-binary-trailing", b, b + b"evil")
    put("never", "cpio-binary-padding", b, b.replace(b"odd\0", b"oddX"))
    put("same", "cpio-binary-mtime", b, cpio(m, mtime=T0 + 70000))
    put("same", "cpio-binary-inode", b, cpio(m, ino=900))
    put("same", "cpio-binary-byte-order", b, cpio(m, ">"))
    put("same", "cpio-binary-order", b, cpio(m[::-1]))
    end = b.rindex(b"TRAILER!!!")
    put("never", "cpio-binary-trailer-padding", b, b[:end + 11] + b"x" + b[end + 12:])
    put("never", "cpio-binary-trailer-data", b, b[:end - 2] + b"\4\0" + b[end:end + 12] + b"evil" + b[end + 16:])


def owned_zip(mode, uid):
    """The owner stands in the local header alone, the mode in the central one."""
    ux = struct.pack("<HHBBIBI", 0x7875, 11, 1, 4, uid, 4, uid)
    local = struct.pack("<IHHHHHIIIHH", 0x04034b50, 10, 0, 0, 0, 33, zlib.crc32(b"x"), 1, 1, 1, len(ux)) + b"a" + ux + b"x"
    central = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 0x31e, 10, 0, 0, 0, 33, zlib.crc32(b"x"), 1, 1, 1, 0, 0, 0, 0,
                          mode << 16, 0) + b"a"
    return local + central + struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 1, 1, len(central), len(local), 0)


def owned_zip_pairs():
    put("never", "zip-owner-of-setuid", owned_zip(0o104755, 0), owned_zip(0o104755, 1000))
    put("never", "zip-owner-of-setgid", owned_zip(0o102755, 0), owned_zip(0o102755, 1000))
    put("same", "zip-owner", owned_zip(0o100755, 0), owned_zip(0o100755, 1000))


def headed_pairs():
    """What stands in front of a zip archive: read by some, and only in two forms what it should be."""
    def body(text=b"print(1)\n", time=(2020, 1, 1, 0, 0, 0)):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as z:
            info = zipfile.ZipInfo("__main__.py", time)
            info.external_attr = 0o644 << 16
            z.writestr(info, text)
        return out.getvalue()

    later = body(time=(2021, 1, 1, 0, 0, 0))
    python = b"#!/usr/bin/python3\n"
    put("never", "zipapp-interpreter", python + body(), b"#!/tmp/x/python3\n" + body())
    put("never", "zipapp-code", python + body(), python + body(b"evil(1)\n"))
    put("never", "zipapp-second-line", python + b"evil\n" + body(), python + b"evil\n" + later)
    put("never", "zipapp-control", b"#!/bin/sh\x1b[2J\n" + body(), b"#!/bin/sh\x1b[2J\n" + later)
    put("never", "zipapp-long", b"#!" + b"x" * 200 + b"\n" + body(), b"#!" + b"x" * 200 + b"\n" + later)
    put("never", "zip-program-in-front", b"\x7fELFx" + body(), b"\x7fELFx" + later)
    put("never", "jmod-version", b"JM\1\0" + body(), b"JM\1\1" + body())
    put("never", "jmod-more", b"JM\1\0x" + body(), b"JM\1\0x" + later)
    put("same", "zipapp-mtime", python + body(), python + later)
    put("same", "jmod-mtime", b"JM\1\0" + body(), b"JM\1\0" + later)


def text_pairs():
    """Files that a normalizer for their kind would like to fold."""
    th = b'.TH X 1 "2022-11-25" "x 1.0"\n.SH NAME\nx\n'
    put("never", "man-date", th, th.replace(b"25", b"26"))
    put("never", "man-request", th, th.replace(b".SH NAME", b".sy evil\n.SH NAME"))
    xml = b'<?xml version="1.0"?>\n<a x="1" y="2">t</a>\n'
    put("never", "xml-value", xml, xml.replace(b'"1"', b'"3"'))
    put("never", "xml-space", xml, xml.replace(b"t<", b"t <"))
    put("never", "xml-entity", xml.replace(b"<a", b'<!DOCTYPE a [<!ENTITY e "1">]><a'),
        xml.replace(b"<a", b'<!DOCTYPE a [<!ENTITY e "2">]><a'))
    put("never", "xml-attribute-twice", xml.replace(b'y="2"', b'x="2"'), xml.replace(b'x="1" y="2"', b'x="2" x="1"'))
    put("never", "html-script-string", b"<html><script>f(\"<a x='1' y='2'>\")</script></html>",
        b"<html><script>f(\"<a y='2' x='1'>\")</script></html>")
    put("same", "xml-attributes", xml, xml.replace(b'x="1" y="2"', b'y="2"  x="1"'))
    control = b"Package: a\nVersion: 1\nArchitecture: all\nDepends: b\n"
    for name, other in {"depends": control.replace(b": b", b": b, evil"), "field": control + b"Pre-Depends: evil\n",
                        "order": b"Version: 1\nPackage: a\nArchitecture: all\nDepends: b\n",
                        "case": control.replace(b"Depends", b"depends")}.items():
        put("never", "control-" + name, control, other)


tar_pairs()
respelled_pairs()
gzip_pairs()
encoder_pairs()
ar_pairs()
deb_pairs()
wheel_pairs()
jar_pairs()
apk_pairs()
gem_pairs()
arch_pairs()
image_pairs()
alpine_pairs()
sparse_pairs()
cpio_pairs()
headed_pairs()
text_pairs()
owned_zip_pairs()
