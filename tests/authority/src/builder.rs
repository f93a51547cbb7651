//! How a stage is set.

use crate::clock::Clock;
use crate::directory::Directory;
use crate::jwt::SigningKey;
use crate::proxy::table::ProxyTable;
use crate::realm::{Realm, Settings, SignInMode};
use crate::tls::Tls;
use crate::{Stage, server};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{io, thread};

/// Options of a [`Stage`] that is not up yet.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct StageBuilder {
    https: bool,
    host: &'static str,
    ports: [u16; 3],
    path: String,
    table: ProxyTable,
    settings: Settings,
    redirect_uris: Vec<String>,
    multi_tenant: bool,
    token_version: u8,
}

impl Default for StageBuilder {
    fn default() -> Self {
        Self {
            https: false,
            host: "127.0.0.1",
            ports: [0; 3],
            path: "/".to_owned(),
            table: ProxyTable::default(),
            settings: Settings {
                sign_in: SignInMode::Pages,
                access_token_lifetime: Duration::from_secs(4500),
                refresh_in: None,
                device_interval: Duration::from_secs(5),
                device_lifetime: Duration::from_secs(900),
                scope_normalised: false,
            },
            redirect_uris: [
                "http://localhost",
                "http://127.0.0.1",
                "https://login.microsoftonline.com/common/oauth2/nativeclient",
            ]
            .map(str::to_owned)
            .to_vec(),
            multi_tenant: false,
            token_version: 1,
        }
    }
}

impl StageBuilder {
    /// TLS for authority and proxy, with a certificate authority made at the start: [`Stage::ca_pem`]. Off by default.
    pub fn https(mut self, on: bool) -> Self {
        self.https = on;
        self
    }

    /// `localhost` in place of `127.0.0.1` in every URL. The listeners are on 127.0.0.1 all the same.
    pub fn localhost(mut self, on: bool) -> Self {
        self.host = if on { "localhost" } else { "127.0.0.1" };
        self
    }

    /// TCP ports of authority, proxy and app; 0, the default, takes a free one.
    pub fn ports(mut self, authority: u16, proxy: u16, app: u16) -> Self {
        self.ports = [authority, proxy, app];
        self
    }

    /// The path under which the app is published, such as `/hr/`: it begins and ends with a slash. `/` by default.
    pub fn external_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// What the proxy does when.
    pub fn proxy_table(mut self, table: ProxyTable) -> Self {
        self.table = table;
        self
    }

    /// How users sign in; pages by default.
    pub fn sign_in(mut self, mode: SignInMode) -> Self {
        self.settings.sign_in = mode;
        self
    }

    /// Lifetime of access tokens, in whole seconds; 75 minutes by default. Over two hours brings a `refresh_in`.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.access_token_lifetime = lifetime;
        self
    }

    /// A `refresh_in` in every token response, in whole seconds.
    pub fn refresh_in(mut self, after: Duration) -> Self {
        self.settings.refresh_in = Some(after);
        self
    }

    /// Seconds between two polls of the device code flow; 5 by default.
    pub fn device_interval(mut self, interval: Duration) -> Self {
        self.settings.device_interval = interval;
        self
    }

    /// Lifetime of a device code; 900 seconds by default.
    pub fn device_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.device_lifetime = lifetime;
        self
    }

    /// The `scope` of token responses with single slashes whatever was asked for, as users have seen
    /// (microsoft-authentication-library-for-dotnet#1040). Off by default.
    pub fn scope_normalised(mut self, on: bool) -> Self {
        self.settings.scope_normalised = on;
        self
    }

    /// Redirect URIs of the native client, in place of `http://localhost`, `http://127.0.0.1` and `nativeclient`.
    pub fn redirect_uris<S: Into<String>>(mut self, uris: impl IntoIterator<Item = S>) -> Self {
        self.redirect_uris = uris.into_iter().map(Into::into).collect();
        self
    }

    /// The native client is for accounts of any organization: `common` and the second tenant are open to it.
    pub fn multi_tenant(mut self, on: bool) -> Self {
        self.multi_tenant = on;
        self
    }

    /// `requestedAccessTokenVersion` of the proxy app, 1 (default) or 2.
    pub fn token_version(mut self, version: u8) -> Self {
        self.token_version = version;
        self
    }

    /// Binds the ports and begins to serve.
    ///
    /// # Errors
    /// Where a port is taken, or no thread or certificate can be made.
    pub fn start(self) -> io::Result<Stage> {
        let bind = |port| TcpListener::bind(("127.0.0.1", port));
        let [authority, proxy, app] = self.ports;
        let (authority, proxy, app) = (bind(authority)?, bind(proxy)?, bind(app)?);
        let scheme = if self.https { "https" } else { "http" };
        let origin = |listener: &TcpListener| -> io::Result<String> {
            let port = listener.local_addr()?.port();
            // An origin does not name its scheme's own port (RFC 6454 6.2).
            let is_usual = (scheme, port) == ("https", 443) || (scheme, port) == ("http", 80);
            Ok(if is_usual { format!("{scheme}://{}", self.host) } else { format!("{scheme}://{}:{port}", self.host) })
        };
        let instance = origin(&authority)?;
        let external_url = format!("{}{}", origin(&proxy)?, self.path);
        let directory = Directory::new(&external_url, self.redirect_uris, self.multi_tenant, self.token_version);
        let realm = Arc::new(Realm {
            clock: Clock::default(),
            key: SigningKey::fixed(),
            directory,
            settings: self.settings,
            instance,
            external_url,
            external_path: self.path,
            app_address: app.local_addr()?,
            tls: self.https.then(Tls::make).transpose()?,
            faults: crate::Faults::default(),
            table: Mutex::new(self.table),
            ledger: Mutex::default(),
            policy: Mutex::default(),
            requests: Mutex::default(),
            issued: Mutex::default(),
        });
        let (stop, stopped) = smol::channel::bounded(1);
        let served = realm.clone();
        let thread = thread::Builder::new()
            .name("entrada-stage".to_owned())
            .spawn(move || server::run(served, authority, proxy, app, &stopped))?;
        Ok(Stage::new(realm, stop, thread))
    }
}
