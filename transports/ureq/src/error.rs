//! What went wrong, as a fault for the core and a sentence for people.

use std::fmt;
use std::io;
use std::time::Duration;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use http::Uri;
use rustls::CertificateError;
use ureq::{Error, Proxy, Timeout};

/// Where a request goes, in words that hold no secret: the host and port, never the path or query.
pub(crate) struct Place {
    host: String,
    /// The proxy in between, without its user and password.
    proxy: Option<String>,
    timeout: Duration,
}

impl Place {
    pub(crate) fn of(uri: &Uri, timeout: Duration) -> Self {
        let host = uri.host().unwrap_or("(no host)");
        let host = match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Self { host, proxy: None, timeout }
    }

    pub(crate) fn through(&mut self, proxy: &Proxy) {
        self.proxy = Some(format!("{}:{}", proxy.host(), proxy.port()));
    }

    /// Why there is no answer.
    pub(crate) fn explain(&self, error: Error) -> AdapterError {
        let (fault, text) = self.judge(error);
        AdapterError::new(fault, text)
    }

    /// Why there is no more of the answer's body.
    pub(crate) fn explain_body(&self, error: Error) -> (io::ErrorKind, String) {
        let (fault, text) = self.judge(error);
        let kind = match fault {
            Fault::TimedOut => io::ErrorKind::TimedOut,
            Fault::Unreachable => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::Other,
        };
        (kind, text)
    }

    fn judge(&self, error: Error) -> (Fault, String) {
        match error {
            Error::Timeout(phase) => (Fault::TimedOut, self.too_slow(phase)),
            Error::HostNotFound => (Fault::Unreachable, self.no_such_name()),
            Error::ConnectionFailed => (Fault::Unreachable, format!("no connection to {self}")),
            Error::Io(error) => self.judge_io(error),
            Error::Rustls(error) => (Fault::Untrusted, self.not_trusted(&error)),
            Error::Tls(reason) => (Fault::Untrusted, format!("no TLS with {self}: {reason}")),
            Error::Pem(_) => (Fault::Untrusted, format!("no TLS with {self}: a certificate is not proper PEM")),
            Error::TlsRequired => (Fault::Untrusted, format!("the connection to {self} is not secured by TLS")),
            Error::ConnectProxyFailed(reason) => self.refused_by_proxy(&reason),
            Error::InvalidProxyUrl => (Fault::Other, "the proxy's URL cannot be read".to_owned()),
            Error::LargeResponseHeader(size, limit) => (
                Fault::TooLarge,
                format!("the headers of the answer of {self} are too long ({size} bytes, {limit} are allowed)"),
            ),
            Error::Protocol(error) => (Fault::Other, format!("the answer of {self} is not proper HTTP: {error}")),
            // Its text would repeat the URI.
            Error::BadUri(_) | Error::RequireHttpsOnly(_) => {
                (Fault::Other, format!("no request to {self} can be made: the URL is not a full http or https URL"))
            }
            _ => (Fault::Other, format!("the request to {self} failed")),
        }
    }

    fn judge_io(&self, error: io::Error) -> (Fault, String) {
        use io::ErrorKind as Kind;
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return (Fault::Untrusted, self.not_trusted(tls));
        }
        if is_lookup(&error) {
            return (Fault::Unreachable, self.no_such_name());
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
            Kind::TimedOut | Kind::WouldBlock => (Fault::TimedOut, self.too_slow(Timeout::RecvResponse)),
            Kind::PermissionDenied => {
                (Fault::Denied, format!("this system does not allow a connection to {self}: {error}"))
            }
            _ => (Fault::Other, format!("the connection to {self} failed: {error}")),
        };
        (fault, text)
    }

    fn no_such_name(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("no address was found for the proxy {proxy} or for {}", self.host),
            None => format!("no address was found for {self}: check its spelling, the network or the VPN"),
        }
    }

    fn too_slow(&self, phase: Timeout) -> String {
        let seconds = self.timeout.as_secs_f32();
        match phase {
            Timeout::Resolve => format!("the address of {self} was not found within {seconds} s"),
            Timeout::Connect => format!("{self} did not accept a connection within {seconds} s"),
            Timeout::SendRequest | Timeout::SendBody | Timeout::PerWrite => {
                format!("{self} did not take the request within {seconds} s")
            }
            Timeout::RecvBody => format!("the answer of {self} did not go on within {seconds} s"),
            _ => format!("{self} did not answer within {seconds} s"),
        }
    }

    fn not_trusted(&self, error: &rustls::Error) -> String {
        match error {
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
            other => format!("no TLS with {self}: {other}"),
        }
    }

    /// `reason` is ureq's, and has the status of the proxy's answer in it, if there was one.
    fn refused_by_proxy(&self, reason: &str) -> (Fault, String) {
        let status = reason.split(|letter: char| !letter.is_ascii_digit()).find(|digits| digits.len() == 3);
        match status {
            Some("407") => (
                Fault::Denied,
                format!("no way to {self}: the proxy asks for a user and password (http://user:password@proxy:port)"),
            ),
            Some(status) if status.starts_with('4') => {
                (Fault::Denied, format!("no way to {self}: the proxy does not allow it (status {status})"))
            }
            Some(status) => (Fault::Unreachable, format!("no way to {self}: the proxy failed (status {status})")),
            None => (Fault::Unreachable, format!("no way to {self}: the proxy did not answer")),
        }
    }
}

/// Whether the other side was there, and then closed the connection.
pub(crate) fn is_cut(error: &Error) -> bool {
    use io::ErrorKind as Kind;
    let Error::Io(error) = error else { return false };
    matches!(error.kind(), Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe)
}

/// The standard library has no kind of its own for a name that was not found.
fn is_lookup(error: &io::Error) -> bool {
    /// Host not found, no data, try again: what Windows calls them.
    const WINSOCK: [i32; 3] = [11001, 11002, 11004];
    error.raw_os_error().is_some_and(|code| cfg!(windows) && WINSOCK.contains(&code))
        || error.to_string().starts_with("failed to lookup address")
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
