//! `entrada setup` against the stand-in for Microsoft Graph.

#[cfg(target_os = "linux")]
mod asked;
mod dry;
mod leaving;
mod others;
mod patience;
mod places;
mod story;
mod traps;

use entrada_authority::{GraphRequest, Stage, StageBuilder};
use serde_json::Value;

use crate::support::*;

const ADA: &str = "ada@contoso.example";
const BOB: &str = "bob@contoso.example";
const COMMAND_LINE_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
const PERMISSIONS: [&str; 6] = [
    "Application.Read.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// A tenant with a Graph, and an administrator at a machine of theirs.
struct Office {
    world: World,
}

impl Office {
    /// Ada, Application Administrator, has signed in.
    fn new() -> Self {
        let office = Self::nobody();
        office.sign_in(ADA);
        office
    }

    fn nobody() -> Self {
        Self::with(Stage::builder())
    }

    fn with(builder: StageBuilder) -> Self {
        let stage = builder.graph(true).start().unwrap();
        let home = Home::with(&[("ENTRADA_AUTHORITY", &stage.authority_url())]);
        Self { world: World { stage, home } }
    }

    fn stage(&self) -> &Stage {
        &self.world.stage
    }

    fn graph(&self) -> &str {
        self.stage().graph_url().unwrap()
    }

    /// Signs in for everything that a setup may need.
    fn sign_in(&self, upn: &str) {
        let scopes = PERMISSIONS.map(|name| format!("{}/{name}", self.graph()));
        let scopes: Vec<&str> = scopes.iter().flat_map(|scope| ["--scope", scope]).collect();
        let words = ["login", "--flow", "browser", "--no-browser", "--client-id", COMMAND_LINE_TOOLS];
        let running = self.world.run(&words).args(&scopes).start();
        self.stage().visitor().user(upn).visit(&running.sign_in_url()).unwrap();
        running.done().expect_code(0);
    }

    fn setup(&self, args: &[&str]) -> Done {
        self.world.run(&["setup"]).args(args).args(&["--graph", self.graph()]).done()
    }

    /// The same, which has to go well and is told as JSON.
    fn set_up(&self, args: &[&str]) -> Value {
        self.setup(&[args, &["--output", "json"]].concat()).expect_code(0).json()
    }

    /// An external URL that the stage's proxy serves.
    fn external_url(&self) -> String {
        format!("{}payroll/", self.stage().external_url())
    }

    fn publish(&self, more: &[&str]) -> Done {
        let (internal, external) = (self.stage().internal_url(), self.external_url());
        let words = ["publish", "--name", "Payroll", "--internal-url", &internal, "--external-url", &external];
        self.setup(&[&words, more].concat())
    }

    /// Published; its app id.
    fn published(&self) -> String {
        let report = self.publish(&["--output", "json"]).expect_code(0).json();
        report["outcome"]["app_id"].as_str().unwrap().to_owned()
    }

    /// Registered; its client id.
    fn registered(&self) -> String {
        let report = self.set_up(&["register", "--name", "Payroll on the command line"]);
        report["outcome"]["client_id"].as_str().unwrap().to_owned()
    }

    /// What was sent since so many requests.
    fn writes(&self) -> Vec<GraphRequest> {
        self.stage().graph_writes()
    }

    /// Sends nothing that changes anything.
    #[track_caller]
    fn leaves_all(&self, act: impl FnOnce() -> Done) -> Done {
        let before = self.writes().len();
        let done = act();
        assert_eq!(self.writes().len(), before, "{:?}", &self.writes()[before..]);
        done
    }
}

/// Method and path of each request, ids left out.
fn shapes(writes: &[GraphRequest]) -> Vec<String> {
    writes.iter().map(|write| format!("{} {}", write.method, without_ids(&write.path))).collect()
}

/// A path with every id and every placeholder of one replaced by a star.
fn without_ids(path: &str) -> String {
    let is_id = |segment: &&str| segment.len() == 36 && segment.matches('-').count() == 4 || segment.starts_with('{');
    path.split('/').map(|segment| if is_id(&segment) { "*" } else { segment }).collect::<Vec<_>>().join("/")
}
