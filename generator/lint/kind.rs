//! What a part of user-data is, by its first words and by its type.

use schemars::JsonSchema;
use serde::Serialize;

use super::template;

/// What a part is to cloud-init or cloudbase-init.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `#cloud-config`.
    CloudConfig,
    /// `#!`: a script.
    Script,
    /// `#cloud-boothook`: a script at every boot.
    Boothook,
    /// `#include`: addresses of more user-data.
    Include,
    /// `#part-handler`: Python.
    PartHandler,
    /// `#ps1`, `rem cmd`: scripts of Windows.
    WindowsScript,
    /// `#cloud-config-jsonp`: a patch of cloud-config.
    JsonPatch,
    /// YAML that would be cloud-config if it said so in its first line.
    Headless,
    /// What nobody acts on.
    Unknown,
}

/// First words and what they announce, the longer before the shorter.
const HEADERS: [(&str, Kind); 12] = [
    ("#cloud-config-archive", Kind::Unknown),
    ("#cloud-config-jsonp", Kind::JsonPatch),
    ("#cloud-config", Kind::CloudConfig),
    ("#cloud-boothook", Kind::Boothook),
    ("#part-handler", Kind::PartHandler),
    ("#include-once", Kind::Include),
    ("#include", Kind::Include),
    ("#ps1_sysnative", Kind::WindowsScript),
    ("#ps1_x86", Kind::WindowsScript),
    ("#ps1", Kind::WindowsScript),
    ("rem cmd", Kind::WindowsScript),
    ("#!", Kind::Script),
];

/// Types that MIME names.
const TYPES: [(&str, Kind); 9] = [
    ("text/cloud-config", Kind::CloudConfig),
    ("text/cloud-config-jsonp", Kind::JsonPatch),
    ("text/x-shellscript", Kind::Script),
    ("text/x-shellscript-per-boot", Kind::Script),
    ("text/x-shellscript-per-instance", Kind::Script),
    ("text/x-shellscript-per-once", Kind::Script),
    ("text/cloud-boothook", Kind::Boothook),
    ("text/part-handler", Kind::PartHandler),
    ("text/x-include-url", Kind::Include),
];

/// The header that a text begins with, as cloud-init looks for it.
pub fn header(text: &str) -> Option<&'static str> {
    let start = text.trim_start();
    let is = |header: &str| start.get(..header.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(header));
    HEADERS.iter().map(|(header, _)| *header).find(|header| is(header))
}

/// What a text is, by its header and by the type that MIME names for it.
pub fn of(text: &str, content_type: &str) -> Kind {
    let of_header = header(text).and_then(|found| HEADERS.iter().find(|(header, _)| *header == found));
    let of_type = TYPES.iter().find(|(name, _)| *name == content_type).map(|(_, kind)| *kind);
    let looks = matches!(content_type, "" | "text/plain" | "text/x-not-multipart" | "text/x-shellscript");
    match (of_header, of_type) {
        (Some((_, kind)), _) if looks => *kind,
        (_, Some(kind)) => kind,
        _ if content_type.is_empty() && template::looks_like_cloud_config(text) => Kind::Headless,
        _ => Kind::Unknown,
    }
}
