# SPDX-License-Identifier: Apache-2.0
"""Real Debian sources, rebuilt bare with dpkg-buildpackage -b, one factor changed in each rebuild.

apt-get source runs on a private state with the machine's own mirror; nothing of the machine's apt is changed.  A source
that the mirror does not carry is left out and said so.
"""
import glob
import os
import shutil
import subprocess
import sys

from cases import Case

SOURCES = ("sl", "tree", "figlet")
BASE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TZ": "UTC",
        "DEB_BUILD_OPTIONS": "nocheck parallel=1"}
NO_MAP = {"DEB_BUILD_MAINT_OPTIONS": "reproducible=-fixfilepath,-fixdebugpath"}
MANY = ("unexplained_code_change",)
ID = ("build_id_differences_only",)
SAME = ()

# name: the causes that it must be explained with (none: the package is immune), what differs
FACTORS = {
    "again": (SAME, {}),
    "path": (SAME, {"DIR": "elsewhere/and/longer"}),
    "zone": (SAME, {"TZ": "Asia/Tokyo"}),
    "umask": (SAME, {"UMASK": "002"}),
    "user": (SAME, {"USER": "alice", "LOGNAME": "alice", "HOME": "/home/alice"}),
    "shell": (SAME, {"SHELL": "/bin/bash"}),
    "jobs": (SAME, {"DEB_BUILD_OPTIONS": "nocheck parallel=7"}),
    "level": (("compression_encoder_differs",), {"DPKG_DEB_COMPRESSOR_LEVEL": "1"}),
    "epoch": (("timestamps_in_static_libraries", "timestamps_in_tarball"), {"SOURCE_DATE_EPOCH": "1700000000"}),
    "nostrip": (("debug_symbols_not_stripped",), {"DEB_BUILD_OPTIONS": "nocheck parallel=1 nostrip"}),
    "ident": (ID, {"DEB_CFLAGS_APPEND": "-fno-ident"}),
    "flags": (ID + MANY, {"DEB_CFLAGS_APPEND": "-grecord-gcc-switches -fcommon"}),
    "level-of-optimization": (MANY, {"DEB_CFLAGS_APPEND": "-O1"}),
    "native": (MANY, {"DEB_CFLAGS_APPEND": "-O3 -march=haswell"}),
}


def shell(command, cwd, env=None):
    return subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False, timeout=600)


def fetch(work):
    """The sources that the mirror has, by a private apt state."""
    os.makedirs(work, exist_ok=True)
    script = r"""
mkdir -p state/lists/partial cache/archives/partial
: > sources.list
for f in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/*.sources; do
	[ -e "$f" ] && grep -q 'debian-archive-keyring' "$f" && sed 's/^Types:.*/Types: deb-src/' "$f" > debian.sources && break
done
[ -e debian.sources ] || sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > sources.list
mkdir -p parts; [ ! -e debian.sources ] || mv debian.sources parts/
O="-qq -o Dir::State=$PWD/state -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache=$PWD/cache -o Dir::Etc::sourcelist=$PWD/sources.list
-o Dir::Etc::sourceparts=$PWD/parts -o APT::Sandbox::User=root"
apt-get $O update
for s in """ + " ".join(SOURCES) + r"""; do
	ls "$s"_*.dsc >/dev/null 2>&1 || apt-get $O --download-only source "$s" || echo "rebuilds: the mirror has no source of $s"
done
"""
    done = shell(script, work)
    for line in done.stdout.splitlines():
        if line.startswith("rebuilds:"):
            print(line, file=sys.stderr)
    return [s for s in SOURCES if glob.glob(os.path.join(work, s + "_*.dsc")) and glob.glob(os.path.join(work, s + "_*orig*"))]


def rebuild(work, source, name, changes):
    kept = os.path.join(work, source, name)
    if os.path.isdir(kept):
        return kept
    env = {**BASE, **{k: v for k, v in changes.items() if k not in ("DIR", "UMASK")}}
    root = os.path.join(work, "build")
    place = os.path.join(root, changes.get("DIR", "here"))
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(place)
    os.chmod(place, 0o755)
    done = shell(f"umask {changes.get('UMASK', '022')}; dpkg-source --no-check -x ../{'../' * changes.get('DIR', '').count('/')}../{source}_*.dsc src >/dev/null; "
                 "cd src; dpkg-buildpackage -b -uc -us -d", place, env)
    debs = [d for d in glob.glob(os.path.join(place, "*.deb")) if "-dbgsym_" not in d]
    if done.returncode or not debs:
        raise RuntimeError(f"{source} {name}: {done.stdout[-400:]}")
    os.makedirs(kept + ".part", exist_ok=True)
    for deb in debs:
        shutil.move(deb, kept + ".part")
    os.rename(kept + ".part", kept)
    return kept


def build_all(work):
    result = []
    for source in fetch(work):
        base = rebuild(work, source, "base", {})
        for name, (causes, changes) in FACTORS.items():
            other = rebuild(work, source, name, changes)
            for deb in sorted(os.listdir(base)):
                if os.path.exists(os.path.join(other, deb)):
                    result.append(Case(f"rebuild-{deb.split('_')[0]}-{name}", causes, "", os.path.join(base, deb),
                                       os.path.join(other, deb), planted=False, may_agree=True))
    shutil.rmtree(os.path.join(work, "build"), ignore_errors=True)
    return result
