//! What GRUB's own commands do.

use super::super::bls;
use super::super::condition::{plain_path, test};
use super::super::environment;
use super::super::parse::Block;
use super::super::variables::Value;
use super::{BAD_ARGUMENT, BAD_FILE, FALSE, INVALID, Item, MAX_SOURCED, NO_FILE, OK, Run, Status};
use crate::target::Result;

impl Run<'_> {
    pub(super) fn named(
        &mut self,
        name: &str,
        arguments: &[Value],
        block: Option<&Block>,
        line: usize,
    ) -> Result<Status> {
        match name {
            "true" => return Ok(OK),
            "false" => return Ok(FALSE),
            "[" | "test" => {
                let arguments = match arguments {
                    [rest @ .., last] if last.text == "]" => rest,
                    _ => arguments,
                };
                let holds = test(self.root, arguments)?;
                return Ok(holds.map(|holds| u32::from(!holds)));
            }
            "set" => {
                let assigned = arguments.first().is_some_and(|first| self.assign(first));
                return Ok(if assigned || arguments.is_empty() { OK } else { BAD_ARGUMENT });
            }
            "unset" | "export" if arguments.is_empty() => return Ok(BAD_ARGUMENT),
            "unset" => {
                arguments.iter().take(1).for_each(|name| self.variables.unset(&name.text, self.certain))
            }
            "export" => arguments.iter().for_each(|name| self.variables.export(&name.text)),
            "echo" => return Ok(OK),
            "menuentry" | "submenu" => {
                return Ok(match block {
                    Some(block) => self.entry_made(name == "submenu", arguments, block, line),
                    None => BAD_ARGUMENT,
                });
            }
            "linux" | "linux16" | "linuxefi" => {
                self.linux = Some((self.location(line), arguments.to_vec()));
                return Ok(None);
            }
            "load_env" => return self.load_environment(arguments),
            "source" | "." => return self.include(arguments),
            "configfile" | "normal" | "chainloader" | "multiboot" | "multiboot2" => {
                self.give_up(format!("{} starts what is not read here", self.location(line)));
            }
            "blscfg" | "bls_import" => return self.boot_loader_entries(arguments, line),
            "return" | "break" | "continue" => return Ok(self.leave(name, arguments, line)),
            "setparams" => {
                let Some(own) = &mut self.variables.arguments else { return Ok(INVALID) };
                *own = arguments.to_vec();
                return Ok(OK);
            }
            "shift" => {
                if let Some(own) = &mut self.variables.arguments {
                    own.drain(..own.len().min(1));
                }
            }
            _ => return self.other(name, arguments),
        }
        match name {
            "unset" | "export" | "shift" => Ok(OK),
            _ => Ok(None),
        }
    }

    /// A function; else an assignment; else a command that is not known here.
    fn other(&mut self, name: &str, arguments: &[Value]) -> Result<Status> {
        if let Some((body, place)) = self.functions.get(name).cloned() {
            return self.call(&body, place, arguments);
        }
        if self.assign(&Value::known(name)) {
            return Ok(OK);
        }
        // `search --set=root`, `regexp --set 1:name`: what it finds is the machine's.
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let target = match argument.text.strip_prefix("--set") {
                Some("") => arguments.next().map(|next| next.text.as_str()),
                Some(inline) => inline.strip_prefix('='),
                None => None,
            };
            if let Some(target) = target {
                let variable = target.rsplit(':').next().unwrap_or(target);
                self.variables.set(variable, Value { text: String::new(), certain: false });
            }
        }
        Ok(None)
    }

    fn include(&mut self, arguments: &[Value]) -> Result<Status> {
        let [path] = arguments else { return Ok(BAD_ARGUMENT) };
        if !path.certain {
            self.give_up(format!("which file is sourced as {:?} depends on the machine", path.text));
            return Ok(None);
        }
        let path = plain_path(&path.text).to_owned();
        let Some(text) = self.root.read_text(&path)? else { return Ok(OK) };
        self.sourced += 1;
        if self.sourced > MAX_SOURCED {
            self.give_up(format!("more than {MAX_SOURCED} scripts are sourced"));
            return Ok(None);
        }
        self.script(&path, &text)?;
        Ok(self.last_status())
    }

    /// `load_env [--file FILE] [NAME…]`
    fn load_environment(&mut self, arguments: &[Value]) -> Result<Status> {
        let mut file = format!("{}/grubenv", self.folder);
        let mut wanted = Vec::new();
        let mut arguments = arguments.iter().map(|argument| argument.text.as_str());
        while let Some(argument) = arguments.next() {
            match argument {
                "-f" | "--file" => file = plain_path(arguments.next().unwrap_or_default()).to_owned(),
                "-s" | "--skip-sig" => {}
                _ => match argument.strip_prefix("--file=") {
                    Some(path) => file = plain_path(path).to_owned(),
                    None => wanted.push(argument),
                },
            }
        }
        let Some(block) = self.root.read_text(&file)? else { return Ok(NO_FILE) };
        let Some(variables) = environment::variables(&block) else { return Ok(BAD_FILE) };
        for (name, text) in variables {
            if wanted.is_empty() || wanted.contains(&name.as_str()) {
                self.variables.set(&name, Value { text, certain: self.certain });
            }
        }
        Ok(OK)
    }

    /// `menuentry TITLE [--class X] [--id ID] … { … }`
    fn entry_made(&mut self, submenu: bool, arguments: &[Value], block: &Block, line: usize) -> Status {
        let mut positional = Vec::new();
        let mut id = None;
        let mut words = arguments.iter();
        let mut certain = self.certain;
        while let Some(word) = words.next() {
            let (option, inline) = match word.text.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, Some(Value::known(value))),
                _ => (word.text.as_str(), None),
            };
            match option {
                "--id" | "--class" | "--users" | "--hotkey" | "--source" => {
                    let value = inline.or_else(|| words.next().cloned());
                    if option == "--id" {
                        id = value;
                    }
                }
                "--unrestricted" => {}
                "--" => positional.extend(words.by_ref().cloned()),
                _ => positional.push(word.clone()),
            }
        }
        let Some(title) = positional.first() else { return BAD_ARGUMENT };
        let id = id.unwrap_or_else(|| title.clone());
        certain &= title.certain && id.certain;
        let item = Item {
            title: title.text.clone(),
            id: id.text,
            submenu,
            certain,
            at: self.location(line),
            body: block.clone(),
            place: self.place.clone(),
            arguments: positional.clone(),
        };
        self.items.push(item);
        OK
    }

    fn boot_loader_entries(&mut self, arguments: &[Value], line: usize) -> Result<Status> {
        self.knows_bls = true;
        match bls::entries(self, arguments)? {
            Ok(items) => self.items.extend(items),
            Err(why) => {
                let at = self.location(line);
                self.give_up(format!("{at}: {why}"));
            }
        }
        Ok(None)
    }
}
