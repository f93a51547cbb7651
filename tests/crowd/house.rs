//! The authority of one thread, and a cache in which both users are signed in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use entrada::ports::blocking::{Body, Transport};
use entrada::protocol::{HttpAnswer, HttpQuery};
use entrada::ureq::UreqTransport;
use entrada::{App, Authority, Fault};
use entrada_authority::Stage;
use serde_json::{Map, Value, json};

use crate::plan::{Kept, Plan, Who};

/// Shorter than the longest patience of the flows, and longer than the shortest.
pub(crate) const DEVICE_LIFETIME: u64 = 200;

pub(crate) struct House {
    pub(crate) stage: Stage,
    pub(crate) app: App,
    transport: UreqTransport,
    /// A cache in which both users are signed in.
    pub(crate) signed_in: Value,
}

impl House {
    /// Nobody is signed in yet.
    pub(crate) fn open() -> Self {
        let stage = Stage::builder().device_lifetime(Duration::from_secs(DEVICE_LIFETIME)).start().unwrap();
        stage.grant_admin_consent();
        let app = App::new(stage.client_id(), Authority::entra(&stage.authority_url()).unwrap()).unwrap();
        Self { stage, app, transport: UreqTransport::new(), signed_in: Value::Null }
    }

    /// As it was before the last seed.
    pub(crate) fn prepare(&self) {
        self.stage.all_clear();
        self.stage.faults().clear();
        self.stage.forget_requests();
    }

    pub(crate) fn name(&self, who: Who) -> &str {
        match who {
            Who::Ada => &self.stage.ada().upn,
            Who::Bob => &self.stage.bob().upn,
        }
    }

    /// The home account id.
    pub(crate) fn id(&self, who: Who) -> String {
        let user = match who {
            Who::Ada => self.stage.ada(),
            Who::Bob => self.stage.bob(),
        };
        format!("{}.{}", user.object_id, user.tenant_id)
    }

    pub(crate) fn scope(&self, other_app: bool) -> String {
        if other_app { self.stage.other_scope() } else { self.stage.scope() }
    }

    /// Milliseconds since 1970 on the stage's clock.
    pub(crate) fn millis(&self) -> u64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        (real + self.stage.ahead()).as_millis() as u64
    }

    /// Takes the stage's clock as far as this; it runs on by itself, and is never turned back.
    pub(crate) fn catch_up(&self, now: u64) {
        self.stage.advance(Duration::from_millis(now.saturating_sub(self.millis())));
    }

    pub(crate) fn exchange(&self, query: &HttpQuery) -> Result<HttpAnswer, Fault> {
        let mut request = http::Request::builder().method(query.method.as_str()).uri(&query.url);
        for (name, value) in &query.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(query.body.expose().to_owned())).unwrap();
        let mut response = self.transport.send(request, query.timeout).map_err(|error| error.fault())?;
        let body = response.body_mut().read_to_limit(query.body_limit).map_err(|_| Fault::Unreachable)?;
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        Ok(HttpAnswer {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: body.ok_or(Fault::TooLarge)?,
        })
    }

    /// The cache that a plan begins with, at this time (seconds).
    pub(crate) fn cache(&self, plan: &Plan, now: u64) -> Value {
        let mut cache = Map::new();
        for section in ["AccessToken", "RefreshToken", "IdToken", "Account", "AppMetadata"] {
            let mut entries = Map::new();
            for (key, entry) in self.signed_in[section].as_object().into_iter().flatten() {
                let is_whose = |who| entry["home_account_id"] == self.id(who);
                let found = plan.signed_in.iter().find(|(who, _)| is_whose(*who));
                let entry = match (section, found) {
                    ("AppMetadata", _) => Some(entry.clone()),
                    ("AccessToken", Some((_, kept))) => at_age(entry, *kept, now),
                    (_, found) => found.map(|_| entry.clone()),
                };
                entries.extend(entry.map(|entry| (key.clone(), entry)));
            }
            cache.insert(section.into(), entries.into());
        }
        // What is another's, and unknown to us.
        cache["RefreshToken"]["foreign"] = foreign();
        cache.insert("Foreign".into(), json!({"kept": [1, {"2": null}]}));
        Value::from(cache)
    }
}

/// Another client's refresh token, with a field of its own.
pub(crate) fn foreign() -> Value {
    json!({
        "home_account_id": "a.b", "environment": "login.example", "client_id": "another", "secret": "not ours",
        "credential_type": "RefreshToken", "of_tomorrow": {"kept": true},
    })
}

fn at_age(entry: &Value, kept: Kept, now: u64) -> Option<Value> {
    let (cached_at, expires_on, refresh_on) = match kept {
        Kept::Nothing => return None,
        Kept::Expired => (now - 4600, now - 100, None),
        Kept::Aging => (now - 4300, now + 200, None),
        Kept::Due => (now - 700, now + 3800, Some(now - 10)),
        Kept::Fresh => (now - 100, now + 4400, None),
    };
    let mut entry = entry.clone();
    entry["cached_at"] = cached_at.to_string().into();
    entry["expires_on"] = expires_on.to_string().into();
    entry["extended_expires_on"] = expires_on.to_string().into();
    if let Some(refresh_on) = refresh_on {
        entry["refresh_on"] = refresh_on.to_string().into();
    }
    Some(entry)
}
