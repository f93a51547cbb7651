//! The blocking HTTP transport of entrada, over [`ureq`] and rustls.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use entrada_core::ports::blocking::{Body, Transport};
//! use entrada_ureq::UreqTransport;
//!
//! let transport = UreqTransport::builder().ca_file("/etc/ssl/corp-root.pem").build()?;
//! let request = http::Request::get("https://hr-contoso.msappproxy.net/api/me").body(Body::empty())?;
//! let mut reply = transport.send(request, Duration::from_secs(30))?;
//! let page = reply.body_mut().read_to_limit(1 << 20)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does, and what it does not
//!
//! - HTTP/1.1 with keep-alive; bodies are streamed both ways. A safe request (`GET`, `HEAD`) without a
//!   body whose connection is cut before the answer is sent once more, as the server may just have closed
//!   a connection that was kept; no other request ever is.
//! - No redirect is followed, no cookie kept, no status is an error, and no header is added besides
//!   `Host`, those that frame the body, and `User-Agent` where one was asked for.
//! - TLS 1.2 and 1.3 by rustls with the ring provider. The roots are the system's, or those of
//!   `SSL_CERT_FILE` and `SSL_CERT_DIR`, and those that [`Builder::ca_file`] adds. They are loaded at
//!   the first https request and not before, so that a program that needs no network pays nothing.
//! - Proxies come from the environment, in the way curl reads it; see [`Builder::proxy_from_env`].
//!
//! # Time
//!
//! `timeout` limits each of these by itself: looking the name up, connecting (with the proxy and TLS),
//! any single write, the whole wait for the head of the answer, and any single read of its body. So a
//! download may take as long as it needs while bytes keep coming.
//!
//! # A limit of ureq's
//!
//! Where a request has `Expect: 100-continue`, a `100` answer with headers of its own is not understood (ureq 3.5), and the
//! request ends with its time. No authority and no proxy of Microsoft's is known to send one; nothing here sets `Expect`.
//!
//! # Logs
//!
//! `ureq` writes to the `log` crate. Up to the level `debug` it leaves out paths, queries and headers
//! that may be secret; at `trace` it writes whole answers: do not collect that level.

mod body;
mod error;

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Body, Transport};
use entrada_dial::{Place, Settings, announce, is_bodiless};
use http::uri::Scheme;
use http::{Request, Response, Uri};
use ureq::config::{Config, ConfigBuilder};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::HttpCrateScope;
use ureq::{Agent, Proxy, SendBody};

use body::{Incoming, Outgoing};

/// Puts a [`UreqTransport`] together.
pub type Builder = entrada_dial::Builder<UreqTransport>;

/// Blocking HTTP over ureq.
///
/// Clones share their connections and their root certificates.
#[derive(Clone)]
pub struct UreqTransport {
    agents: Agents,
}

/// Where the agents come from.
#[derive(Clone)]
enum Agents {
    Own(Arc<Own>),
    Given(Agent),
}

/// Two agents, each made when first needed: the one for https costs the loading of all root certificates.
struct Own {
    settings: Settings,
    plain: OnceLock<Agent>,
    secure: Mutex<Option<Agent>>,
}

impl UreqTransport {
    /// With the system's root certificates and the environment's proxy.
    pub fn new() -> Self {
        Self::from(Settings::of_the_system())
    }

    /// For more root certificates, another proxy, a user agent.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Over an agent that the program has already: its TLS, proxy, pool, middleware and user agent.
    ///
    /// What the port forbids (redirects, statuses as errors, headers of its own) is switched off for
    /// each request that is sent through here; the agent itself is left as it is.
    pub fn from_agent(agent: Agent) -> Self {
        Self { agents: Agents::Given(agent) }
    }
}

impl From<Settings> for UreqTransport {
    fn from(settings: Settings) -> Self {
        let own = Own { settings, plain: OnceLock::new(), secure: Mutex::new(None) };
        Self { agents: Agents::Own(Arc::new(own)) }
    }
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport").finish_non_exhaustive()
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: Request<Body>, timeout: Duration) -> Result<Response<Body>, AdapterError> {
        let mut place = Place::of(request.uri(), timeout);
        let (agent, proxy) = self.agents.route(request.uri())?;
        if let Some(Some(proxy)) = &proxy {
            place.through(format!("{}:{}", proxy.host(), proxy.port()));
        }

        let (mut parts, body) = request.into_parts();
        announce(&mut parts.headers, &parts.method, body.length());
        let outgoing = Outgoing::new(body);
        let failure = outgoing.failure();
        let method = parts.method.clone();
        let again = (outgoing.is_empty() && method.is_safe()).then(|| parts.clone());
        let payload = if outgoing.is_empty() { SendBody::none() } else { SendBody::from_owned_reader(outgoing) };

        let mut answer = run(&agent, Request::from_parts(parts, payload), &proxy, timeout);
        if let (Err(error), Some(parts)) = (&answer, again)
            && error::is_cut(error)
        {
            answer = run(&agent, Request::from_parts(parts, SendBody::none()), &proxy, timeout);
        }
        match answer {
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                let length = if is_bodiless(&method, parts.status) { Some(0) } else { body.content_length() };
                Ok(Response::from_parts(parts, Body::stream(Incoming::new(body, place), length)))
            }
            Err(error) => Err(match failure.take() {
                Some(failure) => place.unreadable_body(&failure),
                None => error::explain(&place, error),
            }),
        }
    }
}

/// Sends through the agent, with all switched off that the port forbids.
fn run(
    agent: &Agent,
    request: Request<SendBody<'static>>,
    proxy: &Option<Option<Proxy>>,
    timeout: Duration,
) -> Result<Response<ureq::Body>, ureq::Error> {
    let names_host = needs_lookup(request.uri());
    let mut config = limit(agent.configure_request(request), timeout, names_host)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .accept("")
        .accept_encoding("");
    if let Some(proxy) = proxy {
        config = config.proxy(proxy.clone());
    }
    agent.run(config.build())
}

impl Agents {
    /// The agent for this URI; and the proxy, where that is ours to choose.
    fn route(&self, uri: &Uri) -> Result<(Agent, Option<Option<Proxy>>), AdapterError> {
        match self {
            Self::Given(agent) => Ok((agent.clone(), None)),
            Self::Own(own) => {
                let variable = own.settings.proxies.for_uri(uri);
                let proxy = variable.map(|it| Proxy::new(it.value()).map_err(|_| it.unusable())).transpose()?;
                let tls_to_proxy = proxy.as_ref().is_some_and(|proxy| proxy.protocol() == ureq::ProxyProtocol::Https);
                let secure = uri.scheme() == Some(&Scheme::HTTPS) || tls_to_proxy;
                let agent = if secure { own.secure()? } else { own.plain() };
                Ok((agent, Some(proxy)))
            }
        }
    }
}

impl Own {
    fn plain(&self) -> Agent {
        self.plain.get_or_init(|| self.agent(RootCerts::from([]))).clone()
    }

    /// The lock is held while the roots load: parallel first requests load them once.
    fn secure(&self) -> Result<Agent, AdapterError> {
        let mut slot = self.secure.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = &*slot {
            return Ok(agent.clone());
        }
        let roots = self.settings.roots.with_system()?;
        let agent = self.agent(roots.iter().map(|root| Certificate::from_der(root).to_owned()).into());
        Ok(slot.insert(agent).clone())
    }

    fn agent(&self, roots: RootCerts) -> Agent {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let user_agent = self.settings.user_agent.as_ref().and_then(|name| name.to_str().ok()).unwrap_or_default();
        let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build();
        Config::builder()
            .tls_config(tls)
            .proxy(None)
            .user_agent(user_agent)
            .max_idle_connections_per_host(8)
            .build()
            .into()
    }
}

/// The port's one limit, said in ureq's words.
fn limit(
    config: ConfigBuilder<HttpCrateScope<SendBody<'static>>>,
    timeout: Duration,
    names_host: bool,
) -> ConfigBuilder<HttpCrateScope<SendBody<'static>>> {
    // The end of time is further away than any program runs, and near enough to be added to an instant.
    let limit = Some(timeout.min(Duration::from_secs(365 * 24 * 3600)));
    config
        .timeout_global(None)
        .timeout_per_call(None)
        // A limit on the lookup costs a thread, and an address needs no lookup.
        .timeout_resolve(limit.filter(|_| names_host))
        .timeout_connect(limit)
        .timeout_send_request(limit)
        .timeout_send_body(None)
        .timeout_recv_response(limit)
        .timeout_recv_body(None)
        .timeout_per_read(limit)
        .timeout_per_write(limit)
}

fn needs_lookup(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    host != "localhost" && host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_err()
}
