//! How a stage is set.

use crate::clock::Clock;
use crate::directory::{ADMIN_APP, Directory, PAYROLL_APP, PROXY_APP, Platform, Registration};
use crate::graph::Graph;
use crate::internet::Internet;
use crate::jwt::SigningKey;
use crate::proxy::table::ProxyTable;
use crate::published::Published;
use crate::realm::{Realm, Settings, SignInMode};
use crate::server::Role;
use crate::tls::Tls;
use crate::{Stage, server};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{io, thread};

/// The public name of an app that is not the one that the stage is about.
const PAYROLL_HOST: &str = "payroll-contoso.msappproxy.net";
/// The public name of Microsoft Graph.
const GRAPH_HOST: &str = "graph.microsoft.com";
/// The public name of a site that is not the proxy's.
const STRANGER_HOST: &str = "hr-contoso.evil.example";

/// Options of a [`Stage`] that is not up yet.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct StageBuilder {
    https: bool,
    host: &'static str,
    ports: [u16; 3],
    public_names: bool,
    login_host: String,
    external_host: String,
    lookalikes: Vec<String>,
    path: String,
    admin_app: bool,
    stranger: bool,
    graph: bool,
    identifiers: Option<Vec<String>>,
    table: ProxyTable,
    settings: Settings,
    native: Registration,
    private_ca: bool,
    token_version: u8,
}

impl Default for StageBuilder {
    fn default() -> Self {
        Self {
            https: false,
            host: "127.0.0.1",
            ports: [0; 3],
            public_names: false,
            login_host: "login.microsoftonline.com".to_owned(),
            external_host: "hr-contoso.msappproxy.net".to_owned(),
            lookalikes: Vec::new(),
            path: "/".to_owned(),
            admin_app: false,
            stranger: false,
            graph: false,
            identifiers: None,
            table: ProxyTable::default(),
            settings: Settings {
                sign_in: SignInMode::Pages,
                access_token_lifetime: Duration::from_secs(4500),
                token_ends_after: None,
                refresh_in: None,
                device_interval: Duration::from_secs(5),
                device_lifetime: Duration::from_secs(900),
                scope_normalised: false,
            },
            native: Registration {
                redirect_uris: [
                    "http://localhost",
                    "http://127.0.0.1",
                    "https://login.microsoftonline.com/common/oauth2/nativeclient",
                ]
                .map(str::to_owned)
                .to_vec(),
                platform: Platform::Native,
                multi_tenant: false,
                single: false,
            },
            private_ca: false,
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

    /// The names of the real world in every URL, over https: the authority is `https://login.microsoftonline.com`, the
    /// published app `https://hr-contoso.msappproxy.net/`, and beside it another app is published at
    /// `https://payroll-contoso.msappproxy.net/`. All are reached through the HTTP proxy [`Stage::internet_proxy_url`] and
    /// nowhere else, with [`Stage::ca_pem`] for their certificates.
    pub fn public_names(mut self, on: bool) -> Self {
        self.public_names = on;
        self
    }

    /// The authority's public name, such as another cloud's.
    pub fn login_host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.login_host);
        self
    }

    /// The published app's public name, such as one of a custom domain.
    pub fn external_host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.external_host);
        self
    }

    /// One more public name under which the authority answers: one that looks like the right one, and that nobody
    /// should ask.
    pub fn lookalike_host(mut self, host: &str) -> Self {
        self.lookalikes.push(host.to_owned());
        self
    }

    /// A second app is published at `admin/` under the first one's external URL, with an id and an audience of its own.
    pub fn admin_app(mut self, on: bool) -> Self {
        self.admin_app = on;
        self
    }

    /// A site that pretends to be the published app's: [`Stage::stranger_url`].
    pub fn stranger(mut self, on: bool) -> Self {
        self.stranger = on;
        self
    }

    /// Microsoft Graph, as much of it as publishes apps and registers clients: [`Stage::graph_url`]. Ada is Application
    /// Administrator there, Bob is Cloud Application Administrator.
    pub fn graph(mut self, on: bool) -> Self {
        self.graph = on;
        self
    }

    /// The published app's App ID URIs, in place of the external URL and `api://{app id}`. `{url}` stands for the external
    /// URL without its last slash, `{id}` for the proxy app's id. A resource by another URI is unknown: AADSTS500011.
    pub fn identifiers<S: Into<String>>(mut self, uris: impl IntoIterator<Item = S>) -> Self {
        self.identifiers = Some(uris.into_iter().map(Into::into).collect());
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

    /// Access tokens end so soon, whatever lifetime the answer says; in whole seconds.
    pub fn token_ends_after(mut self, lifetime: Duration) -> Self {
        self.settings.token_ends_after = Some(lifetime);
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
        self.native.redirect_uris = uris.into_iter().map(Into::into).collect();
        self
    }

    /// The platform under which the native client's redirect URIs are registered.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.native.platform = platform;
        self
    }

    /// The published app's registration has the native client's redirect URIs too and allows public client flows, as if
    /// one registration were enough. Off by default.
    pub fn single_registration(mut self, on: bool) -> Self {
        self.native.single = on;
        self
    }

    /// The published apps have a certificate of an authority that [`Stage::ca_pem`] is not; [`Stage::private_ca_pem`] is.
    /// For a stage with TLS.
    pub fn private_ca(mut self, on: bool) -> Self {
        self.private_ca = on;
        self
    }

    /// The native client is for accounts of any organization: `common` and the second tenant are open to it.
    pub fn multi_tenant(mut self, on: bool) -> Self {
        self.native.multi_tenant = on;
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
        let stranger = self.stranger.then(|| bind(0)).transpose()?;
        let graph = self.graph.then(|| bind(0)).transpose()?;
        let internet = self.public_names.then(|| bind(0)).transpose()?;
        let scheme = if self.https { "https" } else { "http" };
        let origin = |listener: &TcpListener, name: &str| -> io::Result<String> {
            if self.public_names {
                return Ok(format!("https://{name}"));
            }
            let port = listener.local_addr()?.port();
            // An origin does not name its scheme's own port (RFC 6454 6.2).
            let is_usual = (scheme, port) == ("https", 443) || (scheme, port) == ("http", 80);
            Ok(if is_usual { format!("{scheme}://{}", self.host) } else { format!("{scheme}://{}:{port}", self.host) })
        };
        let instance = origin(&authority, &self.login_host)?;
        let published = self.published(&origin(&proxy, &self.external_host)?);
        let stranger_url = match &stranger {
            Some(listener) => Some(format!("{}/", origin(listener, STRANGER_HOST)?)),
            None => None,
        };
        let mut directory = Directory::new(&published, self.native.clone(), self.token_version);
        let graph_url = graph.as_ref().map(|listener| origin(listener, GRAPH_HOST)).transpose()?;
        let graphs = graph_url.map(|url| {
            directory.know_graph(&url);
            Graph::new(url, &directory)
        });
        let named = match &internet {
            Some(listener) => Some(self.internet(listener, &authority, &proxy, stranger.as_ref(), graph.as_ref())?),
            None => None,
        };
        let tls = (self.https || self.public_names).then(|| {
            let names = named.iter().flat_map(|internet| &internet.names);
            Tls::make(names.map(|(name, _)| name.clone()).collect(), self.private_ca)
        });
        let realm = Arc::new(Realm {
            clock: Clock::default(),
            key: SigningKey::fixed(),
            directory,
            settings: self.settings,
            instance,
            published,
            app_address: app.local_addr()?,
            tls: tls.transpose()?,
            internet: named,
            stranger_url,
            graph: graphs,
            faults: crate::Faults::default(),
            table: Mutex::new(self.table),
            ledger: Mutex::default(),
            policy: Mutex::default(),
            requests: Mutex::default(),
            issued: Mutex::default(),
        });
        let (stop, stopped) = smol::channel::bounded(1);
        let served = realm.clone();
        let listeners = [(Role::Authority, authority), (Role::Proxy, proxy), (Role::App, app)];
        let more = [(Role::Stranger, stranger), (Role::Graph, graph), (Role::Internet, internet)];
        let more = more.into_iter().filter_map(|(role, listener)| Some((role, listener?)));
        let listeners = listeners.into_iter().chain(more).collect();
        let thread = thread::Builder::new()
            .name("entrada-stage".to_owned())
            .spawn(move || server::run(served, listeners, &stopped))?;
        Ok(Stage::new(realm, stop, thread))
    }

    fn published(&self, origin: &str) -> Vec<Published> {
        let mut hr = Published::new(PROXY_APP, "Contoso HR", origin, &self.path);
        if let Some(identifiers) = &self.identifiers {
            let url = hr.external_url.strip_suffix('/').unwrap_or(&hr.external_url);
            let filled = identifiers.iter().map(|uri| uri.replace("{url}", url).replace("{id}", PROXY_APP));
            hr.identifiers = filled.collect();
        }
        let admin = format!("{}admin/", self.path);
        let admin = self.admin_app.then(|| Published::new(ADMIN_APP, "Contoso HR administration", origin, &admin));
        let payroll = format!("https://{PAYROLL_HOST}");
        let payroll = self.public_names.then(|| Published::new(PAYROLL_APP, "Contoso Payroll", &payroll, "/"));
        [hr].into_iter().chain(admin).chain(payroll).collect()
    }

    fn internet(
        &self,
        proxy_itself: &TcpListener,
        authority: &TcpListener,
        proxy: &TcpListener,
        stranger: Option<&TcpListener>,
        graph: Option<&TcpListener>,
    ) -> io::Result<Internet> {
        let (authority, proxy) = (authority.local_addr()?, proxy.local_addr()?);
        let logins = [&self.login_host].into_iter().chain(&self.lookalikes).map(|name| (name.clone(), authority));
        let apps = [self.external_host.as_str(), PAYROLL_HOST].map(|name| (name.to_owned(), proxy));
        let mut names: Vec<_> = logins.chain(apps).collect();
        if let Some(stranger) = stranger {
            names.push((STRANGER_HOST.to_owned(), stranger.local_addr()?));
        }
        if let Some(graph) = graph {
            names.push((GRAPH_HOST.to_owned(), graph.local_addr()?));
        }
        let proxy_url = format!("http://{}", proxy_itself.local_addr()?);
        Ok(Internet { names, proxy_url, asked: Mutex::default() })
    }
}
