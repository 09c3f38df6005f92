//! FAT volumes made in memory: an image's EFI system partition, a cloud's configuration drive.
//!
//! The bytes depend on the arguments only. This module must not know what the files mean.

use std::io::{self, Cursor, Write};

use fatfs::{FileSystem, FormatVolumeOptions, FsOptions, format_volume};

/// Makes a FAT volume of `size` bytes with the files given as (path with `/`, content);
/// folders come into being as needed. `label` is cut or padded to 11 bytes.
pub fn volume(size: usize, id: u32, label: &str, files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut padded = [b' '; 11];
    for (to, from) in padded.iter_mut().zip(label.bytes()) {
        *to = from;
    }
    // Zeroed pages cost nothing until they are written.
    let mut disk = Cursor::new(vec![0; size]);
    format_volume(&mut disk, FormatVolumeOptions::new().volume_id(id).volume_label(padded))?;
    let filesystem = FileSystem::new(&mut disk, FsOptions::new())?;
    for (path, content) in files {
        let root = filesystem.root_dir();
        for (at, _) in path.match_indices('/') {
            root.create_dir(&path[..at])?;
        }
        root.create_file(path)?.write_all(content)?;
    }
    filesystem.unmount()?;
    Ok(disk.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn files_come_back_and_bytes_repeat() {
        let files: &[(&str, &[u8])] = &[("EFI/BOOT/a.efi", b"one"), ("EFI/debian/a-long.name.cfg", b"two")];
        let made = volume(4 << 20, 7, "ESP", files).unwrap();
        assert_eq!(made, volume(4 << 20, 7, "ESP", files).unwrap());
        let filesystem = FileSystem::new(Cursor::new(made), FsOptions::new()).unwrap();
        assert_eq!((filesystem.volume_id(), filesystem.volume_label().as_str()), (7, "ESP"));
        let folder = filesystem.root_dir().open_dir("EFI/debian").unwrap();
        let names: Vec<_> = folder.iter().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [".", "..", "a-long.name.cfg"]);
        let mut text = String::new();
        filesystem
            .root_dir()
            .open_file("efi/DEBIAN/a-long.name.cfg")
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "two");
    }
}
