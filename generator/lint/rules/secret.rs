//! A private key or a token stands in user-data.

use std::ops::Range;

use crate::check::Severity;
use crate::effective::secrets::{Finding, SecretKind};
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "secret",
    title: "A private key or a token stands in user-data",
    severity: Severity::High,
    rationale: "Everybody on the machine can read user-data, from the metadata service or from the disk, and so can everybody who may look at the cloud's API, the pipeline and the repository. A key that was there once has to be replaced.",
    remedy: "Let the machine fetch its secrets itself, with an identity that the cloud gives it, and make keys on the machine.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              write_files:\n\
              \x20 - path: /etc/app/token\n\
              \x20   permissions: \"0600\"\n\
              \x20   content: ghp_‖x7Kq2mVb9TzR4wNc8YdL1sPf6HgJ3aQe5UoW\n",
        line: 5,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - [app, fetch-token, --from-vault, \"https://vault.example.org/app\"]\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for (unit, secret) in context.secrets().iter() {
        let message = match secret.kind {
            SecretKind::PasswordHash | SecretKind::AuthorizedKey => continue,
            kind => format!("{}: {}", name(kind), secret.excerpt),
        };
        let at = place(&context.unit(*unit).text, secret);
        context.report(*unit, at, message);
    }
}

/// Where a secret stands in its text: to the end of its word.
pub fn place(text: &str, secret: &Finding) -> Range<usize> {
    let start = usize::try_from(secret.offset).unwrap_or_default();
    let rest = text.get(start..).unwrap_or_default();
    let is_block = rest.starts_with("-----");
    let ends: &[char] = if is_block { &['\n'] } else { &['\n', '"', '\'', ' '] };
    start..start + rest.find(ends).unwrap_or(rest.len())
}

fn name(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::PrivateKey | SecretKind::HostKey => "a private key",
        SecretKind::PuttyKey => "a private key of PuTTY",
        SecretKind::PgpKey => "a secret key of OpenPGP",
        SecretKind::AwsKey => "an access key of AWS with its secret",
        SecretKind::GithubToken => "a token of GitHub",
        SecretKind::GitlabToken => "a token of GitLab",
        SecretKind::SlackToken => "a token of Slack",
        SecretKind::GoogleKey => "an API key of Google",
        SecretKind::OpenstackCredential => "a credential of OpenStack",
        SecretKind::Jwt => "a JSON Web Token",
        SecretKind::AgeKey => "a secret key of age",
        SecretKind::WireguardKey => "a private key of WireGuard",
        SecretKind::Keytab => "a Kerberos keytab",
        SecretKind::PasswordHash | SecretKind::AuthorizedKey | SecretKind::StoredPassword => "a secret",
    }
}
