//! From a URI to a stream: the name, the socket, the proxy, TLS.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use entrada_core::ports::AdapterError;
use futures::future::{Either, pending, select};
use futures::lock::Mutex;
use futures::stream::{FuturesUnordered, StreamExt as _};
use futures_rustls::TlsConnector;
use http::Uri;
use http::uri::Scheme;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};

use super::network::{Network, Stream, sleep, within};
use super::outgoing::{Watched, Writes};
use super::proxy::{Kind, Proxy};
use super::socks::{self, Target};
use super::tunnel;
use crate::{Environment, Place, Roots, Step};

/// Opens connections, as the settings say: whom to trust, and through which proxy.
///
/// A [`Client`](super::Client) has one; it is for those who speak over the stream themselves.
pub struct Dialer<N> {
    roots: Arc<Roots>,
    proxies: Environment,
    tls: OnceLock<Arc<ClientConfig>>,
    loading: Mutex<()>,
    network: PhantomData<fn() -> N>,
}

/// Where a connection leads: what two requests have in common that can share one.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(super) struct Route {
    secure: bool,
    /// An IPv6 address has its brackets.
    host: String,
    port: u16,
    proxy: Option<Proxy>,
}

impl Route {
    /// `None` where this is not a full http or https URL.
    pub(super) fn of(uri: &Uri, proxy: Option<Proxy>) -> Option<Self> {
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        if !secure && uri.scheme() != Some(&Scheme::HTTP) {
            return None;
        }
        let host = uri.host().filter(|host| !host.is_empty())?;
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Some(Self { secure, host: host.to_ascii_lowercase(), port, proxy })
    }

    pub(super) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    fn needs_tls(&self) -> bool {
        self.secure || self.proxy.as_ref().is_some_and(|proxy| proxy.kind == Kind::Https)
    }
}

impl<N: Network> Dialer<N> {
    /// With these certificates and proxies; no connection is made and the system's roots are not loaded yet.
    pub fn new(roots: Roots, proxies: Environment) -> Self {
        Self { roots: Arc::new(roots), proxies, tls: OnceLock::new(), loading: Mutex::new(()), network: PhantomData }
    }

    /// A new connection to the host and port of this http or https URI, with the proxy and TLS on it; with TLS, HTTP/1.1
    /// has been agreed upon. Each of its steps may take as long as `limit`.
    ///
    /// Fails where there is no way to it, with a sentence that holds no secret.
    pub async fn stream(&self, uri: &Uri, limit: Duration) -> Result<Stream, AdapterError> {
        let mut place = Place::of(uri, limit);
        let route = self.route(uri, &mut place)?;
        Ok(self.open(&route, &place, limit).await?.0)
    }

    /// The way to this URI; the place remembers the proxy on it.
    pub(super) fn route(&self, uri: &Uri, place: &mut Place) -> Result<Route, AdapterError> {
        let proxy = self.proxies.for_uri(uri).map(Proxy::of).transpose()?;
        let route = Route::of(uri, proxy).ok_or_else(|| place.no_url())?;
        if let Some(proxy) = route.proxy() {
            place.through(proxy.address());
        }
        Ok(route)
    }

    /// Opens a connection; each of its steps may take as long as `limit`.
    pub(super) async fn open(
        &self,
        route: &Route,
        place: &Place,
        limit: Duration,
    ) -> Result<(Stream, Writes), AdapterError> {
        /// No name is longer (RFC 1035, 2.3.4), and SOCKS has one byte for its length.
        const LONGEST_NAME: usize = 255;
        if route.host.len() > LONGEST_NAME {
            return Err(place.no_such_name());
        }
        let tls = if route.needs_tls() { Some(self.tls().await?) } else { None };
        let (host, port) = match &route.proxy {
            Some(proxy) => (&proxy.host, proxy.port),
            None => (&route.host, route.port),
        };
        let addresses = resolve::<N>(host, port, place, limit).await?;
        let target = match &route.proxy {
            Some(proxy) if proxy.takes_addresses() => {
                let found = resolve::<N>(&route.host, route.port, place, limit).await?;
                let fits = |address: &&SocketAddr| proxy.kind != Kind::Socks4 || address.is_ipv4();
                Target::Address(*found.iter().find(fits).ok_or_else(|| place.no_such_name())?)
            }
            _ => Target::Name(bare(&route.host), route.port),
        };
        let opened = within::<N, _>(limit, async {
            let socket = connect::<N>(addresses).await.map_err(|error| place.io(&error))?;
            let socket = Watched::new(socket);
            let writes = socket.writes();
            let stream = through(Box::new(socket), route, target, tls.as_ref(), place).await?;
            let stream = match &tls {
                Some(tls) if route.secure => secure(stream, tls, &route.host, place).await?,
                _ => stream,
            };
            Ok((stream, writes))
        });
        opened.await.unwrap_or_else(|| Err(place.too_slow(Step::Connect)))
    }

    /// TLS with all roots, which are loaded once, however many first requests there are.
    async fn tls(&self) -> Result<Arc<ClientConfig>, AdapterError> {
        if let Some(tls) = self.tls.get() {
            return Ok(Arc::clone(tls));
        }
        let _loading = self.loading.lock().await;
        if let Some(tls) = self.tls.get() {
            return Ok(Arc::clone(tls));
        }
        let roots = Arc::clone(&self.roots);
        let tls = N::unblock(move || configure(&roots)).await?;
        Ok(Arc::clone(self.tls.get_or_init(|| tls)))
    }
}

impl<N> fmt::Debug for Dialer<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

fn configure(roots: &Roots) -> Result<Arc<ClientConfig>, AdapterError> {
    let mut store = RootCertStore::empty();
    // A system may have roots that rustls cannot use: they are left out, as nobody may be trusted by them.
    store.add_parsable_certificates(roots.with_system()?);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions
        .map_err(|error| AdapterError::new(entrada_core::Fault::Other, error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

async fn resolve<N: Network>(
    host: &str,
    port: u16,
    place: &Place,
    limit: Duration,
) -> Result<Vec<SocketAddr>, AdapterError> {
    if let Ok(address) = bare(host).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    match within::<N, _>(limit, N::resolve(host.to_owned(), port)).await {
        None => Err(place.too_slow(Step::Resolve)),
        Some(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Some(_) => Err(place.no_such_name()),
    }
}

/// A connection to whichever address answers first; each has a small start over the next (RFC 8305, 5).
async fn connect<N: Network>(addresses: Vec<SocketAddr>) -> io::Result<N::Socket> {
    const START: Duration = Duration::from_millis(250);
    let mut addresses = addresses.into_iter();
    let mut tries = FuturesUnordered::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match addresses.next() {
            Some(address) => tries.push(N::connect(address)),
            None if tries.is_empty() => return Err(failure),
            None => {}
        }
        let next = if addresses.len() == 0 { Either::Left(pending()) } else { Either::Right(sleep::<N>(START)) };
        match select(tries.next(), next).await {
            Either::Left((Some(Ok(socket)), _)) => return Ok(socket),
            Either::Left((Some(Err(error)), _)) => failure = error,
            Either::Left((None, _)) | Either::Right(_) => {}
        }
    }
}

/// A way through the proxy, where there is one.
async fn through(
    stream: Stream,
    route: &Route,
    target: Target<'_>,
    tls: Option<&Arc<ClientConfig>>,
    place: &Place,
) -> Result<Stream, AdapterError> {
    let Some(proxy) = &route.proxy else { return Ok(stream) };
    if !matches!(proxy.kind, Kind::Http | Kind::Https) {
        return socks::connect(stream, proxy, target, place).await;
    }
    let mut stream = match tls {
        Some(tls) if proxy.kind == Kind::Https => secure(stream, tls, &proxy.host, &place.of_proxy()).await?,
        _ => stream,
    };
    tunnel::connect(&mut stream, (&route.host, route.port), proxy.user.as_ref(), place).await?;
    Ok(stream)
}

async fn secure(stream: Stream, tls: &Arc<ClientConfig>, host: &str, place: &Place) -> Result<Stream, AdapterError> {
    let name = ServerName::try_from(bare(host).trim_end_matches('.').to_owned());
    let name = name.map_err(|_| place.no_tls("the host is no name that a certificate could have"))?;
    let secured = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
    Ok(Box::new(secured.map_err(|error| place.io(&error))?))
}

/// Without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}
