//! Step 1: the app is published through application proxy.

mod writes;

use entrada::SystemEntropy;
use entrada::ports::blocking::Entropy;
use entrada::protocol::is_guid;
use serde_json::{Value, json};

use super::address;
use super::args::Publish;
use super::connectors::Connectors;
use super::find::{self, Which};
use super::graph::Graph;
use super::plan::{Made, Plan, text};
use super::refusal::{incomplete, trap};
use super::run::{Next, Step};
use crate::failure::Failure;

/// What is asked for, and what is there.
pub(super) struct Publishing<'a> {
    wanted: &'a Publish,
    /// The object id of the application that this run has made.
    made: Option<String>,
    made_principal: bool,
    made_group: Option<Value>,
    found: Found,
}

/// What is there.
#[derive(Clone, Debug, Default)]
struct Found {
    application: Option<Value>,
    principal: Option<Value>,
    connectors: Connectors,
    /// For a permission that has to be made.
    new_scope_id: String,
    /// Made by this run: nothing of it is the user's yet.
    fresh: bool,
}

impl<'a> Publishing<'a> {
    pub(super) fn new(wanted: &'a Publish) -> Result<Self, Failure> {
        for (name, url) in [("internal", &wanted.internal_url), ("external", &wanted.external_url)] {
            address::check(name, url)?;
        }
        address::check_external(&wanted.external_url)?;
        if let Some(app) = wanted.app.as_deref().filter(|app| !is_guid(app)) {
            return Err(trap("not_an_app_id", format!("--app {app:?} is not an app id"), "or find it by --name"));
        }
        let (made_principal, made_group) = (false, None);
        Ok(Self {
            wanted,
            made: None,
            made_principal,
            made_group,
            found: Found { new_scope_id: new_guid()?, ..Found::default() },
        })
    }

    /// The one app that is meant: by its id, else by name and by external URL, which must not be two.
    fn find(&self, graph: &Graph<'_>) -> Result<Option<Value>, Failure> {
        let at_url = find::application(graph, &Which::Url(self.wanted.external_url.clone()))?;
        let meant = match (&self.wanted.app, &self.wanted.name) {
            (Some(id), _) => Some(find::existing(graph, &Which::Id(id.clone()), "leave --app out to create one")?),
            (None, Some(name)) => find::application(graph, &Which::Name(name.clone()))?,
            (None, None) => None,
        };
        match (meant, at_url) {
            (Some(meant), Some(at_url)) if meant["appId"] != at_url["appId"] => Err(trap(
                "not_unique",
                format!(
                    "{} is the external URL of {:?} ({}) already, and not of {:?} ({})",
                    self.wanted.external_url,
                    text(&at_url, "displayName"),
                    text(&at_url, "appId"),
                    text(&meant, "displayName"),
                    text(&meant, "appId"),
                ),
                "take another external URL, or name that app with --app",
            )),
            (None, Some(at_url)) if self.wanted.name.as_deref() != at_url["displayName"].as_str() => Err(trap(
                "not_unique",
                format!(
                    "{} is the external URL of {:?} already",
                    self.wanted.external_url,
                    text(&at_url, "displayName")
                ),
                format!("take another external URL, or name that app: --app {}", text(&at_url, "appId")),
            )),
            (meant, at_url) => Ok(meant.or(at_url)),
        }
    }
}

impl Step for Publishing<'_> {
    fn read(&mut self, graph: &Graph<'_>) -> Result<(), Failure> {
        let application = match &self.made {
            Some(id) => Some(find::made(graph, id)?),
            None => self.find(graph)?,
        };
        let awaited = self.found.fresh || self.made_principal;
        self.found.principal = match (&application, awaited) {
            (Some(application), true) => Some(find::made_principal(graph, text(application, "appId"))?),
            (Some(application), false) => find::principal(graph, text(application, "appId"))?,
            (None, _) => None,
        };
        self.found.connectors = Connectors::read(graph, self.wanted.connector_group.as_deref(), application.as_ref())?;
        if let Some(group) = &self.made_group {
            self.found.connectors.know(group);
        }
        self.found.application = application;
        Ok(())
    }

    fn plan(&self) -> Result<Plan, Failure> {
        writes::plan(self.wanted, &self.found)
    }

    fn made(&mut self, made: Made, answer: &Value) -> Result<(), Failure> {
        match made {
            Made::Application => {
                let id = answer["application"]["id"].as_str().ok_or_else(|| incomplete("application", answer))?;
                self.made = Some(id.to_owned());
                self.found.fresh = true;
            }
            Made::Principal => self.made_principal = true,
            Made::ConnectorGroup => self.made_group = Some(answer.clone()),
        }
        Ok(())
    }

    fn outcome(&self) -> Value {
        let application = self.found.application.as_ref().unwrap_or(&Value::Null);
        let mut scope_from = application.clone();
        scope_from["onPremisesPublishing"]["externalUrl"] = self.wanted.external_url.clone().into();
        json!({
            "app_id": application["appId"],
            "display_name": application["displayName"],
            "external_url": self.wanted.external_url,
            "internal_url": self.wanted.internal_url,
            "scope": find::scope_to_ask_for(&scope_from),
        })
    }

    fn next(&self) -> Next {
        let app = self.found.application.as_ref().map(|app| text(app, "appId").to_owned());
        let app = app.unwrap_or_else(|| "APP-ID".to_owned());
        Next::Commands(vec![
            "entrada setup register --name entrada".to_owned(),
            format!("entrada setup grant --app {app} --client-id CLIENT-ID"),
            format!("entrada setup assign --app {app} --user USER"),
        ])
    }
}

/// A random GUID (RFC 9562, version 4).
fn new_guid() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    SystemEntropy
        .fill(&mut bytes)
        .map_err(|error| Failure::new(crate::failure::OTHER, "other", format!("there is no randomness: {error}")))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
