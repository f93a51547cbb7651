//! What is to be sent: requests as data, so that a dry run prints what a run sends.

use serde_json::{Value, json};

/// One version of Microsoft Graph or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `v1.0`.
    V1,
    /// `beta`, which alone knows application proxy.
    Beta,
}

impl Version {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// A request that changes something.
#[derive(Clone, Debug)]
pub(super) struct Write {
    /// What it does, for people: "create the application ...".
    pub(super) what: String,
    pub(super) method: &'static str,
    pub(super) version: Version,
    /// Below the version; ids that are not known yet stand in braces.
    pub(super) path: String,
    pub(super) body: Value,
    /// What exists and is other than asked for: it is changed with consent only.
    pub(super) differences: Vec<Difference>,
    /// What it makes: after that all is read again, as what it made has more to it than what was sent.
    pub(super) makes: Option<Made>,
    /// It makes what there is once alone: where it exists and is not listed yet (Graph is eventually consistent), Graph
    /// refuses to make it again.
    pub(super) is_unique: bool,
}

/// What is, and what it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) what: String,
    pub(super) is: String,
    pub(super) to_be: String,
}

/// A thing whose id the answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Application,
    Principal,
    ConnectorGroup,
}

/// The requests that lead from what is there to what is asked for; none where it is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// What is there and right, for people.
    pub(super) stays: Vec<String>,
    pub(super) writes: Vec<Write>,
}

/// Stands in a link for Graph's host.
pub(super) const GRAPH: &str = "{graph}";

impl Plan {
    pub(super) fn stays(&mut self, what: impl Into<String>) {
        self.stays.push(what.into());
    }

    pub(super) fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.writes.iter().flat_map(|write| &write.differences)
    }
}

impl Write {
    pub(super) fn new(method: &'static str, version: Version, path: String, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { what, method, version, path, body: Value::Null, differences: Vec::new(), makes: None, is_unique: false }
    }

    pub(super) fn post(version: Version, path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new("POST", version, path.into(), what)
    }

    pub(super) fn patch(version: Version, path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new("PATCH", version, path.into(), what)
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    pub(super) fn differing(mut self, differences: Vec<Difference>) -> Self {
        self.differences = differences;
        self
    }

    pub(super) fn unique(mut self) -> Self {
        self.is_unique = true;
        self
    }

    pub(super) fn making(mut self, made: Made) -> Self {
        self.makes = Some(made);
        self
    }

    /// As a dry run tells it.
    pub(super) fn to_json(&self, graph: &str) -> Value {
        json!({ "what": self.what, "method": self.method, "url": self.url(graph), "body": self.body_at(graph) })
    }

    /// The body, with links to things of this Graph.
    pub(super) fn body_at(&self, graph: &str) -> Value {
        let mut body = self.body.clone();
        if let Some(link) = body.get_mut("@odata.id") {
            *link = link.as_str().unwrap_or_default().replace(GRAPH, graph).into();
        }
        body
    }

    pub(super) fn url(&self, graph: &str) -> String {
        format!("{graph}/{}/{}", self.version.word(), self.path)
    }
}

impl Difference {
    /// What to say where a value is there and another one is wanted; nothing where it is not there or right.
    pub(super) fn of(what: &str, is: &Value, to_be: &Value) -> Option<Self> {
        if is.is_null() || is == to_be {
            return None;
        }
        Some(Self { what: what.to_owned(), is: plain(is), to_be: plain(to_be) })
    }
}

/// A value as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        other => other.to_string(),
    }
}

/// The text of a member, empty where there is none.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// The members of an array, none where it is not one.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The texts of an array.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    items(value).iter().filter_map(Value::as_str).collect()
}

/// Whether a list of URIs has this one, in whatever case: Graph refuses two that differ by case alone
/// (`DuplicateValueInDifferentCase`).
pub(super) fn has_uri(list: &[&str], uri: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(uri))
}
