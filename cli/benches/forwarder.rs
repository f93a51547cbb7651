//! `entrada proxy` beside nginx that adds a fixed header, in one run: `cargo bench -p entrada-cli --bench forwarder`.
//!
//! Both stand in front of the same app, an nginx with files in memory, and take turns. Nothing is asserted: timings
//! belong to a machine. The last column is the share of nginx's. Without nginx it says so.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "the table is what this is for")]

mod load;

use std::io::{self, BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use entrada_authority::Stage;
use load::{Sink, download, peak_memory, requests_per_second, upload};

const ROUNDS: usize = 7;
const SECONDS: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 64;
/// What goes through in one piece: 2 GB.
const LARGE: u64 = 2 << 30;

fn main() -> io::Result<()> {
    if !Path::new("/usr/sbin/nginx").exists() {
        eprintln!("the forwarder is not measured: there is no nginx to compare it with (Debian: nginx-light)");
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("entrada-bench-").tempdir_in("/dev/shm")?;
    let sink = Sink::start()?;
    let app = Nginx::app(folder.path())?;
    let nginx = Nginx::proxy(folder.path(), app.port, sink.port)?;
    let stage = Stage::start()?;
    let forwarder = Forwarder::start(folder.path(), &stage, app.port, sink.port)?;
    let of_app = ("no proxy at all", app.port, sink.port, app.process.id());
    let of_nginx = ("nginx, a fixed header", nginx.port, nginx.upload_port, nginx.process.id());
    let of_entrada = ("`entrada proxy`", forwarder.port, forwarder.upload_port, forwarder.process.id());
    let peers = [of_app, of_nginx, of_entrada];

    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    for _ in 0..ROUNDS {
        for (rates, (_, port, ..)) in rates.iter_mut().zip(peers) {
            rates.push(requests_per_second(port, CONNECTIONS, SECONDS)?);
        }
    }
    table("requests of 1 kB each second, 64 connections", &peers.map(|peer| peer.0), &mut rates, "");
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    for _ in 0..3 {
        for (rates, (_, port, ..)) in rates.iter_mut().zip(peers) {
            rates.push(download(port, LARGE)?);
        }
    }
    table("a download of 2 GB", &peers.map(|peer| peer.0), &mut rates, " MB/s");
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    for _ in 0..3 {
        for (rates, (_, _, port, _)) in rates.iter_mut().zip(peers) {
            rates.push(upload(port, LARGE)?);
        }
    }
    table("an upload of 2 GB", &peers.map(|peer| peer.0), &mut rates, " MB/s");
    println!("| peak memory after all that | `entrada proxy` | | {:.1} MB | |", peak_memory(of_entrada.3)?);
    Ok(())
}

/// The least, the median and the share of nginx's.
fn table(title: &str, names: &[&str], rates: &mut [Vec<f64>], unit: &str) {
    let medians: Vec<f64> = rates
        .iter_mut()
        .map(|rates| {
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        })
        .collect();
    for ((name, rates), median) in names.iter().zip(rates).zip(&medians) {
        println!("| {title} | {name} | {:.0}{unit} | {median:.0}{unit} | {:.2} |", rates[0], median / medians[1]);
    }
}

/// An nginx of our own.
struct Nginx {
    process: Child,
    port: u16,
    upload_port: u16,
}

impl Nginx {
    /// Serves a file of 1 kB and a large one.
    fn app(folder: &Path) -> io::Result<Self> {
        let files = folder.join("files");
        std::fs::create_dir(&files)?;
        std::fs::write(files.join("small"), vec![b'x'; 1024])?;
        std::fs::File::create(files.join("large"))?.set_len(LARGE)?;
        let port = free_port()?;
        let server = format!("server {{ listen 127.0.0.1:{port}; root {}; }}", files.display());
        Self::start(folder, "app", &server, (port, port))
    }

    /// Adds a header that never changes.
    fn proxy(folder: &Path, app: u16, sink: u16) -> io::Result<Self> {
        let (port, upload_port) = (free_port()?, free_port()?);
        let bearer = format!("Bearer {}", "x".repeat(1500));
        let server = |name: &str, port: u16, to: u16| {
            format!(
                "upstream {name} {{ server 127.0.0.1:{to}; keepalive 256; }} \
                 server {{ listen 127.0.0.1:{port}; client_max_body_size 0; location / {{ proxy_pass http://{name}; \
                 proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host 127.0.0.1:{to}; \
                 proxy_set_header Authorization \"{bearer}\"; proxy_request_buffering off; proxy_max_temp_file_size 0; }} }}"
            )
        };
        let servers = format!("{} {}", server("app", port, app), server("sink", upload_port, sink));
        Self::start(folder, "proxy", &servers, (port, upload_port))
    }

    fn start(folder: &Path, name: &str, servers: &str, (port, upload_port): (u16, u16)) -> io::Result<Self> {
        let home = folder.join(name);
        std::fs::create_dir(&home)?;
        let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {}/{kind};", home.display()))
            .collect();
        let config = format!(
            "daemon off; worker_processes auto; pid {0}/pid; error_log {0}/error.log; events {{ worker_connections 4096; }} \
             http {{ access_log off; keepalive_requests 1000000000; sendfile on; {paths} {servers} }}",
            home.display()
        );
        let file = home.join("nginx.conf");
        std::fs::write(&file, config)?;
        let process =
            Command::new("/usr/sbin/nginx").arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        load::until_open(port)?;
        Ok(Self { process, port, upload_port })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// `entrada proxy` in front of both.
struct Forwarder {
    process: Child,
    port: u16,
    upload_port: u16,
}

impl Forwarder {
    fn start(folder: &Path, stage: &Stage, app: u16, sink: u16) -> io::Result<Self> {
        let (authority, scope, cache) = (stage.authority_url(), stage.scope(), folder.join("tokens.json"));
        let run = |words: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_entrada"));
            command.args(words).args(["--client-id", stage.client_id(), "--authority", &authority, "--scope", &scope]);
            command.arg("--cache").arg(&cache);
            command
        };
        let mut login = run(&["login", "--flow", "browser", "--no-browser"]).stderr(Stdio::piped()).spawn()?;
        for line in BufReader::new(login.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?).lines() {
            let line = line?;
            if let Some(at) = line.find(stage.instance_url()) {
                stage.visitor().visit(line[at..].trim())?;
            }
        }
        login.wait()?;
        let (app, sink) = (format!("http://127.0.0.1:{app}/"), format!("http://127.0.0.1:{sink}/"));
        let mut process = run(&["proxy", &app, &sink]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut said = BufReader::new(process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).lines();
        let mut port = || -> io::Result<u16> {
            let line = said.next().ok_or(io::ErrorKind::UnexpectedEof)??;
            let port = line.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
            port.ok_or_else(|| io::Error::other(line))
        };
        let (port, upload_port) = (port()?, port()?);
        Ok(Self { process, port, upload_port })
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// Asks it to end, as a user does.
fn end(process: &mut Child) {
    let _ = Command::new("kill").arg(process.id().to_string()).status();
    let _ = process.wait();
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
