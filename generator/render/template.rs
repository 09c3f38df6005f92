//! minijinja, set up so that a template can't be silently wrong: an undefined name is an error
//! with file, line and excerpt.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::assets::Assets;
use crate::diagnostic::ConfigError;

/// Steps after which a template counts as runaway. The largest here takes some thousands.
const FUEL: u64 = 2_000_000;

/// All templates.
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// Reads `templates/` with its sub-folders.
    ///
    /// # Errors
    /// A template with bad syntax.
    pub fn load(assets: &Assets) -> Result<Self, ConfigError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .keep_trailing_newline(true)
                .build()
                .map_err(explain)?,
        );
        environment.set_fuel(Some(FUEL));
        environment.add_filter("shell", |text: String| quote(&text));
        for folder in ["templates", "templates/cloud-init", "templates/image"] {
            for source in assets.list(folder)? {
                let file = source.file_name().trim_end_matches(".j2");
                let name = format!("{folder}/{file}").trim_start_matches("templates/").to_owned();
                environment.add_template_owned(name, source.text).map_err(explain)?;
            }
        }
        Ok(Self { environment })
    }

    /// Renders a template, named by its path below `templates/` without `.j2`.
    ///
    /// # Errors
    /// No such template, or one that fails: with file and line.
    pub fn render(&self, name: &str, context: impl Serialize + 'static) -> Result<String, ConfigError> {
        let template = self.environment.get_template(name).map_err(explain)?;
        template.render(Value::from(Serde(context))).map_err(explain)
    }
}

fn explain(error: minijinja::Error) -> ConfigError {
    ConfigError::plain(format!("template: {error:#}"))
}

/// Quotes a word for a POSIX shell. Plain words stay as they are.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
