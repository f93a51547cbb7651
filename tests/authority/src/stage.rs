//! Authority, application proxy and app as one.

use crate::directory::{
    ADMIN_APP, CONTOSO, FABRIKAM, NATIVE_CLIENT, OTHER_CLIENT, PAYROLL_APP, PROXY_APP, REPORTS_APP, User, WEB_CLIENT,
};
use crate::faults::{Endpoint, Faults};
use crate::internet::NameAsked;
use crate::observed::{RequestSeen, TokensIssued};
use crate::realm::{Realm, locked};
use crate::{StageBuilder, Visitor};
use serde_json::Value;
use smol::channel::Sender;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io};

/// An authority, an application proxy and an app that are up. Dropped, they are down and their ports free.
pub struct Stage {
    pub(crate) realm: Arc<Realm>,
    stop: Sender<()>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Stage {
    pub(crate) fn new(realm: Arc<Realm>, stop: Sender<()>, thread: JoinHandle<io::Result<()>>) -> Self {
        Self { realm, stop, thread: Some(thread) }
    }

    /// A stage with other options than the default ones.
    pub fn builder() -> StageBuilder {
        StageBuilder::default()
    }

    /// A stage with the default options: http, pages, default table.
    ///
    /// # Errors
    /// As [`StageBuilder::start`].
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// `scheme://host:port` of the authority, without a slash at the end.
    pub fn instance_url(&self) -> &str {
        &self.realm.instance
    }

    /// The authority: instance and tenant id.
    pub fn authority_url(&self) -> String {
        self.authority_of(CONTOSO)
    }

    /// The authority with another last segment: a domain, `common`, another tenant.
    pub fn authority_of(&self, tenant: &str) -> String {
        format!("{}/{tenant}", self.realm.instance)
    }

    /// The issuer of id tokens and of v2 access tokens.
    pub fn issuer(&self) -> String {
        self.realm.issuer(CONTOSO)
    }

    /// The tenant's GUID.
    pub fn tenant_id(&self) -> &'static str {
        CONTOSO
    }

    /// The tenant's domain.
    pub fn tenant_domain(&self) -> &'static str {
        "contoso.example"
    }

    /// A second tenant, in which Ada is a guest and to which only a multi-tenant client has access.
    pub fn guest_tenant_id(&self) -> &'static str {
        FABRIKAM
    }

    /// The native public client.
    pub fn client_id(&self) -> &'static str {
        NATIVE_CLIENT
    }

    /// Another public client: the grants of one are of no use to the other. It may not use the device code flow.
    pub fn other_client_id(&self) -> &'static str {
        OTHER_CLIENT
    }

    /// A client registered under *Web*: confidential, so that public flows end in AADSTS7000218.
    pub fn web_client_id(&self) -> &'static str {
        WEB_CLIENT
    }

    /// The proxy app's id, which is also an audience.
    pub fn proxy_app_id(&self) -> &'static str {
        PROXY_APP
    }

    /// The published app, with a slash at the end.
    pub fn external_url(&self) -> &str {
        &self.realm.app().external_url
    }

    /// The second app of the same host, if there is one: at `admin/` under the external URL, with a slash at the end.
    pub fn admin_url(&self) -> Option<&str> {
        self.url_of(ADMIN_APP)
    }

    /// The second app's id.
    pub fn admin_app_id(&self) -> &'static str {
        ADMIN_APP
    }

    /// The app of another host, where there are public names: `https://payroll-contoso.msappproxy.net/`.
    pub fn payroll_url(&self) -> Option<&str> {
        self.url_of(PAYROLL_APP)
    }

    /// That app's id.
    pub fn payroll_app_id(&self) -> &'static str {
        PAYROLL_APP
    }

    /// A site that is not the proxy's and whose every answer is the proxy's redirect, with the published app's tenant and id
    /// and itself as redirect URI; [`ProxyTable::stranger`](crate::ProxyTable::stranger) says otherwise. It is at
    /// `https://hr-contoso.evil.example/` where there are public names, else on loopback, and what comes to it is among
    /// the requests at [`Endpoint::Stranger`]. None without [`StageBuilder::stranger`].
    pub fn stranger_url(&self) -> Option<&str> {
        self.realm.stranger_url.as_deref()
    }

    fn url_of(&self, app_id: &str) -> Option<&str> {
        self.realm.published.iter().find(|app| app.app_id == app_id).map(|app| app.external_url.as_str())
    }

    /// The HTTP proxy through which the public names are reached, for `HTTPS_PROXY`: `http://127.0.0.1:PORT`. It
    /// tunnels to the stage's names and to no other. None without [`StageBuilder::public_names`].
    pub fn internet_proxy_url(&self) -> Option<&str> {
        self.realm.internet.as_ref().map(|internet| internet.proxy_url.as_str())
    }

    /// Every request at the HTTP proxy, in order: who was looked for, found or not.
    pub fn names_asked(&self) -> Vec<NameAsked> {
        self.realm.internet.as_ref().map(|internet| locked(&internet.asked).clone()).unwrap_or_default()
    }

    /// `http://host:port` of the app itself, which asks for no token.
    pub fn internal_url(&self) -> String {
        format!("http://{}/", self.realm.app_address)
    }

    /// The scope whose token the proxy takes: `{external URL with its slash}/user_impersonation`, two slashes.
    pub fn scope(&self) -> String {
        format!("{}/user_impersonation", self.external_url())
    }

    /// The scope with one slash: the authority issues, and the proxy refuses the audience.
    pub fn one_slash_scope(&self) -> String {
        format!("{}user_impersonation", self.external_url())
    }

    /// The scope by the proxy app's id.
    pub fn app_id_scope(&self) -> String {
        format!("{PROXY_APP}/user_impersonation")
    }

    /// A scope of another resource, whose tokens are version 2 and for which the same refresh token serves.
    pub fn other_scope(&self) -> String {
        format!("api://{REPORTS_APP}/Reports.Read")
    }

    /// The certificate authority in PEM, where the stage is https.
    pub fn ca_pem(&self) -> Option<&str> {
        self.realm.tls.as_ref().map(|tls| tls.ca_pem.as_str())
    }

    /// The certificate authority of the published apps, where it is another one: [`StageBuilder::private_ca`].
    pub fn private_ca_pem(&self) -> Option<&str> {
        self.realm.tls.as_ref().and_then(|tls| tls.private_ca_pem.as_deref())
    }

    /// All users: Ada and Bob of Contoso, Eve of Fabrikam.
    pub fn users(&self) -> &[User] {
        &self.realm.directory.users
    }

    /// `ada@contoso.example`.
    pub fn ada(&self) -> &User {
        &self.realm.directory.users[0]
    }

    /// `bob@contoso.example`.
    pub fn bob(&self) -> &User {
        &self.realm.directory.users[1]
    }

    /// Seconds since 1970 on the stage's clock. Give it to the client under test.
    pub fn now(&self) -> u64 {
        self.realm.clock.now()
    }

    /// How far the stage's clock is ahead of the real one.
    pub fn ahead(&self) -> Duration {
        self.realm.clock.ahead()
    }

    /// Moves the stage's clock.
    pub fn advance(&self, by: Duration) {
        self.realm.clock.advance(by);
    }

    /// Every request so far, at all three servers, in the order of arrival.
    pub fn requests(&self) -> Vec<RequestSeen> {
        locked(&self.realm.requests).clone()
    }

    /// Requests at one endpoint.
    pub fn requests_at(&self, endpoint: Endpoint) -> Vec<RequestSeen> {
        locked(&self.realm.requests).iter().filter(|r| r.endpoint == endpoint).cloned().collect()
    }

    /// How many requests at an endpoint had this `grant_type`; an empty one counts all.
    pub fn count(&self, endpoint: Endpoint, grant: &str) -> usize {
        let requests = locked(&self.realm.requests);
        let at = requests.iter().filter(|r| r.endpoint == endpoint);
        at.filter(|r| grant.is_empty() || r.parameter("grant_type") == Some(grant)).count()
    }

    /// Forgets the requests so far; grants stay.
    pub fn forget_requests(&self) {
        locked(&self.realm.requests).clear();
    }

    /// Every answer of the token endpoint that brought tokens.
    pub fn issued(&self) -> Vec<TokensIssued> {
        locked(&self.realm.issued).clone()
    }

    /// The Bearer tokens seen at the proxy or at the app, in order, repetitions included.
    pub fn bearers_seen(&self, endpoint: Endpoint) -> Vec<String> {
        self.requests_at(endpoint).iter().filter_map(|r| r.bearer().map(str::to_owned)).collect()
    }

    /// Faults on order.
    pub fn faults(&self) -> &Faults {
        &self.realm.faults
    }

    /// A stand-in for a user with a browser; Ada, unless told.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(self.realm.clone())
    }

    /// Any claims signed with the authority's key: a token to order.
    pub fn sign(&self, claims: &Value) -> String {
        self.realm.key.sign(claims)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("instance", &self.realm.instance)
            .field("external_url", &self.external_url())
            .finish_non_exhaustive()
    }
}
