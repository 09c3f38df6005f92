# mmdebstrap customize-hook of the tests: applies a rendered bundle to the tree in $1, and leaves it as an
# image of it would be.
set -eu
umask 022
root=$1
work=$root/run/ironseed
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

chroot "$root" sh /run/ironseed/install.sh
printf 'UUID=a1b2c3d4-0000-4000-8000-000000000001 / ext4 rw,discard,errors=remount-ro 0 1\n' > "$root/etc/fstab"
# sshd and visudo judge what was rendered, as they do on a machine.
mkdir -p "$root/run/sshd"
chroot "$root" ssh-keygen -A
chroot "$root" sh /run/ironseed/apply.sh

# The real update-grub writes the boot menu; a stand-in answers for the disk that is not there.
printf 'FS_UUID=a1b2c3d4-0000-4000-8000-000000000001\nPART_UUID=a1b2c3d4-01\n' > "$work/vars"
mkdir -p "$root/boot/grub" "$root/dev/disk/by-uuid"
: > "$root/dev/disk/by-uuid/a1b2c3d4-0000-4000-8000-000000000001"
mount --bind "$work/grub-probe" "$root/usr/sbin/grub-probe"
chroot "$root" update-grub
umount "$root/usr/sbin/grub-probe"
rm -r "$root/dev/disk"
chmod 0600 "$root/boot/grub/grub.cfg"

chroot "$root" sh /run/ironseed/removals.sh
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/lib/cloud/* "$root"/var/tmp/* \
    "$root"/var/log/journal/* "$root/var/lib/dbus/machine-id" "$root"/etc/ssh/ssh_host_*
find "$root/var/log" -xdev -type f -exec truncate -s 0 {} +
: > "$root/etc/machine-id"
mkdir -p "$root/usr/share/ironseed"
status=$(sha256sum < "$root/var/lib/dpkg/status")
printf '{"format":1,"pending":[],"security_release":[],"dpkg_status_sha256":"%s"}\n' "${status%% *}" \
    > "$root/usr/share/ironseed/build.json"
rm -r "$work" "$root/run/sshd"
