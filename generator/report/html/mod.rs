//! One page for a browser: checks × planes × targets at a glance, each check's evidence below its row.
//!
//! Owns what the page shows; `page.html.j2` says where, `page.css` how it looks, `page.js` how it is searched. The page
//! needs no network and no script to be read. Everything in it is escaped by the template, and its content security
//! policy lets run only the one script whose hash it names: an image's strings can't act.

mod view;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use sha2::{Digest, Sha256};

use super::Report;
use view::Page;

const TEMPLATE: &str = include_str!("page.html.j2");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The reports as one page.
///
/// # Errors
/// None that a report can cause: the template is the program's own.
pub fn html(reports: &[Report]) -> Result<String, minijinja::Error> {
    let page = Page::of(reports);
    // How many columns there are is known here; a style attribute would need a policy that allows any.
    let style = format!("{STYLE}:root {{ --columns: {}; }}\n", page.columns.len());
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?,
    );
    environment.add_template("page", TEMPLATE)?;
    let context = minijinja::context! {
        page => Value::from(Serde(page)),
        style_hash => hash(&style),
        script_hash => hash(SCRIPT),
        style => Value::from_safe_string(style),
        script => Value::from_safe_string(SCRIPT.to_owned()),
    };
    environment.get_template("page")?.render(context)
}

/// A source of a content security policy: exactly this text.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * place) & 63) as usize];
            out.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standards() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (text, wanted) in cases {
            assert_eq!(base64(text.as_bytes()), wanted);
        }
    }

    /// The parts of the page hold nothing that would end them early, or reach out of it.
    #[test]
    fn style_and_script_stay_inside_the_page() {
        for part in [STYLE, SCRIPT] {
            assert!(!part.contains("</") && !part.contains("://") && !part.contains("url("));
        }
    }
}
