//! Our own ways through proxies that others wrote: tinyproxy (`CONNECT`), microsocks (SOCKS 5), Dante (SOCKS 4 and 5).

use std::fs;
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use entrada::smol::SmolTransport;
use entrada::surf::SurfTransport;
use entrada::ureq::UreqTransport;
use entrada_conformance::answering;
use entrada_conformance::blocked::Blocked;
use entrada_conformance::environment::{fetch, in_a_process_of_its_own};
use entrada_interop::skip;
use tempfile::TempDir;

mod forwarded;
#[path = "../support/mod.rs"]
mod support;

#[test]
#[ignore = "a part of the other tests, which start it"]
fn over_ureq() {
    in_a_process_of_its_own(&UreqTransport::new());
}

#[test]
#[ignore = "a part of the other tests, which start it"]
fn over_smol() {
    in_a_process_of_its_own(&Blocked::new(SmolTransport::new(), Arc::new(|future| smol::block_on(future))));
}

#[test]
#[ignore = "a part of the other tests, which start it"]
fn over_surf() {
    in_a_process_of_its_own(&Blocked::new(SurfTransport::new(), Arc::new(|future| async_std::task::block_on(future))));
}

const TRANSPORTS: [&str; 3] = ["over_ureq", "over_smol", "over_surf"];

/// A proxy that runs for as long as this lives.
struct Running {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Running {
    /// `None`, and a line on stderr, where the program is missing. The arguments may be in a configuration file.
    fn start(program: &str, arguments: impl FnOnce(u16, &Path) -> Vec<String>) -> Option<Self> {
        if !Path::new(program).exists() {
            skip(&format!("{program} is missing: tests/interop/prepare installs it"));
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut command = Command::new(program);
        command.args(arguments(port, folder.path())).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("the proxy starts");
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < Duration::from_secs(20), "{program} listens nowhere");
            thread::sleep(Duration::from_millis(10));
        }
        Some(Self { child, port, _folder: folder })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This computer's address in its network, where it has one: loopback is never reached through a proxy.
fn own_address() -> Option<IpAddr> {
    // Nothing is sent: to connect a datagram socket asks the routing table alone.
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    if address.is_loopback() || address.is_unspecified() {
        skip(&"this computer is in no network");
        return None;
    }
    Some(address)
}

/// A server in the network that answers whoever asks.
fn target(address: IpAddr) -> String {
    let reached = |_: &str| *b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nreached";
    format!("http://{}/", answering(address, reached).0)
}

fn reached(url: &str, proxy: &str) {
    for transport in TRANSPORTS {
        let found = fetch(transport, url, &[("all_proxy", proxy)]);
        assert!(found.contains("answer: reached"), "{transport} through {proxy}: {found}");
    }
}

/// The fault and what is said of the proxy; ureq tells less than the others where it is one of SOCKS.
fn refused(url: &str, proxy: &str, transports: &[&str], fault: &str) {
    for transport in transports {
        let found = fetch(transport, url, &[("all_proxy", proxy)]);
        assert!(found.contains(fault) && found.contains("(through the proxy 127.0.0.1:"), "{transport}: {found}");
        assert!(!found.contains("answer:") && !found.contains("S3CRET"), "{transport}: {found}");
    }
}

#[test]
fn tinyproxy_gives_a_way_to_those_it_knows() {
    let Some(address) = own_address() else { return };
    let proxy = Running::start("/usr/bin/tinyproxy", |port, folder| {
        let file = folder.join("tinyproxy.conf");
        let log = folder.join("log");
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 20\nLogFile \"{}\"\nBasicAuth ana sesame\n",
            log.display()
        );
        fs::write(&file, text).expect("a configuration");
        vec!["-d".to_owned(), "-c".to_owned(), file.display().to_string()]
    });
    let Some(proxy) = proxy else { return };
    let url = target(address);
    let app = forwarded::App::at(address);
    reached(&url, &format!("http://ana:sesame@127.0.0.1:{}", proxy.port));
    app.is_reached(&format!("http://ana:sesame@127.0.0.1:{}", proxy.port));
    app.is_refused(&format!("http://ana:S3CRET@127.0.0.1:{}", proxy.port));
    refused(&url, &format!("http://127.0.0.1:{}", proxy.port), &TRANSPORTS, "Denied: ");
    refused(&url, &format!("http://ana:S3CRET@127.0.0.1:{}", proxy.port), &TRANSPORTS, "Denied: ");
}

#[test]
fn microsocks_gives_a_way_to_those_it_knows() {
    let Some(address) = own_address() else { return };
    let proxy = Running::start("/usr/bin/microsocks", |port, _| {
        ["-i", "127.0.0.1", "-p", &port.to_string(), "-u", "ana", "-P", "sesame"].map(str::to_owned).to_vec()
    });
    let Some(proxy) = proxy else { return };
    let url = target(address);
    let app = forwarded::App::at(address);
    for scheme in ["socks5", "socks5h"] {
        reached(&url, &format!("{scheme}://ana:sesame@127.0.0.1:{}", proxy.port));
        app.is_reached(&format!("{scheme}://ana:sesame@127.0.0.1:{}", proxy.port));
    }
    app.is_refused(&format!("socks5h://ana:S3CRET@127.0.0.1:{}", proxy.port));
    refused(&url, &format!("socks5h://ana:S3CRET@127.0.0.1:{}", proxy.port), &TRANSPORTS[1..], "Denied: ");
    refused(&url, &format!("socks5h://127.0.0.1:{}", proxy.port), &TRANSPORTS[1..], "Denied: ");
    refused(&url, &format!("socks5h://ana:S3CRET@127.0.0.1:{}", proxy.port), &TRANSPORTS[..1], ": ");
}

#[test]
fn dante_gives_a_way_by_both_versions() {
    let Some(address) = own_address() else { return };
    let proxy = Running::start("/usr/sbin/danted", |port, folder| {
        let file = folder.join("danted.conf");
        let text = format!(
            "logoutput: {}\ninternal: 127.0.0.1 port = {port}\nexternal: {address}\nclientmethod: none\nsocksmethod: none\n\
             client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}\nsocks pass {{ from: 127.0.0.0/8 to: {address}/32 }}\n",
            folder.join("log").display()
        );
        fs::write(&file, text).expect("a configuration");
        vec!["-f".to_owned(), file.display().to_string(), "-p".to_owned(), folder.join("pid").display().to_string()]
    });
    let Some(proxy) = proxy else { return };
    let url = target(address);
    let app = forwarded::App::at(address);
    for scheme in ["socks4", "socks5", "socks5h"] {
        reached(&url, &format!("{scheme}://127.0.0.1:{}", proxy.port));
        app.is_reached(&format!("{scheme}://127.0.0.1:{}", proxy.port));
    }
    // Another address than the one that its rules allow; the old version has no word for why.
    refused("http://192.0.2.1/", &format!("socks4://127.0.0.1:{}", proxy.port), &TRANSPORTS[1..], "Unreachable: ");
    refused("http://192.0.2.1/", &format!("socks5://127.0.0.1:{}", proxy.port), &TRANSPORTS[1..], "Denied: ");
}
