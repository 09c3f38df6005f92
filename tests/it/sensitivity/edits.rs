//! Edits worked out from a tree, and what they mean by themselves.

use ironseed::target::{FileKind, Meta, Root};

use super::base::Base;
use super::mutant::Effect;
use crate::tree::Edit;

/// A file's metadata; that of a plain file where there is none.
pub fn meta(base: &Base, path: &str) -> Meta {
    let found = Root::new(&base.tree).entry(path).unwrap().map(|e| e.meta);
    found.unwrap_or(Meta { kind: FileKind::File, mode: 0o644, uid: 0, gid: 0, size: 0, inode: 0 })
}

/// A file with new text, and its mode and owner as they are.
pub fn rewritten(base: &Base, path: &str, text: &str) -> Edit {
    let meta = meta(base, path);
    Edit::File {
        path: path.to_owned(),
        content: text.as_bytes().to_vec(),
        mode: meta.mode,
        owner: (meta.uid, meta.gid),
    }
}

/// A file whose text follows from what it is; from nothing, where there is none. sudo wants its
/// own mode.
pub fn edited(base: &Base, path: &str, change: impl FnOnce(&str) -> String) -> Edit {
    let root = Root::new(&base.tree);
    let old = root.read_text(path).unwrap();
    let new = change(old.as_deref().unwrap_or_default());
    // A link is followed: the file behind it is the one that programs read.
    let real = root
        .resolve(path)
        .unwrap()
        .map_or_else(|| path.to_owned(), |l| format!("/{}", String::from_utf8_lossy(&l.path)));
    match rewritten(base, &real, &new) {
        Edit::File { path, content, owner, .. } if old.is_none() && path.contains("sudoers") => {
            Edit::File { path, content, mode: 0o440, owner }
        }
        edit => edit,
    }
}

/// A text with another line in the place of one.
pub fn with_line(text: &str, index: usize, new: &str) -> String {
    let lines = text.split('\n').enumerate().map(|(i, line)| if i == index { new } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line with the cases of its first word swapped.
pub fn swapped(line: &str, key: &str) -> String {
    let end = line.find(|c: char| c.is_whitespace() || c == '=' || c == ':').unwrap_or(line.len());
    let end = if key.contains(' ') || line.starts_with("Defaults") {
        line.len().min(key.len().max(end))
    } else {
        end
    };
    let swap = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let start: String = line[..end].chars().map(swap).collect();
    start + &line[end..]
}

/// The mount unit of a mount point without characters that need escaping.
pub fn mount_unit(point: &str) -> String {
    format!("{}.mount", point.trim_matches('/').replace('/', "-"))
}

/// What edits mean for whoever looks at the files themselves.
pub fn effects(edits: &[Edit], base: &Base) -> Vec<Effect> {
    let mut effects = Vec::new();
    for edit in edits {
        match edit {
            Edit::File { path, content, mode, owner } => {
                let old = meta(base, path);
                let text = Root::new(&base.tree).read(path).unwrap();
                if text.as_ref() != Some(content) || old.kind != FileKind::File {
                    effects.push(Effect::Content(path.clone()));
                }
                if *mode != old.mode {
                    effects.push(Effect::Mode(path.clone(), *mode));
                }
                if *owner != (old.uid, old.gid) {
                    effects.push(Effect::Owner(path.clone(), owner.0.max(owner.1)));
                }
            }
            Edit::Directory { path, mode, owner } => {
                let old = meta(base, path);
                if *mode != old.mode {
                    effects.push(Effect::FolderMode(path.clone(), *mode));
                }
                if *owner != (old.uid, old.gid) {
                    effects.push(Effect::Owner(path.clone(), owner.0.max(owner.1)));
                }
            }
            Edit::Link { path, .. } | Edit::Remove { path } => effects.push(Effect::Gone(path.clone())),
        }
    }
    effects
}
