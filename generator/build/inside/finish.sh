# mmdebstrap customize-hook: turns the installed packages in $1 into what the image holds; pack.sh packs it.
#
# Runs as the user namespace's root, after prepare.sh, and after the payload was unpacked into $1/run/ironseed:
#   vars             values, checked by the builder: shell words of [A-Za-z0-9_.,:=/+@-] only
#   files/, files.list, commands/, removals.list    records ended by NUL
#   *.cfg, fstab, ...                               finished files
# What the builder needs afterwards is left in $1/run/ironseed/out.
set -eu
umask 022
root=$1
work=$root/run/ironseed
here=/run/ironseed
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
. "$work/vars"
mkdir "$work/out"

step() { echo "ironseed: step $1"; }
fail() { echo "ironseed: error: $1" >&2; exit 1; }
need() { [ -e "$root$1" ] || fail "$1 is missing: none of the packages brings it"; }

step configure
# The image's own install(1) resolves owner names and symbolic links: nothing leaves the chroot.
if [ -s "$work/files.list" ]; then
    xargs -0 -x -n 5 -a "$work/files.list" chroot "$root" \
        sh -eu -c 'install -D -m "$1" -o "$2" -g "$3" -- "$4" "$5"' install
fi
for command in "$work"/commands/*; do
    [ -e "$command" ] || continue
    echo "ironseed: running $(tr '\0' ' ' < "$command")"
    xargs -0 -x -a "$command" chroot "$root" < /dev/null
done

step deferred
while read -r program; do
    rm "$root$program"
    chroot "$root" dpkg-divert --quiet --local --rename --remove "$program"
done < "$work/diverted"
# Runs once, with all packages and files in place, and beside the steps up to "bootmenu": it takes one processor,
# and reads and writes nothing that they write or read. It would end with a sync of this machine's whole disk, for a
# tree that lives no longer than the build.
mount --bind "$root/usr/bin/true" "$root/usr/bin/sync"
if [ -e "$root/usr/sbin/update-initramfs" ]; then
    chroot "$root" update-initramfs -c -k all 2>&1 & initramfs=$!
fi
if [ -e "$root/usr/sbin/update-ca-certificates" ]; then
    chroot "$root" update-ca-certificates 2>&1
fi

step bootloader
for file in /usr/lib/grub/i386-pc/boot.img /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed \
    /usr/lib/shim/shimx64.efi.signed /usr/lib/shim/mmx64.efi.signed /usr/sbin/update-grub; do
    need "$file"
done
mkdir -p "$root/boot/grub/fonts" "$root/boot/efi" "$root/etc/default/grub.d"
cp "$work/grub-defaults.cfg" "$root/etc/default/grub.d/50-ironseed.cfg"
chmod 0644 "$root/etc/default/grub.d/50-ironseed.cfg"
for platform in i386-pc x86_64-efi; do
    cp -R "$root/usr/lib/grub/$platform" "$root/boot/grub/"
done
cp "$root/usr/share/grub/unicode.pf2" "$root/boot/grub/fonts/"
chroot "$root" grub-editenv /boot/grub/grubenv create
chroot "$root" grub-mkimage -O i386-pc -o "$here/out/core.img" -c "$here/early.cfg" \
    -p /boot/grub biosdisk part_gpt ext2 search_fs_uuid
cp "$root/usr/lib/grub/i386-pc/boot.img" "$work/out/boot.img"
cp "$root/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$work/out/grubx64.efi"
cp "$root/usr/lib/shim/shimx64.efi.signed" "$work/out/shimx64.efi"
cp "$root/usr/lib/shim/mmx64.efi.signed" "$work/out/mmx64.efi"

step evidence
mkdir -p "$root/usr/share/ironseed"
sh "$work/evidence.sh" "$root" > "$root/usr/share/ironseed/build.json"
chmod 0644 "$root/usr/share/ironseed/build.json"
cp "$root/usr/share/ironseed/build.json" "$work/out/build.json"

step bootmenu
[ -z "${initramfs-}" ] || wait "$initramfs" || fail "update-initramfs failed"
umount "$root/usr/bin/sync"
cp "$work/fstab" "$root/etc/fstab"
chmod 0644 "$root/etc/fstab"
# grub-probe can't see the disk that is yet to be made: a stand-in answers for it while the real
# update-grub writes grub.cfg, which comes out as it will on the booted system.
chmod 0755 "$work/grub-probe"
mount --bind "$work/grub-probe" "$root/usr/sbin/grub-probe"
mkdir -p "$root/dev/disk/by-uuid"
: > "$root/dev/disk/by-uuid/$FS_UUID"
chroot "$root" update-grub 2>&1
rm -r "$root/dev/disk"
umount "$root/usr/sbin/grub-probe"
chmod 0600 "$root/boot/grub/grub.cfg"
grep -q "root=UUID=$FS_UUID" "$root/boot/grub/grub.cfg" || fail "grub.cfg boots no kernel: none of the packages brings one"
# Lets grub-cloud's triggers write the boot loader anew when it is upgraded on the booted system.
: > "$root/etc/grub.d/enable_cloud"

step clean
if [ -e "$root/sbin/start-stop-daemon.REAL" ]; then
    mv "$root/sbin/start-stop-daemon.REAL" "$root/sbin/start-stop-daemon"
fi
# A pattern is expanded unquoted, with no word splitting, by the image's own shell.
xargs -0 -x -a "$work/removals.list" chroot "$root" \
    sh -eu -c 'IFS=; for pattern; do rm -rf -- $pattern; done' rm
find "$root/var/log" -xdev -type f -exec truncate -s 0 {} +
[ -L "$root/etc/resolv.conf" ] || rm -f "$root/etc/resolv.conf"
cp "$work/hostname" "$root/etc/hostname"
: > "$root/etc/machine-id"
chmod 0644 "$root/etc/hostname" "$root/etc/machine-id"
