//! A configuration's files, with their includes, merged in fail2ban's order.

use crate::effective::files::glob;
use crate::effective::python_ini::{Ini, Problem};
use crate::location::Location;
use crate::target::{Result, Root};

/// Included files for one name before it counts as hostile.
const MAX_FILES: usize = 256;

/// The first of the files that make up a configuration, `path.conf` before `path.local`.
pub fn first_file(root: Root<'_>, path: &str) -> Result<Option<String>> {
    Ok(configuration_files(root, path)?.into_iter().next())
}

/// `path.conf`, `path.d/*.conf`, `path.local`, `path.d/*.local`: what exists of them.
fn configuration_files(root: Root<'_>, path: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for suffix in ["conf", "local"] {
        let main = format!("{path}.{suffix}");
        if root.exists(&main)? {
            files.push(main);
        }
        files.extend(glob(root, &format!("{path}.d/*.{suffix}"))?);
    }
    Ok(files)
}

/// Reads and merges a configuration with all its includes; `Ok(Ok(None))` where there is none.
pub fn load(root: Root<'_>, path: &str) -> Result<std::result::Result<Option<Ini>, Problem>> {
    let files = configuration_files(root, path)?;
    let mut parsed = Vec::new();
    for file in with_local(root, files)? {
        if let Err(problem) = include(root, &file, &mut Vec::new(), &mut parsed)? {
            return Ok(Err(problem));
        }
    }
    let mut merged: Option<Ini> = None;
    for ini in &parsed {
        merged.get_or_insert_default().overlay(ini);
    }
    Ok(Ok(merged))
}

/// Puts `x.local` behind `x.conf` where the list does not name it itself.
fn with_local(root: Root<'_>, files: Vec<String>) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for file in &files {
        all.push(file.clone());
        let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem);
        let local = format!("{stem}.local");
        if !files.contains(&local) && root.exists(&local)? {
            all.push(local);
        }
    }
    Ok(all)
}

/// Reads a file between its `[INCLUDES] before` and `after`. `open` holds the files around it.
fn include(
    root: Root<'_>,
    file: &str,
    open: &mut Vec<String>,
    parsed: &mut Vec<Ini>,
) -> Result<std::result::Result<(), Problem>> {
    let Some(text) = root.read_text(file)? else { return Ok(Ok(())) };
    if parsed.len() + open.len() > MAX_FILES {
        return Ok(Err(Problem::new("more includes than any real file has".into(), Location::file(file))));
    }
    let ini = match Ini::parse(file, &text) {
        Ok(ini) => ini,
        Err(problem) => return Ok(Err(problem)),
    };
    let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut others = [Vec::new(), Vec::new()];
    for (list, option) in others.iter_mut().zip(["before", "after"]) {
        let found = match ini.sections().any(|s| s == "INCLUDES") {
            true => ini.get("INCLUDES", option),
            false => Ok(None),
        };
        let names = match found {
            Ok(names) => names.map(|names| names.value).unwrap_or_default(),
            Err(problem) => return Ok(Err(problem)),
        };
        for name in names.lines().filter(|name| !name.is_empty()) {
            let path = if name.starts_with('/') { name.to_string() } else { format!("{directory}/{name}") };
            if !open.contains(&path) {
                list.extend(with_local(root, vec![path])?);
            }
        }
    }
    let [before, after] = others;
    open.push(file.to_string());
    for other in before {
        if let Err(problem) = include(root, &other, open, parsed)? {
            return Ok(Err(problem));
        }
    }
    parsed.push(ini);
    for other in after {
        if let Err(problem) = include(root, &other, open, parsed)? {
            return Ok(Err(problem));
        }
    }
    open.pop();
    Ok(Ok(()))
}
