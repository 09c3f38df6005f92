//! `ironseed matrix`: every profile for every supported release, as the jobs of a build service.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Ended, Outcome, print, today};
use crate::assets::Assets;
use crate::distro::{self, Engine};
use crate::{profile, yaml};

/// Writes the builds of every profile for every supported release as jobs of a build service
#[derive(Args)]
pub struct Matrix {
    /// Whose jobs
    #[arg(long)]
    format: Service,
    /// A profile; repeatable; all built-in ones where it is left out
    #[arg(short, long, value_name = "NAME|FILE")]
    profile: Vec<String>,
    /// A release; repeatable; all supported ones where it is left out
    #[arg(short, long, value_name = "ID|FILE")]
    distro: Vec<String>,
}

/// Build services.
#[derive(Clone, Copy, ValueEnum)]
enum Service {
    /// A workflow of GitHub Actions.
    Github,
    /// `.gitlab-ci.yml`.
    Gitlab,
    /// A declarative Jenkinsfile.
    Jenkins,
    /// Zuul's jobs and a project that runs them.
    Zuul,
}

/// One build.
struct Combination {
    profile: String,
    distro: String,
    /// What makes its product.
    command: String,
}

impl Combination {
    fn name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
        format!("{}-{}", self.profile, self.distro).chars().map(plain).collect()
    }
}

impl Matrix {
    pub fn run(self, assets: &Assets) -> Outcome {
        let combinations = self.combinations(assets)?;
        let text = match self.format {
            Service::Github => yaml::write(&github(&combinations))?,
            Service::Gitlab => yaml::write(&gitlab(&combinations))?,
            Service::Jenkins => jenkins(&combinations),
            Service::Zuul => yaml::write(&zuul(&combinations))?,
        };
        print(&text)?;
        Ok(Ended::Fine)
    }

    fn combinations(&self, assets: &Assets) -> anyhow::Result<Vec<Combination>> {
        let profiles = if self.profile.is_empty() { profile::names(assets)? } else { self.profile.clone() };
        let named = !self.distro.is_empty();
        let ids = if named { self.distro.clone() } else { distro::ids(assets)? };
        let mut combinations = Vec::new();
        for id in ids {
            let facts = distro::load(&id, assets)?;
            if facts.lifecycle.on(today()).is_past() && !named {
                continue;
            }
            for profile in &profiles {
                let command = match facts.image.engine {
                    Engine::Mmdebstrap => format!("ironseed release -p '{profile}' -d '{id}' -o dist"),
                    Engine::CloudImage => {
                        format!("ironseed render -p '{profile}' -d '{id}' -o 'dist/{}-{profile}'", facts.id)
                    }
                };
                let (profile, distro) = (profile.clone(), id.clone());
                combinations.push(Combination { profile, distro, command });
            }
        }
        Ok(combinations)
    }
}

fn github(combinations: &[Combination]) -> Value {
    let include: Vec<Value> = combinations
        .iter()
        .map(|c| json!({ "name": c.name(), "profile": c.profile, "distro": c.distro, "command": c.command }))
        .collect();
    json!({
        "name": "images",
        "on": { "workflow_dispatch": {}, "schedule": [{ "cron": "17 2 * * 1" }] },
        "permissions": { "contents": "read" },
        "jobs": { "image": {
            "name": "${{ matrix.name }}",
            "runs-on": ["self-hosted", "linux"],
            "strategy": { "fail-fast": false, "matrix": { "include": include } },
            "steps": [
                { "uses": "actions/checkout@v4" },
                { "name": "Build", "run": "${{ matrix.command }}" },
                { "uses": "actions/upload-artifact@v4",
                  "with": { "name": "${{ matrix.name }}", "path": "dist/" } },
            ],
        } },
    })
}

fn gitlab(combinations: &[Combination]) -> Value {
    let mut file = serde_json::Map::new();
    file.insert("stages".into(), json!(["images"]));
    let job = json!({ "stage": "images", "artifacts": { "paths": ["dist/"], "expire_in": "1 week" } });
    file.insert(".image".into(), job);
    for c in combinations {
        file.insert(c.name(), json!({ "extends": ".image", "script": [c.command] }));
    }
    Value::Object(file)
}

fn jenkins(combinations: &[Combination]) -> String {
    let stage = |c: &Combination| {
        let command = c.command.replace('\\', "\\\\").replace('"', "\\\"");
        format!(
            "                stage('{}') {{\n                    agent any\n                    steps {{\n                        \
             sh \"{command}\"\n                        archiveArtifacts artifacts: 'dist/**'\n                    }}\n                }}\n",
            c.name()
        )
    };
    let stages: String = combinations.iter().map(stage).collect();
    format!(
        "pipeline {{\n    agent none\n    stages {{\n        stage('images') {{\n            parallel {{\n{stages}            }}\n        }}\n    }}\n}}\n"
    )
}

fn zuul(combinations: &[Combination]) -> Value {
    let name = |c: &Combination| format!("ironseed-{}", c.name());
    let mut items = vec![json!({ "job": {
        "name": "ironseed-image",
        "abstract": true,
        "description": "Builds an image; the playbook runs the variable ironseed_command.",
        "run": "playbooks/ironseed.yaml",
        "timeout": 7200,
    } })];
    items.extend(combinations.iter().map(|c| {
        json!({ "job": { "name": name(c), "parent": "ironseed-image", "vars": {
            "ironseed_profile": c.profile, "ironseed_distro": c.distro, "ironseed_command": c.command } } })
    }));
    let jobs: Vec<String> = combinations.iter().map(name).collect();
    items.push(json!({ "project": { "periodic": { "jobs": jobs } } }));
    Value::Array(items)
}
