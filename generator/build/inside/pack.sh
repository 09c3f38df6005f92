# mmdebstrap customize-hook: packs the finished tree $1 into the root filesystem, straight into the disk.
#
# Runs as the user namespace's root after finish.sh; the same `vars` say what and where. The last line that it prints
# says that the disk is written: mmdebstrap only removes its tree after that.
set -eu
umask 022
root=$1
work=$root/run/ironseed
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
. "$work/vars"

echo "ironseed: step filesystem"
# A second view of the tree, without what is mounted in it now. What the system mounts over later is
# hidden: the image has these directories, and has them empty.
view=$work/view
mkdir "$view"
mount --bind "$root" "$view"
find "$view" -xdev -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mount -t tmpfs -o mode=0755 tmpfs "$view/dev"
mount -t tmpfs -o mode=0755 tmpfs "$view/run"
mount -t tmpfs -o mode=1777 tmpfs "$view/tmp"
mkdir -m 1777 "$view/run/lock"
MKE2FS_CONFIG=$work/mke2fs.conf E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -F -t ext4 -L "$ROOT_LABEL" -U "$FS_UUID" -m 1 \
    -E "offset=$ROOT_OFFSET,hash_seed=$FS_UUID,root_owner=0:0" -d "$view" "/proc/self/fd/$DISK_FD" "$ROOT_KIB"
umount "$view/tmp" "$view/run" "$view/dev" "$view"
echo "ironseed: step image"
