#!/bin/sh
# Takes away what a machine has of its own, so that its disk becomes an image.
#
# systemd runs it as its last act before it switches the machine off: all processes have ended, so nothing is written
# after it. Who waits outside trusts the words `ironseed: sealed` on the console and nothing else. /run/ironseed, which
# is no part of the disk, holds this script and
#   build.json                        the build's record, which was taken while the machine ran
#   user                              the account that cloud-init made; empty where the stock image had it
#   removals.list                     patterns of paths, ended by NUL
#   restored.list, restored.tar       paths that shall be as in the stock image, ended by NUL; their content there
exec </dev/null >/dev/console 2>&1
set -eu
umask 022
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
work=/run/ironseed
trap 'echo "ironseed: not sealed"' EXIT

filesystems=ext4,xfs,btrfs
mount -o remount,rw /
mount -a -t "$filesystems"

install -D -m 0644 "$work/build.json" /usr/share/ironseed/build.json

user=$(cat "$work/user")
if [ -n "$user" ]; then
    # Its last words are about mail that it never had.
    userdel --force --remove "$user" || ! id "$user" 2>/dev/null
fi
xargs -0 -r rm -rf -- < "$work/restored.list"
tar -x -p --numeric-owner -C / -f "$work/restored.tar"
xargs -0 -x -a "$work/removals.list" sh -eu -c 'IFS=; for pattern; do rm -rf -- $pattern; done' rm
find /var/log -xdev -type f -exec truncate -s 0 {} +
: > /etc/machine-id
rm -f /usr/lib/systemd/system-shutdown/ironseed-seal
if command -v restorecon >/dev/null; then
    xargs -0 -r restorecon -R -i < "$work/restored.list"
fi

# What was deleted is to leave the disk, too.
points=$(awk -v wanted=",$filesystems," 'index(wanted, "," $3 ",") { print $2 }' /proc/self/mounts | sort -r -u)
sync
for point in $points; do
    fstrim "$point"
done
for point in $points; do
    [ "$point" = / ] || umount "$point"
done
mount -o remount,ro /
trap - EXIT
echo "ironseed: sealed"
