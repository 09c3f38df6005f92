#!/bin/bash
# Makes a stock tree of the rpm family in TREE, as far as ironseed looks at one: packages of the real names with the files
# that decide something, installed by the real rpm. What a program of this machine brings as well is copied from it.
#
#   make.sh WORK TREE
#
# Which release it is of stands in the environment: ID, VERSION_ID, DIST (the end of its packages' releases), the versions OPENSSH, SYSTEMD,
# CLOUD_INIT and FAIL2BAN, DATABASE (rpm's folder), and AUTOMATIC (the package that installs updates) with TIMER (its units' name).
# The tree's packages are a repository as well, in WORK/RPMS/noarch, which the tree's dnf asks; WORK/home tells dnf where the database is.
set -euo pipefail
work=$1 tree=$2
stock=$work/stock
spec=$work/stock.spec
kernel=5.14.0-427.$DIST.x86_64

put() { # PATH, and the content on stdin
	mkdir -p "$stock$(dirname "$1")"
	cat >"$stock$1"
}
copy() {
	mkdir -p "$stock$(dirname "$1")"
	cp -aL "$1" "$stock$1"
}
unit() { # NAME WANTED-BY LINE...
	local name=$1 wanted=$2
	shift 2
	printf '%s\n' '[Unit]' 'Description=Made for a test' "$@" '[Install]' "WantedBy=$wanted" |
		put "/usr/lib/systemd/system/$name"
}

put /usr/lib/os-release <<-END
	NAME="Made for a test"
	ID="$ID"
	VERSION_ID="$VERSION_ID"
	PLATFORM_ID="platform:$DIST"
END
mkdir -p "$stock/etc"
ln -s ../usr/lib/os-release "$stock/etc/os-release"
put /usr/lib/systemd/system-preset/90-default.preset <<<'enable sshd.service'
put /usr/lib/systemd/system-preset/99-default-disable.preset <<<'disable *'
put /usr/lib/systemd/systemd-journald <<<program
put /etc/systemd/journald.conf <<<'[Journal]'
for target in multi-user timers sysinit basic; do
	put /usr/lib/systemd/system/$target.target <<<'[Unit]'
done
ln -s multi-user.target "$stock/usr/lib/systemd/system/default.target"
unit sshd.service multi-user.target '[Service]' 'EnvironmentFile=-/etc/sysconfig/sshd' \
	'ExecStart=/usr/sbin/sshd -D $OPTIONS'
put /usr/sbin/sshd <<<program
put /etc/ssh/sshd_config <<-'END'
	Include /etc/ssh/sshd_config.d/*.conf
	AuthorizedKeysFile .ssh/authorized_keys
	Subsystem sftp /usr/libexec/openssh/sftp-server
END
put /etc/ssh/sshd_config.d/50-redhat.conf <<-'END'
	SyslogFacility AUTHPRIV
	ChallengeResponseAuthentication no
	GSSAPIAuthentication yes
	UsePAM yes
	X11Forwarding yes
END
put /etc/cloud/cloud.cfg <<-'END'
	users: [default]
	disable_root: true
	ssh_pwauth: false
	system_info: {default_user: {name: rocky}}
END
put /etc/dnf/dnf.conf <<-'END'
	[main]
	gpgcheck=1
END
put /etc/yum.repos.d/stock.repo <<-END
	[baseos]
	name=Made for a test
	baseurl=file://$work/RPMS/noarch
	enabled=1
	gpgcheck=1
END
unit "$TIMER.timer" timers.target '[Timer]' 'OnCalendar=*-*-* 6:00' 'RandomizedDelaySec=60m' 'Persistent=true'
case $TIMER in
dnf5-*) starts='/usr/bin/dnf5 automatic --timer' ;;
*) starts='/usr/bin/dnf-automatic /etc/dnf/automatic.conf --timer' ;;
esac
unit "$TIMER.service" multi-user.target '[Service]' 'Type=oneshot' "ExecStart=$starts"
copy /usr/lib/firewalld
copy /usr/sbin/firewalld
copy /usr/lib/systemd/system/firewalld.service
copy /etc/fail2ban
rm -f "$stock"/etc/fail2ban/jail.d/*
copy /usr/bin/fail2ban-client
copy /usr/lib/systemd/system/fail2ban.service
put "/usr/lib/modules/$kernel/vmlinuz" <<<kernel
put /boot/grub2/grub.cfg <<-'END'
	load_env
	set default="${saved_entry}"
	insmod blscfg
	blscfg
END
put /etc/selinux/config <<-'END'
	SELINUX=enforcing
	SELINUXTYPE=targeted
END
ssh-keygen -q -t ed25519 -N '' -C public -f "$work/regress"
put /usr/share/doc/openssh/regress.key <"$work/regress"
put /etc/passwd <<-'END'
	root:x:0:0:root:/root:/bin/bash
	sshd:x:74:74::/usr/share/empty.sshd:/usr/sbin/nologin
END
put /etc/shadow <<-'END'
	root:!!:19000:0:99999:7:::
	sshd:!!:19000::::::
END
put /etc/group <<-'END'
	root:x:0:
	wheel:x:10:
	sshd:x:74:
END

cat >"$spec" <<'END'
Name: stock
Version: 1
Release: 1
Summary: A stock tree
License: Apache-2.0
BuildArch: noarch
AutoReqProv: no
%define _build_id_links none
%define __os_install_post %{nil}
%description
Made for a test.
%install
cp -a %{stock}/. %{buildroot}/
END
package() { # NAME EPOCH VERSION RELEASE FILE...
	local name=$1
	printf '%s\n' "%package -n $name" "Epoch: $2" "Version: $3" "Release: $4" 'Summary: Made for a test' \
		"%description -n $name" 'Made for a test.' "%files -n $name"
	shift 4
	printf '%s\n' "$@"
} >>"$spec"
config='%config(noreplace)'
units=/usr/lib/systemd/system
package "$ID-release" 0 "$VERSION_ID" "1.$DIST" /etc/os-release /usr/lib/os-release /usr/lib/systemd/system-preset
package systemd 0 "$SYSTEMD" "51.$DIST" /usr/lib/systemd/systemd-journald "$units/*.target" "$config /etc/systemd/journald.conf"
package openssh-server 0 "$OPENSSH" "7.$DIST" /usr/sbin/sshd $units/sshd.service /usr/share/doc/openssh/regress.key \
	"$config /etc/ssh/sshd_config" "$config /etc/ssh/sshd_config.d/50-redhat.conf"
package cloud-init 0 "$CLOUD_INIT" "4.$DIST" "$config /etc/cloud/cloud.cfg"
package dnf 0 1 "1.$DIST" "$config /etc/dnf/dnf.conf" "$config /etc/yum.repos.d/stock.repo"
package "$AUTOMATIC" 0 1 "1.$DIST" "$units/$TIMER.*"
package firewalld 0 1.3.4 "9.$DIST" /usr/lib/firewalld /usr/sbin/firewalld $units/firewalld.service
package fail2ban-server 0 "$FAIL2BAN" "6.$DIST" "$config /etc/fail2ban" /usr/bin/fail2ban-client $units/fail2ban.service
package kernel-core 0 5.14.0 "427.$DIST" /usr/lib/modules
package grub2-common 1 2.06 "104.$DIST" "$config /boot/grub2/grub.cfg"
package selinux-policy-targeted 0 38.1 "1.$DIST" "$config /etc/selinux/config"
package setup 0 2.13.7 "10.$DIST" "$config /etc/passwd" "$config /etc/shadow" "$config /etc/group"
for name in policycoreutils-python-utils python3-systemd nftables; do
	package $name 0 1 "1.$DIST"
done

rpmbuild -bb --quiet --nodeps --define "_topdir $work" --define "stock $stock" "$spec"
mkdir -p "$tree/usr/bin" "$tree/usr/sbin" "$tree/usr/lib" "$tree/usr/lib64" "$tree/var/tmp" "$tree/var/log"
for folder in bin sbin lib lib64; do
	ln -s usr/$folder "$tree/$folder"
done
unshare --map-root-user rpm --root "$tree" --dbpath "$DATABASE" --nodeps --nosignature --quiet \
	-i "$work"/RPMS/noarch/*.rpm

# The repository has nothing newer, and an advisory that is about nothing here.
createrepo_c --quiet "$work/RPMS/noarch"
cat >"$work/updateinfo.xml" <<'END'
<updates><update from="a@example.org" status="final" type="security" version="1"><id>MADE-1</id><title>Made for a test</title>
<issued date="2026-01-01 00:00:00"/><updated date="2026-01-01 00:00:00"/><pkglist><collection>
<package name="elsewhere" version="2" release="1" epoch="0" arch="noarch"><filename>elsewhere-2-1.noarch.rpm</filename></package>
</collection></pkglist></update></updates>
END
modifyrepo_c "$work/updateinfo.xml" "$work/RPMS/noarch/repodata" >/dev/null
mkdir "$work/home"
echo "%_dbpath $DATABASE" >"$work/home/.rpmmacros"

: >"$tree/etc/machine-id"

# What kernel-install makes of the kernel.
mkdir -p "$tree/boot/loader/entries"
cp "$tree/usr/lib/modules/$kernel/vmlinuz" "$tree/boot/vmlinuz-$kernel"
: >"$tree/boot/initramfs-$kernel.img"
cat >"$tree/boot/loader/entries/0123-$kernel.conf" <<END
title Rocky Linux ($kernel)
version $kernel
linux /vmlinuz-$kernel
initrd /initramfs-$kernel.img
options root=UUID=0 ro console=ttyS0,115200n8
END
{
	printf '# GRUB Environment Block\nsaved_entry=0123-%s\n' "$kernel"
	head -c 1024 /dev/zero | tr '\0' '#'
} | head -c 1024 >"$tree/boot/grub2/grubenv"
