//! What a cache holds when a story begins.

use serde_json::{Map, Value, json};

use super::{ADA, CLIENT, HOST, NOW, SCOPE, TENANT, User};

/// A cache as the unified schema has it, put together entry by entry.
#[derive(Clone)]
pub(crate) struct Cached {
    root: Map<String, Value>,
    host: String,
    realm: String,
    client: String,
    target: String,
}

/// Ada's account and refresh token, `refresh-1`.
pub(crate) fn signed_in() -> Cached {
    Cached::new().account(&ADA).refresh(&ADA, "refresh-1")
}

impl Cached {
    pub(crate) fn new() -> Self {
        Self {
            root: Map::new(),
            host: HOST.into(),
            realm: TENANT.into(),
            client: CLIENT.into(),
            target: format!("openid profile {SCOPE}"),
        }
    }

    /// What follows is of this environment.
    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = host.into();
        self
    }

    /// What follows is of this realm.
    pub(crate) fn realm(mut self, realm: &str) -> Self {
        self.realm = realm.into();
        self
    }

    /// What follows is of this client.
    pub(crate) fn client(mut self, client: &str) -> Self {
        self.client = client.into();
        self
    }

    /// What follows is for these scopes.
    pub(crate) fn target(mut self, target: &str) -> Self {
        self.target = target.into();
        self
    }

    pub(crate) fn account(self, user: &User) -> Self {
        let key = format!("{}-{}-{}", user.id, self.host, self.realm);
        let entry = json!({
            "home_account_id": user.id, "environment": self.host, "realm": self.realm,
            "local_account_id": "local", "username": user.name, "authority_type": "MSSTS",
        });
        self.put("Account", &key, entry)
    }

    pub(crate) fn refresh(self, user: &User, secret: &str) -> Self {
        self.refresh_with(user, secret, json!({}))
    }

    /// A refresh token with further fields.
    pub(crate) fn refresh_with(self, user: &User, secret: &str, more: Value) -> Self {
        let key = format!("{}-{}-refreshtoken-{}--", user.id, self.host, self.client);
        let entry = json!({
            "home_account_id": user.id, "environment": self.host, "client_id": self.client,
            "credential_type": "RefreshToken", "secret": secret,
        });
        self.put("RefreshToken", &key, over(entry, more))
    }

    /// An access token that expires in so many seconds.
    pub(crate) fn access(self, user: &User, secret: &str, expires_in: i64) -> Self {
        self.access_with(user, secret, expires_in, json!({}))
    }

    /// An access token with further fields.
    pub(crate) fn access_with(self, user: &User, secret: &str, expires_in: i64, more: Value) -> Self {
        let key = format!("{}-{}-accesstoken-{}-{}-{}", user.id, self.host, self.client, self.realm, self.target);
        let entry = json!({
            "home_account_id": user.id, "environment": self.host, "client_id": self.client, "realm": self.realm,
            "credential_type": "AccessToken", "secret": secret, "target": self.target, "token_type": "Bearer",
            "cached_at": seconds(-3600), "expires_on": seconds(expires_in),
        });
        self.put("AccessToken", &key.to_lowercase(), over(entry, more))
    }

    /// Any entry.
    pub(crate) fn put(mut self, section: &str, key: &str, entry: Value) -> Self {
        let entries = self.root.entry(section).or_insert_with(|| json!({}));
        entries[key] = entry;
        self
    }

    /// Anything beside the sections.
    pub(crate) fn beside(mut self, name: &str, value: Value) -> Self {
        self.root.insert(name.into(), value);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.root).unwrap()
    }
}

/// A time as the cache writes it, so many seconds from now.
fn seconds(from_now: i64) -> String {
    NOW.as_secs().saturating_add_signed(from_now).to_string()
}

fn over(mut entry: Value, more: Value) -> Value {
    if let (Some(entry), Value::Object(more)) = (entry.as_object_mut(), more) {
        entry.extend(more);
    }
    entry
}
