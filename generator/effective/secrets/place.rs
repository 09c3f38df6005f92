//! Files that are secrets by their place, whatever they hold.

use super::Kind;
use crate::target::{FileKind, Meta};

/// The kind of secret that a file at this path is. The path is relative to the root, without leading `/`.
///
/// An image has none of these, public halves of host keys included: whoever starts from it would share them.
pub fn path_rule(path: &[u8], meta: &Meta) -> Option<Kind> {
    if meta.kind != FileKind::File || meta.size == 0 {
        return None;
    }
    let text = String::from_utf8_lossy(path);
    let mut parts = text.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let folder = parts.next().unwrap_or_default();
    match (folder, name) {
        (".ssh", _) if name.starts_with("authorized_keys") => Some(Kind::AuthorizedKeys),
        (".ssh", _) if name.starts_with("id_") && !name.ends_with(".pub") => Some(Kind::SshUserKey),
        (_, _) if text.starts_with("etc/ssh/ssh_host_") => Some(Kind::SshHostKey),
        (_, _) if text == "etc/ssl/private/ssl-cert-snakeoil.key" => Some(Kind::SnakeoilKey),
        (".aws", "credentials") | (".docker", "config.json") => Some(Kind::StoredCredentials),
        (_, ".netrc" | ".pgpass" | ".git-credentials" | ".my.cnf") => Some(Kind::StoredCredentials),
        (_, _) if name.ends_with(".keytab") => Some(Kind::Keytab),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(path: &str, kind: FileKind, size: u64) -> Option<Kind> {
        path_rule(path.as_bytes(), &Meta { kind, mode: 0o600, uid: 0, gid: 0, size, inode: 1 })
    }

    #[test]
    fn places_of_secrets_are_known() {
        for (path, kind) in [
            ("root/.ssh/id_ed25519", Kind::SshUserKey),
            ("home/a/.ssh/id_rsa", Kind::SshUserKey),
            ("home/a/.ssh/authorized_keys", Kind::AuthorizedKeys),
            ("root/.ssh/authorized_keys2", Kind::AuthorizedKeys),
            ("etc/ssh/ssh_host_rsa_key", Kind::SshHostKey),
            ("etc/ssh/ssh_host_ed25519_key.pub", Kind::SshHostKey),
            ("etc/ssl/private/ssl-cert-snakeoil.key", Kind::SnakeoilKey),
            ("root/.netrc", Kind::StoredCredentials),
            ("root/.aws/credentials", Kind::StoredCredentials),
            ("root/.docker/config.json", Kind::StoredCredentials),
            ("etc/krb5.keytab", Kind::Keytab),
        ] {
            assert_eq!(judge(path, FileKind::File, 100), Some(kind), "{path}");
            assert_eq!(judge(path, FileKind::File, 0), None, "{path} is empty");
            assert_eq!(judge(path, FileKind::Directory, 100), None, "{path} is no file");
        }
    }

    #[test]
    fn other_places_are_not() {
        for path in [
            "root/.ssh/id_rsa.pub",
            "root/.ssh/known_hosts",
            "root/.ssh/config",
            "etc/ssh/ssh_config",
            "usr/share/id_rsa",
            "etc/docker/config.json",
            "usr/share/credentials",
            "",
        ] {
            assert_eq!(judge(path, FileKind::File, 100), None, "{path}");
        }
    }
}
