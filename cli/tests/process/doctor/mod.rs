//! `entrada doctor`: what it finds on a stage that is well, on one that is broken by name, and with no stage at all.

mod output;
mod rows;
mod surroundings;

use entrada_authority::{Breakage, Stage, StageBuilder, Suggestion};
use serde_json::Value;

use crate::support::*;

/// A stage that is broken in one way once [`Broken::breaks`] has been called, and a home with what to see it by.
struct Broken {
    world: World,
    breakage: &'static Breakage,
    to: Suggestion,
    url: String,
}

impl Broken {
    fn named(name: &str) -> Self {
        Self::on(name, Stage::builder())
    }

    fn on(name: &str, builder: StageBuilder) -> Self {
        let breakage = Breakage::named(name).unwrap_or_else(|| panic!("there is no {name}"));
        let stage = breakage.prepare(builder).start().unwrap();
        let to = breakage.suggestion(&stage);
        let scope = to.scope.clone().unwrap_or_default();
        let mut variables = vec![("ENTRADA_CLIENT_ID", &*to.client_id), ("ENTRADA_AUTHORITY", &to.authority)];
        variables.push(("ENTRADA_SCOPE", &scope));
        variables.extend(to.flow.map(|flow| ("ENTRADA_FLOW", flow)));
        let home = Home::with(&variables);
        let url = to.commands[0].strip_prefix("entrada get ").map(String::from);
        let url = url.unwrap_or_else(|| format!("{}api/me", stage.external_url()));
        Self { world: World { stage, home }, breakage, to, url }
    }

    fn breaks(&self) {
        self.breakage.apply(&self.world.stage);
    }

    fn doctor(&self, more: &[&str]) -> Run {
        self.world.run(&["doctor", &self.url, "--output", "json"]).args(more)
    }
}

/// What came of a check.
#[track_caller]
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let found = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("no check {name} in {report:#}"))
}

/// The names of the checks that ended so.
fn with_status<'a>(report: &'a Value, status: &str) -> Vec<&'a str> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["status"] == status).map(|check| check["name"].as_str().unwrap()).collect()
}
