#!/bin/sh
# Prints the record of a build, of the tree $1 whose packages rpm keeps: which updates $2 (dnf, yum) finds pending in
# metadata that it fetches now, which repositories it asked, and the package database that this is true of. $3 is
# `security` where the repositories say which updates are for security, else `all`. Run as root inside a machine that
# becomes an image. Whatever goes wrong is an error: it never means that nothing is pending.
set -eu
root=$1 program=$2 updates=$3
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
fail() { echo "ironseed: error: $1" >&2; exit 1; }
# A repository that can't be reached may have updates, and so may a package that the configuration excludes.
ask() {
    "$program" -q --installroot="$root" --setopt='*.skip_if_unavailable=0' --setopt=excludepkgs= \
        --setopt='*.excludepkgs=' "$@" < /dev/null
}
json() { sed 's/.*/"&"/' | paste -sd, -; }

listed=$(ask repolist)
repositories=$(printf '%s\n' "$listed" | sed -n '/^repo id /d; s/^!\{0,1\}\([A-Za-z0-9_.:-]\{1,\}\).*/\1/p' | json)
[ -n "$repositories" ] || fail "no repository is enabled, so nobody knows of updates"

ask clean expire-cache > /dev/null
if [ "$updates" = all ]; then set --; else set -- "--$updates"; fi
status=0
listed=$(ask check-update "$@") || status=$?
case $status in
    0) pending= ;;
    100)
        pending=$(printf '%s\n' "$listed" | sed -n 's/^\([A-Za-z0-9][A-Za-z0-9_.+-]*\)\.[a-z0-9_]\{1,\}\( .*\)\{0,1\}$/\1/p' |
            sort -u | json)
        [ -n "$pending" ] || fail "$program names no update, and says that there are some"
        ;;
    *) fail "$program ended with status $status and can't say what is pending" ;;
esac
# Without a single advisory, choosing the updates for security has chosen none.
[ "$updates" = all ] ||
    grep -rqs --include=repomd.xml 'type="updateinfo"' "$root/var/cache/dnf" "$root/var/cache/libdnf5" ||
    fail "no repository says which updates are for security"

database=
for name in rpmdb.sqlite Packages.db Packages; do
    for folder in usr/lib/sysimage/rpm var/lib/rpm; do
        [ ! -f "$root/$folder/$name" ] || database=$root/$folder/$name
    done
done
[ -n "$database" ] || fail "there is no package database"
# What SQLite wrote last may stand in its log alone.
digest=$({ cat "$database"; [ ! -f "$database-wal" ] || cat "$database-wal"; } | sha256sum)
printf '{"format":1,"pending":[%s],"repositories":[%s],"package_database_sha256":"%s"}\n' \
    "$pending" "$repositories" "${digest%% *}"
