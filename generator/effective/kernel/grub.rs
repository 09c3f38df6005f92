//! Which entry GRUB boots when nobody chooses one.

use super::menu::{Item, Menu};
use super::{Boot, release_of};
use crate::target::{Result, Root};

/// Where GRUB's generated configuration may be.
const FOLDERS: [&str; 2] = ["/boot/grub", "/boot/grub2"];

/// The entry of the variable `default`, followed through submenus; or why it can't be told.
pub fn default_boot(root: Root<'_>) -> Result<std::result::Result<Boot, String>> {
    for folder in FOLDERS {
        if let Some(script) = root.read_text(format!("{folder}/grub.cfg"))? {
            let menu = Menu::run(root, folder, &script)?;
            return match choose(&menu) {
                Ok(item) => boot(root, item),
                Err(why) => Ok(Err(why)),
            };
        }
    }
    Ok(Err(format!("there is no {}/grub.cfg", FOLDERS[0])))
}

/// Finds the default entry as GRUB does: by number, title or id, level by level; the first entry where nothing fits.
fn choose<'m>(menu: &'m Menu<'_>) -> std::result::Result<&'m Item, String> {
    if let Some(at) = &menu.unsupported {
        return Err(format!(
            "{at} makes the menu from Boot Loader Specification entries, which are not read"
        ));
    }
    let chosen = match menu.variables.get("default") {
        Some(value) if !value.certain => {
            return Err("the default entry depends on the machine".to_owned());
        }
        Some(value) => value.text.as_str(),
        None => "0",
    };
    let mut path = chosen.split('>');
    let mut parent = None;
    loop {
        let level: Vec<(usize, &Item)> =
            menu.items.iter().enumerate().filter(|(_, item)| item.parent == parent).collect();
        let step = path.next().unwrap_or("0");
        let position = match step.parse() {
            Ok(number) => number,
            Err(_) => level.iter().position(|(_, i)| i.title == step || i.id == step).unwrap_or(0),
        };
        let position = if position < level.len() { position } else { 0 };
        let Some((index, item)) = level.get(position) else {
            return Err("the menu has no entry".to_owned());
        };
        // An entry that some machines don't have moves the numbers of those after it.
        if let Some((_, doubtful)) = level[..=position].iter().find(|(_, item)| !item.certain) {
            return Err(format!("the default entry depends on {}, which not every machine has", doubtful.at));
        }
        if !item.submenu {
            return Ok(item);
        }
        parent = Some(*index);
    }
}

fn boot(root: Root<'_>, item: &Item) -> Result<std::result::Result<Boot, String>> {
    let Some((at, words)) = &item.linux else {
        return Ok(Err(format!("{}: the default entry starts no Linux kernel", item.at)));
    };
    let Some((path, arguments)) = words.split_first() else {
        return Ok(Err(format!("{at}: names no kernel")));
    };
    // `(hd0,gpt1)/vmlinuz`: the device is GRUB's.
    let path = path.rsplit_once(')').map_or(path.as_str(), |(_, path)| path);
    let name = path.rsplit('/').next().unwrap_or(path);
    // As seen from the root; from a /boot of its own; from the top of a volume that holds subvolumes.
    for candidate in [path.to_owned(), format!("/boot{path}"), format!("/boot/{name}")] {
        if let Some(link) = root.resolve(&candidate)? {
            let kernel_path = crate::target::display(&link.path);
            let file = kernel_path.rsplit('/').next().unwrap_or_default();
            let Some(release) = release_of(file) else {
                return Ok(Err(format!("{at}: the name of {kernel_path} holds no release")));
            };
            return Ok(Ok(Boot { kernel_path, release, arguments: arguments.to_vec(), at: at.clone() }));
        }
    }
    Ok(Err(format!("{at}: the kernel {path} is not in the target")))
}
