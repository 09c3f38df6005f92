//! The rules, each in a file of its own with its words and an example that tests execute.

mod confinement_off;
mod default_user_missing;
mod deprecated_key;
mod firewall_off;
mod ignored;
mod include_insecure;
mod key_replaced;
mod key_twice;
mod lock_out;
mod modules_replaced;
mod no_header;
mod not_yaml;
mod owner_too_early;
mod part_ignored;
mod password_hash;
mod password_unlocked;
mod pipe_to_shell;
mod plain_text_password;
mod readable_secret;
mod root_login;
mod secret;
mod secret_value;
mod ssh_password_login;
mod sudo_nopasswd;
mod too_large;
mod unknown_key;
mod unquoted_mode;
mod unsigned_packages;
mod unverified_download;
mod updates_missing;
mod updates_off;
mod windows_ignored;
mod world_writable;
mod yaml_surprise;

use super::Rule;

pub use ignored::{NOTHING as IGNORED_NOTHING, WITHOUT_REASON as IGNORED_WITHOUT_REASON};

/// Every rule, as the documentation lists them.
pub const ALL: [&Rule; 35] = [
    &secret::RULE,
    &plain_text_password::RULE,
    &password_hash::RULE,
    &secret_value::RULE,
    &readable_secret::RULE,
    &ssh_password_login::RULE,
    &root_login::RULE,
    &password_unlocked::RULE,
    &sudo_nopasswd::RULE,
    &lock_out::RULE,
    &default_user_missing::RULE,
    &pipe_to_shell::RULE,
    &unverified_download::RULE,
    &include_insecure::RULE,
    &unsigned_packages::RULE,
    &updates_missing::RULE,
    &updates_off::RULE,
    &firewall_off::RULE,
    &confinement_off::RULE,
    &world_writable::RULE,
    &unquoted_mode::RULE,
    &owner_too_early::RULE,
    &not_yaml::RULE,
    &no_header::RULE,
    &yaml_surprise::RULE,
    &key_twice::RULE,
    &unknown_key::RULE,
    &deprecated_key::RULE,
    &key_replaced::RULE,
    &modules_replaced::RULE,
    &part_ignored::RULE,
    &windows_ignored::RULE,
    &too_large::RULE,
    &IGNORED_WITHOUT_REASON,
    &IGNORED_NOTHING,
];
