#!/bin/bash
# Makes in WORK: a tree with packages that the real rpm installed, in `tree`; a repository with newer ones, in `repo`,
# where one advisory is for security and one is not; and a `home` that says where rpm keeps the tree's database, for dnf.
#
#   make.sh WORK
set -euo pipefail
work=$1
tree=$work/tree

rpm_of() { # NAME VERSION
	printf '%s\n' "Name: $1" "Version: $2" 'Release: 1' 'Summary: Made for a test' 'License: Apache-2.0' 'BuildArch: noarch' \
		'AutoReqProv: no' '%description' 'Made for a test.' '%files' >"$work/$1.spec"
	rpmbuild -bb --quiet --define "_topdir $work" "$work/$1.spec"
}
advisory() { # ID TYPE PACKAGE
	printf '<update from="a@example.org" status="final" type="%s" version="1"><id>%s</id><title>Made for a test</title>' "$2" "$1"
	printf '<issued date="2026-01-01 00:00:00"/><updated date="2026-01-01 00:00:00"/><pkglist><collection short="made">'
	printf '<package name="%s" version="2" release="1" epoch="0" arch="noarch"><filename>%s-2-1.noarch.rpm</filename></package>' \
		"$3" "$3"
	printf '</collection></pkglist></update>'
}

long=one-whose-name-is-so-long-that-a-column-of-a-terminal-which-is-eighty-wide-does-not-hold-it
mkdir -p "$tree/etc/dnf" "$tree/etc/yum.repos.d" "$tree/usr/share/ironseed" "$work/repo" "$work/home"
echo '%_dbpath /var/lib/rpm' >"$work/home/.rpmmacros"
for name in holed dull $long; do
	rpm_of "$name" 1
	rpm_of "$name" 2
done
rpm_of more 1
HOME=$work/home unshare --map-root-user rpm --root "$tree" --nosignature --quiet -i "$work"/RPMS/noarch/{holed,dull,"$long"}-1-1.noarch.rpm
cp "$work"/RPMS/noarch/*-2-1.noarch.rpm "$work/repo"
createrepo_c --quiet "$work/repo"
{
	printf '<?xml version="1.0"?><updates>'
	advisory MADE-1 security holed
	advisory MADE-2 bugfix dull
	printf '</updates>'
} >"$work/updateinfo.xml"
modifyrepo_c "$work/updateinfo.xml" "$work/repo/repodata" >/dev/null

# What would hide the update, if anybody asked as a user does.
printf '[main]\nexcludepkgs=holed\n' >"$tree/etc/dnf/dnf.conf"
printf '[made]\nname=Made for a test\nbaseurl=file://%s/repo\ngpgcheck=0\nskip_if_unavailable=1\n' "$work" \
	>"$tree/etc/yum.repos.d/made.repo"
