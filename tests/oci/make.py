# SPDX-License-Identifier: Apache-2.0
"""make.py DIRECTORY: OCI image layouts of our own: one that builds, and hostile ones.  Prints name and digest of each.

The root file system is this machine's shell and a few tools with their libraries: small, and enough to build with."""
import gzip, hashlib, io, json, os, re, subprocess, sys, tarfile

top = sys.argv[1]
layout = os.path.join(top, "layout")
blobs = os.path.join(layout, "blobs", "sha256")
os.makedirs(blobs)
with open(os.path.join(layout, "oci-layout"), "w") as f:
    f.write('{"imageLayoutVersion": "1.0.0"}')


def blob(data):
    name = hashlib.sha256(data).hexdigest()
    with open(os.path.join(blobs, name), "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + name, "size": len(data)}


def member(path, data=None, mode=0o644, type=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(path)
    info.mode, info.type, info.linkname, info.size = mode, type, link, len(data or b"")
    return info, data


def layer(members, zip=False):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data) if data is not None else None)
    data = gzip.compress(out.getvalue(), mtime=0) if zip else out.getvalue()
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if zip else ""), **blob(data)}


def manifest(*layers):
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode())
    text = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config}, "layers": list(layers)}
    return blob(json.dumps(text).encode())


def rootfs():
    files = {}
    for tool in ("sh", "cp", "cat", "ls", "mkdir", "rm"):
        path = subprocess.run(["which", tool], check=True, capture_output=True, text=True).stdout.strip()
        files["bin/" + tool] = os.path.realpath(path)
        for lib in re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", path], capture_output=True, text=True).stdout):
            files[lib.lstrip("/")] = os.path.realpath(lib)
    for path, source in sorted(files.items()):
        yield member(path, open(source, "rb").read(), 0o755)


directory = tarfile.DIRTYPE
base = layer([member("opt", type=directory, mode=0o755), member("opt/version", b"one\n"), member("opt/gone", b"x"),
              member("opt/hidden", type=directory, mode=0o755), member("opt/hidden/below", b"x"),
              member("opt/link", type=tarfile.SYMTYPE, link="/opt/version"), *rootfs()], zip=True)
change = layer([member("opt/version", b"two\n"), member("opt/.wh.gone", b""), member("opt/hidden/.wh..wh..opq", b""),
                member("opt/hidden/above", b"x"), member("opt/same", type=tarfile.LNKTYPE, link="opt/version"),
                member("dev/null", type=tarfile.CHRTYPE)])
good = manifest(base, change)
index = blob(json.dumps({"schemaVersion": 2, "manifests": [
    {"platform": {"os": "linux", "architecture": "s390x"}, "digest": "sha256:" + "0" * 64, "size": 1},
    {"platform": {"os": "linux", "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]}, **good}]}).encode())
print("good", good["digest"])
print("index", index["digest"])
outside = os.path.join(top, "outside")
os.makedirs(outside)
hostile = {
    "dots": [member("a/../../outside/dots", b"x")],
    "through-link": [member("a", type=tarfile.SYMTYPE, link=outside), member("a/through-link", b"x")],
    "link-over-link": [member("a", type=tarfile.SYMTYPE, link=os.path.join(outside, "file")), member("a", b"x")],
    "twice": [member("a", b"x"), member("a", b"y")],
    "hard-link-out": [member("a", type=tarfile.LNKTYPE, link="../../../../etc/passwd")],
    "hard-link-absolute": [member("a", type=tarfile.LNKTYPE, link="/etc/passwd")],
    "hard-link-through-link": [member("a", type=tarfile.SYMTYPE, link="/etc"), member("b", type=tarfile.LNKTYPE, link="a/passwd")],
    "device": [member("disk", type=tarfile.BLKTYPE)],
    "whiteout-dots": [member(".wh...", b"")],
    "whiteout-of-itself": [member("a", b"x"), member(".wh.a", b"")],
}
for name, members in hostile.items():
    print(name, manifest(base, layer(members))["digest"])
print("type", manifest({**base, "mediaType": "application/x-other"})["digest"])
