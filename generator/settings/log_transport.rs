//! `log-transport`: logs leave the machine encrypted only, and none are taken from the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::effective::reach::Reach;
use crate::observation::{Observation, Plane};
use crate::verify::Look;

/// Where logs go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogTransport {
    /// The host that logs are forwarded to over TLS; empty for none.
    pub host: String,
}

impl Kind for LogTransport {
    const SUMMARY: &'static str = "logs leave the machine encrypted only, and none come from the network";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        match self.host.as_str() {
            "" => "logs stay here, or leave over TLS; none come in".into(),
            host => format!("logs forwarded to {host} over TLS; none come in"),
        }
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::plain("host", &self.host)]
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let rsyslog = match look.rsyslog() {
            Ok(Some(rsyslog)) => rsyslog,
            Ok(None) if self.host.is_empty() => {
                let found = "only the journal keeps logs, and it sends none";
                return vec![Observation::pass(plane, found, self.wanted())];
            }
            Ok(None) => {
                let reason = "nothing on the machine forwards logs: rsyslog is not installed";
                return vec![Observation::fail(plane, "no forwarding", self.wanted(), reason)];
            }
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let mut seen = Vec::new();
        for input in rsyslog.inputs.iter().filter(|i| !matches!(i.reach, Reach::None | Reach::Loopback)) {
            let reason = "anybody who reaches the port can write into the log";
            let found = format!("rsyslog takes logs from the network on port {}", input.port);
            seen.push(Observation::fail(plane, found, self.wanted(), reason).at(input.at.clone()));
        }
        for output in &rsyslog.outputs {
            let reason = "logs leave the machine in the clear";
            let found = format!("logs go to {}", output.target);
            seen.push(
                Observation::judge(plane, output.tls, found, self.wanted(), reason).at(output.at.clone()),
            );
        }
        let forwarded = rsyslog.outputs.iter().any(|o| o.target == self.host);
        if !self.host.is_empty() && !forwarded {
            let reason = "no rule of rsyslog names the profile's log host";
            seen.push(Observation::fail(plane, "no forwarding", self.wanted(), reason));
        }
        if seen.is_empty() {
            seen.push(Observation::pass(plane, "logs stay on the machine", self.wanted()));
        }
        seen
    }
}
