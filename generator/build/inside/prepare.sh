# mmdebstrap essential-hook: makes the builder's place in the new root, $1, and puts off what packages would do
# in vain. dpkg diverts these programs while packages are installed, and an empty script stands in for each;
# finish.sh brings them back.
#   update-initramfs, update-ca-certificates    run by several packages: the last run alone counts
#   ssh-keygen                                  every machine makes its own host keys
set -eu
mkdir -m 0700 "$1/run/ironseed"
for program in /usr/sbin/update-initramfs /usr/sbin/update-ca-certificates /usr/bin/ssh-keygen; do
    chroot "$1" dpkg-divert --quiet --local --rename "$program"
    printf '#!/bin/sh\n' > "$1$program"
    chmod 0755 "$1$program"
    echo "$program" >> "$1/run/ironseed/diverted"
done
