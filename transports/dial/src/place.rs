//! What went wrong, as a fault for the core and a sentence for people.

use std::fmt;
use std::io;
use std::time::Duration;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use http::Uri;
use rustls::CertificateError;

/// Where a request goes, in words that hold no secret: the host and port, never the path or query.
///
/// ```
/// use std::time::Duration;
///
/// use entrada_dial::{Place, Step};
///
/// let uri = "https://app.example/page?code=secret".parse()?;
/// let mut place = Place::of(&uri, Duration::from_secs(5));
/// place.through("proxy.example:3128");
/// let text = place.too_slow(Step::Connect).to_string();
/// assert!(text.starts_with("app.example (through the proxy proxy.example:3128) did not accept a connection"));
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug)]
pub struct Place {
    host: String,
    /// The proxy in between, without its user and password.
    proxy: Option<String>,
    timeout: Duration,
}

/// What a wait was for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// The address of a name.
    Resolve,
    /// A connection, with the proxy and TLS.
    Connect,
    /// The other side's taking of the request.
    Send,
    /// The head of the answer.
    Head,
    /// More of the answer's body.
    Body,
}

impl Place {
    /// The place of this URI, and how long any single wait for it may last.
    pub fn of(uri: &Uri, timeout: Duration) -> Self {
        let host = uri.host().unwrap_or("(no host)");
        let host = match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Self { host, proxy: None, timeout }
    }

    /// The same, reached through this proxy: its host and port.
    pub fn through(&mut self, proxy: impl Into<String>) {
        self.proxy = Some(proxy.into());
    }

    /// The place of the proxy in between, for what goes wrong with the proxy itself.
    #[cfg(feature = "async")]
    pub(crate) fn of_proxy(&self) -> Self {
        let host = self.proxy.as_ref().unwrap_or(&self.host);
        Self { host: format!("the proxy {host}"), proxy: None, timeout: self.timeout }
    }

    /// A wait was too long.
    pub fn too_slow(&self, step: Step) -> AdapterError {
        let seconds = self.timeout.as_secs_f32();
        let text = match step {
            Step::Resolve => format!("the address of {self} was not found within {seconds} s"),
            Step::Connect => format!("{self} did not accept a connection within {seconds} s"),
            Step::Send => format!("{self} did not take the request within {seconds} s"),
            Step::Body => format!("the answer of {self} did not go on within {seconds} s"),
            Step::Head => format!("{self} did not answer within {seconds} s"),
        };
        AdapterError::new(Fault::TimedOut, text)
    }

    /// The host, or the proxy, has no address.
    pub fn no_such_name(&self) -> AdapterError {
        let text = match &self.proxy {
            Some(proxy) => format!("no address was found for the proxy {proxy} or for {}", self.host),
            None => format!("no address was found for {self}: check its spelling, the network or the VPN"),
        };
        AdapterError::new(Fault::Unreachable, text)
    }

    /// There is no connection, and nobody says why.
    pub fn no_connection(&self) -> AdapterError {
        AdapterError::new(Fault::Unreachable, format!("no connection to {self}"))
    }

    /// What a socket, or TLS upon it, said.
    pub fn io(&self, error: &io::Error) -> AdapterError {
        use io::ErrorKind as Kind;
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return self.not_trusted(tls);
        }
        if is_lookup(error) {
            return self.no_such_name();
        }
        let (fault, text) = match error.kind() {
            Kind::ConnectionRefused => (Fault::Unreachable, format!("{self} refuses the connection")),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
                (Fault::Unreachable, format!("{self} cut the connection before its answer was complete"))
            }
            Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::AddrNotAvailable
            | Kind::NotConnected => {
                (Fault::Unreachable, format!("there is no way to {self}: check the network or the VPN"))
            }
            Kind::TimedOut | Kind::WouldBlock => return self.too_slow(Step::Head),
            Kind::PermissionDenied => {
                (Fault::Denied, format!("this system does not allow a connection to {self}: {error}"))
            }
            _ => (Fault::Other, format!("the connection to {self} failed: {error}")),
        };
        AdapterError::new(fault, text)
    }

    /// There is no TLS, for that reason.
    pub fn no_tls(&self, reason: impl fmt::Display) -> AdapterError {
        AdapterError::new(Fault::Untrusted, format!("no TLS with {self}: {reason}"))
    }

    /// What rustls said.
    pub fn not_trusted(&self, error: &rustls::Error) -> AdapterError {
        let text = match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => format!(
                "the certificate of {self} was issued by nobody whom this system trusts: \
                 if it is from a private CA, give that CA's certificate (`--ca FILE`, or SSL_CERT_FILE)"
            ),
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => format!("the certificate of {self} is for another name: check the spelling of the host"),
            rustls::Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => format!("the certificate of {self} is not valid today: check this system's clock, or have it renewed"),
            rustls::Error::InvalidCertificate(reason) => {
                format!("the certificate of {self} cannot be accepted: {reason}")
            }
            rustls::Error::InvalidMessage(_) => format!("{self} does not speak TLS: is it http, not https?"),
            other => return self.no_tls(other),
        };
        AdapterError::new(Fault::Untrusted, text)
    }

    /// The proxy gave no way, and answered with that HTTP status, if it answered.
    pub fn refused_by_proxy(&self, status: Option<u16>) -> AdapterError {
        let (fault, text) = match status {
            Some(407) => return self.proxy_wants_a_user(),
            Some(status @ 400..=499) => {
                (Fault::Denied, format!("no way to {self}: the proxy does not allow it (status {status})"))
            }
            Some(status) => (Fault::Unreachable, format!("no way to {self}: the proxy failed (status {status})")),
            None => (Fault::Unreachable, format!("no way to {self}: the proxy did not answer")),
        };
        AdapterError::new(fault, text)
    }

    /// The proxy gives a way only to those whom it knows.
    pub fn proxy_wants_a_user(&self) -> AdapterError {
        let text =
            format!("no way to {self}: the proxy asks for a user and password (http://user:password@proxy:port)");
        AdapterError::new(Fault::Denied, text)
    }

    /// The headers of the answer are longer than anybody reads.
    pub fn head_too_large(&self, details: impl fmt::Display) -> AdapterError {
        AdapterError::new(Fault::TooLarge, format!("the headers of the answer of {self} are too long ({details})"))
    }

    /// The answer is no HTTP.
    pub fn not_http(&self, reason: impl fmt::Display) -> AdapterError {
        AdapterError::new(Fault::Other, format!("the answer of {self} is not proper HTTP: {reason}"))
    }

    /// The request's URI is not a full http or https URL; without that URI.
    pub fn no_url(&self) -> AdapterError {
        let text = format!("no request to {self} can be made: the URL is not a full http or https URL");
        AdapterError::new(Fault::Other, text)
    }

    /// The body that was to be sent cannot be read.
    pub fn unreadable_body(&self, error: &io::Error) -> AdapterError {
        let text = format!("the body of the request to {self} could not be read: {error}");
        AdapterError::new(Fault::Other, text)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        match &self.proxy {
            Some(proxy) => write!(f, " (through the proxy {proxy})"),
            None => Ok(()),
        }
    }
}

/// The error of a body, for as often as it is read after that.
///
/// A reader that goes on after an error must not take the rest for a proper end.
#[derive(Clone, Debug)]
pub struct Broken {
    kind: io::ErrorKind,
    text: String,
}

impl From<AdapterError> for Broken {
    fn from(error: AdapterError) -> Self {
        let kind = match error.fault() {
            Fault::TimedOut => io::ErrorKind::TimedOut,
            Fault::Unreachable => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::Other,
        };
        Self { kind, text: error.to_string() }
    }
}

impl From<&Broken> for io::Error {
    fn from(broken: &Broken) -> Self {
        Self::new(broken.kind, broken.text.clone())
    }
}

/// Whether the other side was there, and then closed the connection.
pub fn is_cut(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe)
}

/// The standard library has no kind of its own for a name that was not found.
fn is_lookup(error: &io::Error) -> bool {
    /// Host not found, no data, try again: what Windows calls them.
    const WINSOCK: [i32; 3] = [11001, 11002, 11004];
    error.raw_os_error().is_some_and(|code| cfg!(windows) && WINSOCK.contains(&code))
        || error.to_string().starts_with("failed to lookup address")
}
