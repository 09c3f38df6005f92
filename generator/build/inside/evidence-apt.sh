#!/bin/sh
# Prints the record of a build, of the tree $1 with its packages and apt's lists still there: what was pending, which
# security archives were asked, and the package database that this is true of. Run by finish.sh, and as root inside a
# machine that becomes an image.
set -eu
root=$1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
pending=$(chroot "$root" apt list --upgradable 2>/dev/null | sed -n 's,^\([a-z0-9][a-z0-9.+-]*\)/.*,"\1",p' | paste -sd, -)
releases=$(for file in "$root"/var/lib/apt/lists/*Release; do
    [ -e "$file" ] || continue
    awk -v q='"' '
        function text(s) { gsub(/[\\"]/, "\\\\&", s); gsub(/[[:cntrl:]]/, "", s); return q s q }
        /^(Suite|Codename|Date): / { key = $1; sub(/^[^:]*: */, ""); value[key] = $0 }
        END { if (value["Suite:"] ~ /-security$/)
            print "{\"suite\":" text(value["Suite:"]) ",\"codename\":" text(value["Codename:"]) ",\"date\":" text(value["Date:"]) "}" }
    ' "$file"
done | paste -sd, -)
status=$(sha256sum < "$root/var/lib/dpkg/status")
printf '{"format":1,"pending":[%s],"security_release":[%s],"package_database_sha256":"%s"}\n' \
    "$pending" "$releases" "${status%% *}"
