#!/bin/sh
# Makes the small images and the archive that the fuzz targets of disks and archives change:
# filesystems, a GPT with one, a compressed qcow2 image with small clusters, and a tar.
#
#   tests/fuzz/bases/make.sh    needs root, loop devices, mke2fs, mkfs.xfs, mkfs.btrfs, sgdisk, qemu-img and tar
set -eu

bases=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
export SOURCE_DATE_EPOCH=1700000000
work=$(mktemp -d)
trap 'umount "$work/mnt" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

mkdir -p root/etc root/usr/lib root/many
echo ID=sample >root/usr/lib/os-release
ln -s ../usr/lib/os-release root/etc/os-release
ln -s /etc/passwd root/etc/link
echo root:x:0:0:root:/root:/bin/bash >root/etc/passwd
cp -a root small
rm -r small/many
# A link too long for its inode, a directory of several blocks, and a file with a hole.
ln -s "/$(printf '%0100d' 0)" root/etc/long
for number in $(seq 30); do echo "$number" >"root/many/a-rather-long-name-$number"; done
truncate -s 100000 root/usr/lib/hole
echo end >>root/usr/lib/hole

# No checksums: damage is to reach the readers behind them.
plain='^has_journal,^metadata_csum,^resize_inode'
uuid=00000000-0000-0000-0000-00000000000
mke2fs -q -t ext4 -b 1024 -N 64 -O "$plain,inline_data" -U ${uuid}1 \
	-E hash_seed=${uuid}2,root_owner=0:0 -d root ext4 256K
mke2fs -q -t ext4 -b 1024 -N 32 -O "$plain" -U ${uuid}1 -E hash_seed=${uuid}2,root_owner=0:0 -d small small.img 128K
truncate -s 192K partitions
sgdisk -a 1 -o -U ${uuid}3 -n 1:34:+16 -t 1:ef00 -n 2:64:319 -t 2:8304 -u 1:${uuid}4 -u 2:${uuid}5 partitions >/dev/null
dd if=small.img of=partitions bs=512 seek=64 conv=notrunc status=none
qemu-img convert -c -O qcow2 -o cluster_size=512 small.img qcow2
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$SOURCE_DATE_EPOCH -S --format=gnu -C root -cf tar etc usr

# What only the kernel can store: many pieces, a large directory, compression, subvolumes.
pieces() {
	for number in $(seq 0 2 120); do
		dd if=root/etc/passwd of=mnt/pieces bs=4096 seek="$number" conv=notrunc status=none
	done
	sync
}
mkdir mnt
truncate -s 16M xfs btrfs
mkfs.xfs -q --unsupported -d agcount=1 -m uuid=${uuid}1 xfs
cp xfs fresh
mount -o loop xfs mnt
cp -a -T root mnt
ln -s "/$(printf '%0900d' 0)" mnt/etc/longer
for number in $(seq 300); do : >"mnt/many/a-rather-long-name-$number"; done
pieces
fstrim mnt
umount mnt
# The log as mkfs writes it: used, it would be most of the image.
log=$(xfs_db -c 'sb 0' -c 'print logstart logblocks' fresh)
start=$(echo "$log" | sed -n 's/logstart = //p') blocks=$(echo "$log" | sed -n 's/logblocks = //p')
dd if=fresh of=xfs bs=4096 skip="$start" seek="$start" count="$blocks" conv=notrunc status=none
mkfs.btrfs -q -M -n 4096 -m single -U ${uuid}1 btrfs
mount -o loop,compress=zstd btrfs mnt
cp -a -T root mnt
for method in zstd zlib lzo; do
	: >"mnt/etc/$method"
	btrfs property set "mnt/etc/$method" compression $method
	seq 5000 >"mnt/etc/$method"
done
btrfs -q subvolume create mnt/home
echo file >mnt/home/file
btrfs -q subvolume create mnt/home/inner
btrfs -q subvolume snapshot mnt/home mnt/copy
pieces
fstrim mnt
mount -o remount,ro mnt
umount mnt

for base in ext4 xfs btrfs partitions qcow2 tar; do gzip -9n <$base >"$bases/$base.gz"; done
