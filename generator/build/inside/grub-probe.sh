#!/bin/sh
# Stands in for grub-probe while the image's disk does not exist yet: answers for a GPT disk
# whose root filesystem is ext4.
. /run/ironseed/vars
target=fs
for word; do
    case $word in
    --target=*) target=${word#--target=} ;;
    esac
done
case $target in
device) echo "/dev/disk/by-uuid/$FS_UUID" ;;
fs_uuid) echo "$FS_UUID" ;;
fs) echo ext2 ;;
partmap) echo gpt ;;
partuuid) echo "$PART_UUID" ;;
abstraction | compatibility_hint | hints_string | fs_label) ;;
*)
    echo "grub-probe stand-in: no answer for $*" >&2
    exit 1
    ;;
esac
