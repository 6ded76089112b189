#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# vm.sh BUILD: the tests of the box under another kernel (Debian's, emulated by qemu without KVM), where
# control groups are version 2 alone with all controllers, and no other helper of the host is there.
set -euo pipefail
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kernel=$(printf '%s\n' /boot/vmlinuz-*cloud* | sort -V | tail -n 1)
[ -r "$kernel" ] || { echo "no cloud kernel below /boot: make deps-vm" >&2; exit 1; }
modules=/lib/modules/${kernel#/boot/vmlinuz-}
tree=$work/tree

# what the tests run, with the libraries that it needs
copy() {
	local file library
	for file in "$@"; do
		mkdir -p "$tree$(dirname "$file")"
		cp -n --dereference "$file" "$tree$file"
		{ ldd "$file" 2>/dev/null | grep -oE '/[^ ]+' || true; } | while read -r library; do
			mkdir -p "$tree$(dirname "$library")"
			cp -n --dereference "$library" "$tree$library"
		done
	done
}

mkdir -p "$tree"/{usr/bin,usr/sbin,usr/lib,usr/lib64,dev,proc,sys,tmp,var/tmp,etc,root}
for link in bin sbin lib lib64; do ln -s usr/$link "$tree/$link"; done
for tool in cat chmod cp cut date dd env expr false find getconf grep head hostname id ln ls mkdir \
	mknod mv nproc perl printf readlink rm sed seq setfattr setsid sh sleep sort tail tee timeout touch tr true \
	truncate tty uname unshare wc; do
	copy "$(type -P $tool)"
done
copy /bin/busybox "$build/assay" "$build/assay-box" "$build/tests/t_box" "$build/tests/t_box_view"
cp -a /usr/lib/x86_64-linux-gnu/perl-base "$tree/usr/lib/x86_64-linux-gnu/"
mkdir -p "$tree/usr/lib/locale"
cp -a /usr/lib/locale/C.utf8 "$tree/usr/lib/locale/"
mkdir -p "$tree/usr/share/common-licenses"
cp /usr/share/common-licenses/BSD "$tree/usr/share/common-licenses/"
cp /etc/passwd /etc/group /etc/nsswitch.conf "$tree/etc/"
cat >"$tree/run.sh" <<EOF
#!/bin/sh
export PATH=/usr/bin:/usr/sbin LC_ALL=C.UTF-8 TZ=UTC TMPDIR=/tmp CK_VERBOSITY=normal CK_DEFAULT_TIMEOUT=600
export CK_TIMEOUT_MULTIPLIER=10 ASSAY=$build/assay
chmod 1777 /tmp
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo "vm: \$(uname -r), controllers: \$(cat /sys/fs/cgroup/cgroup.controllers)"
# a delegated group with processes in it, as a service has it
echo '+memory +pids +cpu +io' >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/worker.service
setfattr -n trusted.delegate -v 1 /sys/fs/cgroup/worker.service
echo \$\$ >/sys/fs/cgroup/worker.service/cgroup.procs
$build/assay worker check
$build/tests/t_box_view && $build/tests/t_box && echo vm: all passed
find /sys/fs/cgroup -name 'assay-box-*' | sed 's/^/vm: left: /'
busybox poweroff -f
EOF
chmod 755 "$tree/run.sh"
mke2fs -qF -t ext4 -d "$tree" "$work/disk" 256M

# the modules of the disk and of overlays, and nothing else
ram=$work/ram
mkdir -p "$ram"/{bin,dev,new}
cp /bin/busybox "$ram/bin/"
for module in virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev virtio/virtio_pci_modern_dev \
	virtio/virtio_pci block/virtio_blk; do
	cp "$modules/kernel/drivers/$module.ko" "$ram/"
done
cp "$modules/kernel/fs/overlayfs/overlay.ko" "$ram/"
cat >"$ram/init" <<'EOF'
#!/bin/busybox sh
for m in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk overlay; do
	/bin/busybox insmod /$m.ko
done
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t ext4 /dev/vda /new
exec /bin/busybox switch_root /new /run.sh
EOF
chmod 755 "$ram/init"
(cd "$ram" && find . | busybox cpio -o -H newc) 2>/dev/null | gzip >"$work/initrd"

timeout "${VM_TIMEOUT:-900}" qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 2G -nographic \
	-no-reboot -kernel "$kernel" -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1" \
	-drive "file=$work/disk,format=raw,if=virtio" </dev/null | tee "$work/out"
grep -q '^vm: all passed' "$work/out"
! grep -q '^vm: left' "$work/out"
