use super::*;
use crate::effective::dpkg::compare_versions;
use crate::effective::rpm::compare_releases;
use crate::effective::testing::MemoryTree;

/// As `grub-mkconfig` writes it, shortened.
const CONFIG: &str = r#"
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="DEFAULT"
fi

if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    save_env saved_entry
  fi
}
function gfxmode {
	set gfxpayload="${1}"
}
menuentry 'Debian GNU/Linux' --class debian --class os $menuentry_id_option 'gnulinux-simple-u' {
	load_video
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	search --no-floppy --fs-uuid --set=root u
	echo	'Loading Linux 6.1.0-56-amd64 ...'
	linux	/boot/vmlinuz-6.1.0-56-amd64 root=UUID=u ro  console=ttyS0 lockdown=integrity lockdown=confidentiality
	initrd	/boot/initrd.img-6.1.0-56-amd64
}
submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-u' {
	menuentry 'Debian, with Linux 6.1.0-56-amd64' --class debian $menuentry_id_option 'gnulinux-6.1.0-56-advanced' {
		linux	/boot/vmlinuz-6.1.0-56-amd64 root=UUID=u ro
	}
	menuentry 'Debian, with Linux 6.1.0-9-amd64' --class debian $menuentry_id_option 'gnulinux-6.1.0-9-advanced' {
		linux	/boot/vmlinuz-6.1.0-9-amd64 root=UUID=u ro quiet
	}
}
if [ "$grub_platform" = "efi" ]; then
	fwsetup --is-supported
	if [ "$?" = 0 ]; then
		menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
			fwsetup
		}
	fi
fi
if [ -f  ${config_directory}/custom.cfg ]; then
  source ${config_directory}/custom.cfg
elif [ -z "${config_directory}" -a -f  $prefix/custom.cfg ]; then
  source $prefix/custom.cfg
fi
"#;

fn tree(default: &str) -> MemoryTree {
    let mut tree = MemoryTree::of(&[("/boot/grub/grub.cfg", &CONFIG.replace("DEFAULT", default))]);
    for release in ["6.1.0-9-amd64", "6.1.0-56-amd64"] {
        tree.write(format!("/boot/vmlinuz-{release}"), "");
        tree.write(format!("/lib/modules/{release}/modules.dep"), "");
    }
    tree.write("/boot/vmlinuz-7.0-orphan", "").write("/boot/config-6.1", "");
    tree
}

fn kernels(tree: &MemoryTree) -> Kernels {
    read(tree.root(), compare_versions).unwrap().unwrap()
}

fn booted(tree: &MemoryTree) -> String {
    match kernels(tree).boots {
        Ok(boot) => boot.release,
        Err(why) => why,
    }
}

#[test]
fn the_newest_kernel_is_installed_and_booted() {
    let kernels = kernels(&tree("0"));
    assert_eq!(kernels.installed, ["6.1.0-9-amd64", "6.1.0-56-amd64"]);
    assert_eq!(kernels.newest(), Some("6.1.0-56-amd64"));
    let boot = kernels.boots.unwrap();
    assert_eq!(
        (boot.kernel_path.as_str(), boot.release.as_str()),
        ("/boot/vmlinuz-6.1.0-56-amd64", "6.1.0-56-amd64")
    );
    assert_eq!(boot.at.to_string(), "/boot/grub/grub.cfg:35");
    assert_eq!(boot.argument("root"), Some("UUID=u"));
    assert_eq!(boot.argument("lockdown"), Some("confidentiality"));
    assert_eq!((boot.argument("ro"), boot.argument("quiet")), (Some(""), None));
}

#[test]
fn a_pinned_older_entry_is_found_by_number_title_or_id() {
    for (default, release) in [
        ("0", "6.1.0-56-amd64"),
        ("1>1", "6.1.0-9-amd64"),
        ("gnulinux-advanced-u>gnulinux-6.1.0-9-advanced", "6.1.0-9-amd64"),
        ("Advanced options>Debian, with Linux 6.1.0-9-amd64", "6.1.0-9-amd64"),
        ("1>0", "6.1.0-56-amd64"),
        ("1", "6.1.0-56-amd64"),
        ("gnulinux-simple-u", "6.1.0-56-amd64"),
        ("no such entry", "6.1.0-56-amd64"),
        ("99", "6.1.0-56-amd64"),
    ] {
        assert_eq!(booted(&tree(default)), release, "{default}");
    }
}

#[test]
fn the_environment_block_chooses_a_saved_or_a_next_entry() {
    let mut saved = tree("${saved_entry}");
    assert_eq!(booted(&saved), "6.1.0-56-amd64");
    saved.write("/boot/grub/grubenv", "# GRUB Environment Block\nsaved_entry=1>1\n######");
    assert_eq!(booted(&saved), "6.1.0-9-amd64");
    saved.write("/boot/grub/grubenv", "# GRUB Environment Block\nsaved_entry=0\n######");
    assert_eq!(booted(&saved), "6.1.0-56-amd64");

    let mut next = tree("0");
    next.write("/boot/grub/grubenv", "# GRUB Environment Block\nnext_entry=1>1\n");
    assert_eq!(booted(&next), "6.1.0-9-amd64");
}

#[test]
fn a_custom_file_may_set_the_default() {
    let mut tree = tree("0");
    tree.write("/boot/grub/custom.cfg", "set default='1>1'\n");
    assert_eq!(booted(&tree), "6.1.0-9-amd64");
    tree.write("/boot/grub/custom.cfg", "if [ $grub_platform = efi ]; then set default='1>1'; fi\n");
    assert_eq!(booted(&tree), "the default entry depends on the machine");
    tree.write("/boot/grub/custom.cfg", "source /boot/grub/custom.cfg\nset default=0\n");
    assert_eq!(booted(&tree), "more than 16 scripts are sourced");
}

#[test]
fn what_can_not_be_told_is_said() {
    let doubtful = tree("uefi-firmware");
    assert!(booted(&doubtful).contains("not every machine has"));
    let mut gone = tree("0");
    gone.remove("/boot/vmlinuz-6.1.0-56-amd64");
    assert!(booted(&gone).contains("is not in the target"));
    let mut none = tree("0");
    none.remove("/boot/grub/grub.cfg");
    assert_eq!(booted(&none), "there is no /boot/grub/grub.cfg");
    assert!(read(MemoryTree::new().root(), compare_versions).unwrap().is_none());
}

#[test]
fn a_boot_partition_of_its_own_and_links_are_followed() {
    let mut tree = tree("0");
    let config = CONFIG.replace("DEFAULT", "0");
    tree.write("/boot/grub/grub.cfg", config.replace("/boot/vmlinuz", "/vmlinuz"));
    assert_eq!(booted(&tree), "6.1.0-56-amd64");
    tree.write("/boot/grub/grub.cfg", "menuentry x {\n linux ($root)/vmlinuz a\n}\n");
    tree.link("/vmlinuz", "boot/vmlinuz-6.1.0-9-amd64");
    assert_eq!(booted(&tree), "6.1.0-9-amd64");
}

#[test]
fn hostile_scripts_end() {
    let doubling = "set a=x\n".to_owned() + &"set a=\"$a$a\"\n".repeat(200);
    for script in [
        "}}}} fi done else elif then do",
        "menuentry {\n{\n{",
        "menuentry 'open",
        "submenu a { submenu b {",
        "if [ ; if [ ! ! ! ! a ]; then; \\",
        "set =x; set a; set; ${",
        "linux /x\nblscfg",
        doubling.as_str(),
        "\"$é${é}$é'é\\é",
    ] {
        let mut tree = tree("0");
        tree.write("/boot/grub/grub.cfg", script);
        assert!(kernels(&tree).boots.is_err(), "{script:.40}");
    }
}

/// As Fedora's grub2 writes it.
const BLS: &str = r#"
load_env -f ${config_directory}/grubenv
set default="${saved_entry}"
insmod blscfg
blscfg
if [ -f ${config_directory}/user.cfg ]; then source ${config_directory}/user.cfg; fi
"#;

fn bls_tree(environment: &str) -> MemoryTree {
    let environment = format!("# GRUB Environment Block\n{environment}###");
    let mut tree = MemoryTree::of(&[("/boot/grub2/grub.cfg", BLS), ("/boot/grub2/grubenv", &environment)]);
    for release in ["5.14.0-70.el9.x86_64", "5.14.0-427.el9.x86_64", "0-rescue"] {
        let entry = format!(
            "title Linux ({release})\nversion {release}\n# c\nlinux /vmlinuz-{release}\n\
             initrd /initramfs-{release}.img $tuned_initrd\noptions root=UUID=u ro $kernelopts audit=1\n"
        );
        tree.write(format!("/boot/loader/entries/m1-{release}.conf"), entry);
        tree.write(format!("/boot/vmlinuz-{release}"), "");
        tree.write(format!("/lib/modules/{release}/modules.dep"), "");
    }
    tree
}

#[test]
fn the_newest_boot_loader_entry_boots_unless_another_is_saved() {
    let tree = bls_tree("kernelopts=console=ttyS0 quiet\n");
    let boot = read(tree.root(), compare_versions).unwrap().unwrap().boots.unwrap();
    assert_eq!(boot.release, "5.14.0-427.el9.x86_64");
    assert_eq!(boot.at.to_string(), "/boot/loader/entries/m1-5.14.0-427.el9.x86_64.conf:4");
    assert_eq!(boot.arguments, ["root=UUID=u", "ro", "console=ttyS0", "quiet", "audit=1"]);
    for (saved, release) in [
        ("m1-5.14.0-70.el9.x86_64", "5.14.0-70.el9.x86_64"),
        ("Linux (0-rescue)", "0-rescue"),
        ("1", "5.14.0-70.el9.x86_64"),
        ("gone", "5.14.0-427.el9.x86_64"),
    ] {
        assert_eq!(booted(&bls_tree(&format!("saved_entry={saved}\n"))), release, "{saved}");
    }
}

#[test]
fn an_entry_ends_at_a_line_without_a_value() {
    let mut tree = bls_tree("");
    let newest = "/boot/loader/entries/m1-5.14.0-427.el9.x86_64.conf";
    tree.write(newest, "title x\n\nlinux /vmlinuz-5.14.0-427.el9.x86_64\n");
    assert_eq!(booted(&tree), "5.14.0-70.el9.x86_64", "an entry without a kernel is none");
    tree.remove(newest).write(format!("{newest}.bak"), "linux /vmlinuz-0-rescue\n");
    assert_eq!(booted(&tree), "5.14.0-70.el9.x86_64");
    tree.write("/loader/entries/a.conf", "linux /vmlinuz-0-rescue\n");
    assert!(booted(&tree).contains("there are entries in /loader/entries and /boot/loader/entries"));
}

/// A kernel whose image no script copied to /boot is installed all the same, and newer by its package's order.
#[test]
fn kernels_of_rpm_packages() {
    let mut tree = MemoryTree::new();
    for release in ["5.14.0-427.el9.x86_64", "5.14.0-427.13.1.el9_4.x86_64"] {
        tree.write(format!("/lib/modules/{release}/vmlinuz"), "");
    }
    tree.write("/boot/vmlinuz-5.14.0-427.el9.x86_64", "");
    tree.write("/boot/vmlinuz-0-rescue-0123", "").write("/lib/modules/5.14.0-1.el9.x86_64/modules.dep", "");
    let kernels = read(tree.root(), compare_releases).unwrap().unwrap();
    assert_eq!(kernels.installed, ["5.14.0-427.el9.x86_64", "5.14.0-427.13.1.el9_4.x86_64"]);
}
