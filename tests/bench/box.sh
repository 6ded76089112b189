#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# box.sh BUILD WORKDIR [RUNS [ROUNDS]]: what a box costs.  Start to exit of /bin/true against bwrap, runc and
# fork+exec in turns, RUNS times; a real configure and make (Debian's zlib) in a box, recorded and not, against bare, in
# turns, ROUNDS times.  As root.  On a busy machine: chrt -f 1 box.sh ... takes the processors first.
set -euo pipefail
build=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
runs=${3:-100} rounds=${4:-5}

# the bundle that runc gets: its own default, an empty root with the same read-only /usr
bundle=$work/bundle
rm -rf "$bundle"
mkdir -p "$bundle"/rootfs/{usr,etc,proc,sys,dev,tmp}
for link in bin sbin lib lib64; do ln -s usr/$link "$bundle/rootfs/$link"; done
runc spec --bundle "$bundle"
python3 - "$bundle/config.json" <<'EOF'
import json, sys
spec = json.load(open(sys.argv[1]))
spec["process"].update(terminal=False, args=["/bin/true"])
for place in "/usr", "/etc":
    spec["mounts"].append({"destination": place, "source": place, "type": "bind", "options": ["rbind", "ro"]})
json.dump(spec, open(sys.argv[1], "w"))
EOF
"$build/bench/box" "$runs"
# by itself: what it leaves to the kernel to clean up slows down whoever comes next
OCI_BUNDLE=$bundle "$build/bench/box" 50

source=$work/source
if [ ! -d "$source" ]; then
	apt=$work/apt
	mkdir -p "$apt/lists/partial"
	sed 's/^Types: deb$/Types: deb-src/; s/^deb /deb-src /' /etc/apt/sources.list.d/debian.sources >"$apt/debian.sources"
	options=(-o "Dir::Etc::SourceList=$apt/debian.sources" -o Dir::Etc::SourceParts=none -o "Dir::State::Lists=$apt/lists")
	apt-get "${options[@]}" -qq update
	(cd "$apt" && apt-get "${options[@]}" -qq source --download-only zlib)
	mkdir "$source.part"
	tar -xf "$apt"/zlib_*.orig.tar.* -C "$source.part" --strip-components=1
	mv "$source.part" "$source"
fi
"$build/bench/box_build" "$source" "$rounds"
