//! The OpenStack security group of a plan, as a Heat template: the same services as the host's
//! own firewall.

use serde_json::{Value, json};

use crate::diagnostic::ConfigError;
use crate::parameter::{Protocol, Service};
use crate::plan::Plan;
use crate::yaml;

/// Every network service of the plan, SSH first.
pub fn services(plan: &Plan) -> Vec<Service> {
    let ssh_port = plan.parameter("ssh_port").as_u64().and_then(|p| u16::try_from(p).ok());
    let ssh = ssh_port.map(|port| Service {
        name: "ssh".into(),
        port,
        protocol: Protocol::Tcp,
        unit: plan.distro.units.get("ssh").cloned().unwrap_or_default(),
    });
    let others: Vec<Service> = serde_json::from_value(plan.parameter("services").clone()).unwrap_or_default();
    ssh.into_iter().chain(others).collect()
}

/// The rules of the group.
pub fn rules(plan: &Plan) -> Vec<Value> {
    let mut rules: Vec<Value> = Vec::new();
    for service in services(plan) {
        for ethertype in ["IPv4", "IPv6"] {
            rules.push(json!({
                "direction": "ingress",
                "ethertype": ethertype,
                "protocol": service.protocol.to_string(),
                "port_range_min": service.port,
                "port_range_max": service.port,
            }));
        }
    }
    for ethertype in ["IPv4", "IPv6"] {
        rules.push(json!({ "direction": "egress", "ethertype": ethertype }));
    }
    rules
}

/// A Heat template with one `OS::Neutron::SecurityGroup`.
///
/// # Errors
/// None that a plan of this program can cause.
pub fn heat(plan: &Plan) -> Result<String, ConfigError> {
    let template = json!({
        "heat_template_version": "2018-08-31",
        "description": format!("Security group of {}, plan {}", plan.profile, plan.digest()),
        "resources": { "security_group": {
            "type": "OS::Neutron::SecurityGroup",
            "properties": { "name": plan.profile, "description": plan.title, "rules": rules(plan) },
        }},
        "outputs": { "security_group": { "value": { "get_resource": "security_group" } } },
    });
    yaml::write(&template)
}
