//! Which proxy a request goes through, by the same rules as in all transports.

use std::sync::Arc;

use entrada_core::ports::AdapterError;
use entrada_dial::{Environment, Variable};
use http::Uri;
use reqwest::Url;

/// The environment's proxies; none, by default.
#[derive(Clone, Default)]
pub(crate) struct Proxies(Arc<Environment>);

impl Proxies {
    /// As they are now.
    #[cfg(feature = "rustls")]
    pub(crate) fn read() -> Self {
        Self(Arc::new(Environment::read()))
    }

    /// The URL of the proxy for a request to this URL, if there is to be one.
    pub(crate) fn for_url(&self, url: &Url) -> Result<Option<Url>, AdapterError> {
        // reqwest asks with the origin alone.
        let Ok(origin) = url.origin().ascii_serialization().parse() else { return Ok(None) };
        self.0.for_uri(&origin).map(|variable| parse(variable).ok_or_else(|| variable.unusable())).transpose()
    }

    /// The same for reqwest, which has no errors here: requests of the program's own, which do not come
    /// through the port, are not to go out directly where the proxy's URL is none.
    #[cfg(feature = "rustls")]
    pub(crate) fn for_reqwest(&self) -> reqwest::Proxy {
        const NOBODY: &str = "http://not-the-url-of-a-proxy.invalid";
        let proxies = self.clone();
        reqwest::Proxy::custom(move |url| {
            proxies.for_url(url).map_or_else(|_| Some(NOBODY.to_owned()), |proxy| proxy.map(String::from))
        })
    }
}

/// With one of the schemes that reqwest knows.
fn parse(variable: &Variable) -> Option<Url> {
    let uri: Uri = variable.value().parse().ok()?;
    let authority = uri.authority().filter(|authority| !authority.host().is_empty())?;
    let scheme = match uri.scheme_str() {
        None => "http",
        Some("socks") => "socks5",
        Some(known @ ("http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h")) => known,
        Some(_) => return None,
    };
    Url::parse(&format!("{scheme}://{authority}")).ok()
}

/// The proxy's host and port, for people.
pub(crate) fn address(proxy: &Url) -> String {
    format!("{}:{}", proxy.host_str().unwrap_or_default(), proxy.port_or_known_default().unwrap_or(1080))
}
