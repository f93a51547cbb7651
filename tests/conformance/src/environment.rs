//! What the environment decides: proxies and root certificates. Each case runs in a process of its own.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use entrada_core::ports::blocking::{Body, Transport};

use crate::answering::head;

/// Runs the suite; it panics where the transport fails it.
///
/// `test` is the name of a test of the same program, which is ignored but for this, and in which
/// [`in_a_process_of_its_own`] is called with a transport that takes everything from the environment.
///
/// ```no_run
/// # fn my_transport() -> Box<dyn entrada_core::ports::blocking::Transport> { todo!() }
/// use entrada_conformance::environment;
///
/// #[test]
/// #[ignore = "a part of the other test, which starts it"]
/// fn the_process_under_test() {
///     environment::in_a_process_of_its_own(&*my_transport());
/// }
///
/// #[test]
/// fn it_heeds_the_environment() {
///     environment::environment("the_process_under_test", environment::Proxying::default());
/// }
/// ```
pub fn environment(test: &str, proxying: Proxying) {
    let fetch = Fetch { test, proxying };
    requests_go_through_the_proxy_with_its_user_and_password(&fetch);
    no_proxy_and_this_computer_are_reached_directly(&fetch);
    a_proxy_that_refuses_is_explained(&fetch);
    a_proxy_may_be_reached_by_tls(&fetch);
    tls_goes_through_the_tunnel(&fetch);
    requests_go_through_a_socks_proxy(&fetch);
    a_socks_proxy_that_refuses_is_explained(&fetch);
    ssl_cert_file_replaces_the_systems_roots(&fetch);
    no_root_is_loaded_before_the_first_https_request(&fetch);
}

/// What the library below does in its own way where there is an HTTP proxy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proxying {
    /// A request for http goes to it whole, with a target in absolute form (RFC 9112, 3.2.2), not by `CONNECT`.
    pub in_absolute_form: bool,
    /// With which status it refuses is not told, but for 407.
    pub without_status: bool,
}

/// Makes the request that the suite asks for, and says what came of it.
#[allow(clippy::print_stdout, reason = "the suite reads it")]
pub fn in_a_process_of_its_own(transport: &dyn Transport) {
    let url = std::env::var("TEST_URL").expect("the suite gives it");
    let request = http::Request::get(url).body(Body::empty()).expect("a request");
    match transport.send(request, Duration::from_secs(10)) {
        Ok(answer) => {
            let body = answer.into_body().read_to_limit(1000).expect("a body").expect("a short one");
            println!("answer: {}", String::from_utf8_lossy(&body));
        }
        Err(error) => println!("{:?}: {error}", error.fault()),
    }
}

/// What a process with this environment gets from this URL: `answer: ` and the body, or the fault and the error.
///
/// `test` is the name of the test of the same program in which [`in_a_process_of_its_own`] is called.
pub fn fetch(test: &str, url: &str, environment: &[(&str, &str)]) -> String {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args([test, "--exact", "--ignored", "--nocapture"]).env_clear();
    let output = command.env("TEST_URL", url).envs(environment.iter().copied()).output();
    String::from_utf8_lossy(&output.expect("the process runs").stdout).into_owned()
}

struct Fetch<'a> {
    test: &'a str,
    proxying: Proxying,
}

impl Fetch<'_> {
    fn get(&self, url: &str, environment: &[(&str, &str)]) -> String {
        fetch(self.test, url, environment)
    }
}

fn serve(serve: impl Fn(TcpStream) -> io::Result<()> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("it works");
    let port = listener.local_addr().expect("it works").port();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(serve(stream))));
    port
}

/// A proxy that tells what it was asked for, and answers in place of the target; to `CONNECT` it says this
/// first, or hangs up where that is nothing.
fn proxy(answer: &'static str) -> (u16, Receiver<String>) {
    let (told, asked) = channel();
    let port = serve(move |mut stream| act_as_proxy(&mut stream, &told, answer));
    (port, asked)
}

fn act_as_proxy(stream: &mut (impl Read + Write), told: &Sender<String>, answer: &str) -> io::Result<()> {
    let asked = head(stream)?;
    let is_whole = !asked.starts_with("CONNECT ");
    told.send(asked).map_err(io::Error::other)?;
    if is_whole {
        return respond(stream, "proxied");
    }
    if answer.is_empty() {
        return Ok(());
    }
    stream.write_all(answer.as_bytes())?;
    reply(stream, "proxied")
}

const CONNECTED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn requests_go_through_the_proxy_with_its_user_and_password(fetch: &Fetch<'_>) {
    let (port, asked) = proxy(CONNECTED);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        let value = format!("http://ana:p%40ss@127.0.0.1:{port}");
        let found = fetch.get("http://app.example/page?code=S3CRET", &[(name, &value)]);
        assert!(found.contains("answer: proxied"), "{name}: {found}");
        let asked = asked.recv_timeout(Duration::from_secs(5)).expect("the proxy was asked");
        let authorization = asked.to_ascii_lowercase().find("\r\nproxy-authorization: ").map(|at| &asked[at + 23..]);
        assert!(authorization.is_some_and(|value| value.starts_with("Basic YW5hOnBAc3M=\r\n")), "{asked}");
        if fetch.proxying.in_absolute_form {
            assert!(asked.starts_with("GET http://app.example/page?code=S3CRET HTTP/1.1\r\n"), "{asked}");
        } else {
            assert!(asked.starts_with("CONNECT app.example:80 HTTP/1.1\r\n"), "{asked}");
            assert!(!asked.contains("S3CRET"), "{asked}");
        }
    }
}

fn no_proxy_and_this_computer_are_reached_directly(fetch: &Fetch<'_>) {
    let (port, asked) = proxy(CONNECTED);
    let proxy = format!("127.0.0.1:{port}");
    let direct = serve(|mut stream| reply(&mut stream, "direct"));
    for host in ["localhost", "127.0.0.1"] {
        for name in ["http_proxy", "all_proxy"] {
            let found = fetch.get(&format!("http://{host}:{direct}/"), &[(name, &proxy)]);
            assert!(found.contains("answer: direct"), "{host}, {name}: {found}");
        }
    }
    let cgi = [("HTTP_PROXY", proxy.as_str()), ("REQUEST_METHOD", "GET")];
    let found = fetch.get("http://nobody.invalid/", &cgi);
    assert!(found.contains("Unreachable: no address was found for nobody.invalid"), "{found}");

    let excepted = [("all_proxy", proxy.as_str()), ("no_proxy", "other.example, .invalid")];
    let found = fetch.get("http://nobody.invalid/", &excepted);
    assert!(found.contains("Unreachable: no address was found for nobody.invalid"), "{found}");
    assert!(asked.try_recv().is_err(), "the proxy was asked");

    let found = fetch.get("http://nobody.example/", &excepted);
    assert!(found.contains("answer: proxied"), "{found}");
}

fn a_proxy_that_refuses_is_explained(fetch: &Fetch<'_>) {
    let (forbidden, failed) = match fetch.proxying.without_status {
        true => (("Unreachable: ", "does not allow it, or failed"), ("Unreachable: ", "does not allow it, or failed")),
        false => (("Denied: ", "status 403"), ("Unreachable: ", "status 502")),
    };
    let cases = [
        ("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", ("Denied: ", "user and password")),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", forbidden),
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", failed),
        ("", ("Unreachable: ", "the proxy did not answer")),
    ];
    let (file, _) = ca();
    let roots = file.path().to_str().expect("it works");
    for (answer, (fault, reason)) in cases {
        let (port, _asked) = proxy(answer);
        let value = format!("http://ana:S3CRET@127.0.0.1:{port}");
        let found = fetch.get("https://app.example/?code=S3CRET", &[("HTTPS_PROXY", &value), ("SSL_CERT_FILE", roots)]);
        assert!(found.contains(fault) && found.contains(reason) && found.contains("app.example"), "{found}");
        assert!(found.contains(&format!("through the proxy 127.0.0.1:{port}")) && !found.contains("S3CRET"), "{found}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").expect("it works").local_addr().expect("it works");
    let found = fetch.get("http://app.example/", &[("http_proxy", &nobody.to_string())]);
    assert!(found.contains("Unreachable: ") && found.contains("through the proxy"), "{found}");
    for value in ["ftp://ana:S3CRET@x", "http://S3CRET@", "/S3CRET"] {
        let found = fetch.get("http://app.example/", &[("http_proxy", value)]);
        assert!(found.contains("Other: http_proxy is not the URL of a proxy") && !found.contains("S3CRET"), "{found}");
    }
}

fn a_proxy_may_be_reached_by_tls(fetch: &Fetch<'_>) {
    let (file, config) = ca();
    let (told, asked) = channel();
    let port = serve(move |stream| act_as_proxy(&mut secured(&config, stream)?, &told, CONNECTED));
    let value = format!("https://localhost:{port}");
    let roots = file.path().to_str().expect("a path in UTF-8");
    let found = fetch.get("http://app.example/", &[("http_proxy", &value), ("SSL_CERT_FILE", roots)]);
    assert!(found.contains("answer: proxied"), "{found}");
    let expected = if fetch.proxying.in_absolute_form { "GET http://app.example/ " } else { "CONNECT app.example:80 " };
    assert!(asked.try_recv().expect("the proxy was asked").starts_with(expected));
    let found = fetch.get("http://app.example/", &[("http_proxy", &value)]);
    assert!(found.contains("Untrusted: the certificate of") && found.contains(&format!("localhost:{port}")), "{found}");
}

fn tls_goes_through_the_tunnel(fetch: &Fetch<'_>) {
    let (file, config) = ca();
    let roots = file.path().to_str().expect("a path in UTF-8");
    let inner = Arc::clone(&config);
    let plain = serve(move |mut stream| {
        head(&mut stream)?;
        stream.write_all(CONNECTED.as_bytes())?;
        reply(&mut secured(&inner, stream)?, "through a plain proxy")
    });
    let secure = serve(move |stream| {
        let mut stream = secured(&config, stream)?;
        head(&mut stream)?;
        stream.write_all(CONNECTED.as_bytes())?;
        reply(&mut secured(&config, stream)?, "through a secure proxy")
    });
    for (value, expected) in [
        (format!("http://localhost:{plain}"), "answer: through a plain proxy"),
        (format!("https://localhost:{secure}"), "answer: through a secure proxy"),
    ] {
        let environment = [("https_proxy", value.as_str()), ("SSL_CERT_FILE", roots)];
        let found = fetch.get("https://app.example/page", &environment);
        assert!(found.contains(expected), "{found}");
        let found = fetch.get("https://other.example/page", &environment);
        assert!(found.contains("Untrusted: the certificate of other.example (through the proxy localhost:"), "{found}");
    }
}

/// The server's end of TLS.
fn secured<S: Read + Write>(
    config: &Arc<rustls::ServerConfig>,
    stream: S,
) -> io::Result<rustls::StreamOwned<rustls::ServerConnection, S>> {
    let connection = rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    Ok(rustls::StreamOwned::new(connection, stream))
}

/// Answers one request with this body.
fn reply(stream: &mut (impl Read + Write), body: &str) -> io::Result<()> {
    head(stream)?;
    respond(stream, body)
}

fn respond(stream: &mut impl Write, body: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    stream.flush()
}

/// A SOCKS proxy that tells what it was asked for, and answers in place of the target where it agrees.
fn socks(agrees: bool) -> (u16, Receiver<String>) {
    let (told, asked) = channel();
    let port = serve(move |mut stream| {
        let heard = match bytes::<1>(&mut stream)? {
            [4] => socks4(&mut stream, agrees)?,
            _ => socks5(&mut stream, agrees)?,
        };
        told.send(heard).map_err(io::Error::other)?;
        reply(&mut stream, "proxied")
    });
    (port, asked)
}

fn bytes<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn text(stream: &mut TcpStream, length: u8) -> io::Result<String> {
    let mut text = vec![0; length.into()];
    stream.read_exact(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

fn text_to_zero(stream: &mut TcpStream) -> io::Result<String> {
    let mut text = Vec::new();
    while let [byte @ 1..=255] = bytes(stream)? {
        text.push(byte);
    }
    String::from_utf8(text).map_err(io::Error::other)
}

/// After the version: command, port, address, user, and a name where the address is 0.0.0.x.
fn socks4(stream: &mut TcpStream, agrees: bool) -> io::Result<String> {
    let [_connect] = bytes(stream)?;
    let port = u16::from_be_bytes(bytes(stream)?);
    let address = bytes::<4>(stream)?;
    let user = text_to_zero(stream)?;
    let host = match address {
        [0, 0, 0, 1..=255] => text_to_zero(stream)?,
        address => std::net::Ipv4Addr::from(address).to_string(),
    };
    stream.write_all(&[0, if agrees { 90 } else { 91 }, 0, 0, 0, 0, 0, 0])?;
    Ok(format!("4 {user} {host}:{port}"))
}

/// After the version: the methods, a user and password (RFC 1929) where they are offered, and the request (RFC 1928).
fn socks5(stream: &mut TcpStream, agrees: bool) -> io::Result<String> {
    let [count] = bytes(stream)?;
    let mut methods = vec![0; count.into()];
    stream.read_exact(&mut methods)?;
    let mut user = String::new();
    if methods.contains(&2) {
        stream.write_all(&[5, 2])?;
        let [_version, length] = bytes(stream)?;
        user = text(stream, length)?;
        let [length] = bytes(stream)?;
        user = format!("{user}:{}", text(stream, length)?);
        stream.write_all(&[1, 0])?;
    } else {
        stream.write_all(&[5, 0])?;
    }
    let host = match bytes(stream)? {
        [5, 1, 0, 1] => std::net::Ipv4Addr::from(bytes::<4>(stream)?).to_string(),
        [5, 1, 0, 3] => {
            let [length] = bytes(stream)?;
            text(stream, length)?
        }
        other => return Err(io::Error::other(format!("{other:?}"))),
    };
    let port = u16::from_be_bytes(bytes(stream)?);
    stream.write_all(&[5, if agrees { 0 } else { 2 }, 0, 1, 0, 0, 0, 0, 0, 0])?;
    Ok(format!("5 {user} {host}:{port}"))
}

fn requests_go_through_a_socks_proxy(fetch: &Fetch<'_>) {
    let (port, asked) = socks(true);
    let cases = [
        ("socks4", "http://192.0.2.1/", "4  192.0.2.1:80"),
        ("socks4a", "http://app.example:81/", "4  app.example:81"),
        ("socks5", "http://192.0.2.1/", "5  192.0.2.1:80"),
        ("socks5h", "http://app.example/", "5  app.example:80"),
    ];
    for (scheme, url, expected) in cases {
        let found = fetch.get(url, &[("all_proxy", &format!("{scheme}://127.0.0.1:{port}"))]);
        assert!(found.contains("answer: proxied"), "{scheme}: {found}");
        assert_eq!(asked.recv_timeout(Duration::from_secs(5)).as_deref(), Ok(expected));
    }
    let value = format!("socks5h://ana:p%40ss@127.0.0.1:{port}");
    let found = fetch.get("http://app.example/", &[("all_proxy", &value)]);
    assert!(found.contains("answer: proxied"), "{found}");
    assert_eq!(asked.recv_timeout(Duration::from_secs(5)).as_deref(), Ok("5 ana:p@ss app.example:80"));
}

fn a_socks_proxy_that_refuses_is_explained(fetch: &Fetch<'_>) {
    let (port, _asked) = socks(false);
    for scheme in ["socks4a", "socks5h"] {
        let value = format!("{scheme}://ana:S3CRET@127.0.0.1:{port}");
        let found = fetch.get("http://app.example/?code=S3CRET", &[("all_proxy", &value)]);
        let through = format!("app.example (through the proxy 127.0.0.1:{port})");
        assert!(found.contains(&through) && !found.contains("S3CRET"), "{scheme}: {found}");
        assert!(!found.contains("answer: ") && !found.contains("TimedOut"), "{scheme}: {found}");
    }
}

/// Runs the part of the suite about what SOCKS cannot carry; it panics where the transport fails it.
///
/// For the transports that speak SOCKS by `entrada-dial`; how others treat such values is their library's affair. Names of
/// hosts, users and passwords have their length in one byte (RFC 1928 and 1929), or end with a zero byte.
pub fn limits_of_socks(test: &str) {
    let fetch = Fetch { test, proxying: Proxying::default() };
    let (port, asked) = socks(true);
    let host = vec!["a".repeat(60); 10].join(".");
    let long = "S3CRET".repeat(50);
    for scheme in ["socks4a", "socks5h"] {
        let proxy = format!("{scheme}://127.0.0.1:{port}");
        let found = fetch.get(&format!("http://{host}.example/?code=S3CRET"), &[("all_proxy", &proxy)]);
        assert!(found.contains("Unreachable: ") && found.contains(&host), "{scheme}: {found}");
        assert!(!found.contains("S3CRET"), "{scheme}: {found}");
    }
    for user in ["socks4a://LONG", "socks4a://S3CRET%00", "socks5h://LONG:x", "socks5h://x:LONG", "socks5h://S3CRET"] {
        let value = format!("{}@127.0.0.1:{port}", user.replace("LONG", &long));
        let found = fetch.get("http://app.example/", &[("all_proxy", &value)]);
        assert!(found.contains("Other: ") && found.contains("all_proxy"), "{user}: {found}");
        assert!(!found.contains("S3CRET"), "{user}: {found}");
    }
    assert!(asked.try_recv().is_err(), "the proxy was asked");
}

/// A CA's certificate in a file, and TLS for localhost and app.example by that CA.
fn ca() -> (tempfile::NamedTempFile, Arc<rustls::ServerConfig>) {
    let key = rcgen::KeyPair::generate().expect("it works");
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned(), "app.example".to_owned()])
        .expect("it works")
        .self_signed(&key)
        .expect("it works");
    let file = tempfile::Builder::new().suffix(".pem").tempfile().expect("it works");
    std::fs::write(file.path(), certificate.pem()).expect("it works");
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("it works");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("it works")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("it works");
    (file, Arc::new(config))
}

fn ssl_cert_file_replaces_the_systems_roots(fetch: &Fetch<'_>) {
    let (file, config) = ca();
    let port = serve(move |stream| reply(&mut secured(&config, stream)?, "secure"));
    let url = format!("https://localhost:{port}/");
    let found = fetch.get(&url, &[("SSL_CERT_FILE", file.path().to_str().expect("it works"))]);
    assert!(found.contains("answer: secure"), "{found}");
    let found = fetch.get(&url, &[]);
    assert!(found.contains("Untrusted: the certificate of localhost"), "{found}");
}

fn no_root_is_loaded_before_the_first_https_request(fetch: &Fetch<'_>) {
    let direct = serve(|mut stream| reply(&mut stream, "direct"));
    let missing = [("SSL_CERT_FILE", "/no/such/file.pem")];
    let found = fetch.get(&format!("http://localhost:{direct}/"), &missing);
    assert!(found.contains("answer: direct"), "{found}");
    let (_file, config) = ca();
    let secure = serve(move |stream| reply(&mut secured(&config, stream)?, "secure"));
    let found = fetch.get(&format!("https://localhost:{secure}/"), &missing);
    assert!(found.contains("Untrusted: ") && found.contains("this system has no root certificates"), "{found}");
    assert!(found.contains("/no/such/file.pem") && found.contains("--ca"), "{found}");
}
