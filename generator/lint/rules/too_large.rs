//! It is larger than the cloud takes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::check::Severity;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "too-large",
    title: "It is larger than the cloud takes",
    severity: Severity::High,
    rationale: "OpenStack Nova takes 65,535 bytes of base64, that is 49,149 bytes; Amazon EC2 takes 16,384. What is larger is refused, or cut off and then not understood.",
    remedy: "Compress it (`gzip -9`): cloud-init and cloudbase-init both take gzip. Or fetch what is large from elsewhere.",
    example: Example {
        arguments: &["--cloud-limit", "128"],
        bad: "#cloud-config\n\
              write_files:\n\
              \x20 - path: /etc/motd\n\
              \x20   content: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n",
        line: 1,
        good: "#cloud-config\n\
              write_files:\n\
              \x20 - path: /etc/motd\n\
              \x20   content: \"short\"\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    let (size, limit) = (context.size, context.options.limit);
    if size <= limit {
        return;
    }
    let advice = match context.opened.packed.is_empty().then(|| packed_size(&context.unit(0).text)).flatten()
    {
        Some(small) if small <= limit => format!("; with gzip it has {small}"),
        Some(small) => format!("; even with gzip it has {small}"),
        None => String::new(),
    };
    context.report_whole(0, format!("it has {size} bytes, and the cloud takes {limit}{advice}"));
}

fn packed_size(text: &str) -> Option<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).ok()?;
    encoder.finish().ok().map(|packed| packed.len())
}
