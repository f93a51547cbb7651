//! A server of one's own, on a Unix socket or a free port, gone with the test.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use entrada_cache_redis::{RedisCache, RedisServer, RedisServerBuilder};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/bin/redis-server";

pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    arguments: Vec<String>,
    port: u16,
}

/// Whether the test has to be passed over, which it never is in CI.
pub(crate) fn is_missing() -> bool {
    let is_there = Path::new(PROGRAM).exists();
    assert!(is_there || std::env::var_os("CI").is_none(), "{PROGRAM} is not there: tests/interop/prepare installs it");
    if !is_there {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {PROGRAM} is not there");
    }
    !is_there
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments)
    }

    pub(crate) fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments: Vec<String> = arguments.iter().map(|text| text.replace("PORT", &port.to_string())).collect();
        let child = spawn(folder.path(), &arguments);
        let server = Self { child, folder, arguments, port };
        server.wait();
        server
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while !self.answers() || (self.has_port() && TcpStream::connect(("127.0.0.1", self.port)).is_err()) {
            assert!(Instant::now() < until, "the server does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it takes commands, be it to refuse them for want of a password.
    fn answers(&self) -> bool {
        let Ok(mut socket) = UnixStream::connect(self.socket()) else { return false };
        let mut answer = [0; 8];
        let has_answer =
            socket.write_all(b"PING\r\n").and_then(|()| socket.read(&mut answer)).is_ok_and(|read| read > 0);
        has_answer && !answer.starts_with(b"-LOADING")
    }

    fn has_port(&self) -> bool {
        self.arguments.iter().any(|argument| argument.contains("port"))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn builder(&self) -> RedisServerBuilder {
        RedisServer::builder(&self.url())
    }

    pub(crate) fn cache(&self, partition: &str) -> RedisCache {
        RedisServer::open(&self.url()).unwrap().cache(partition).unwrap()
    }

    pub(crate) fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = redis::Client::open(self.url()).unwrap().get_connection().unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    pub(crate) fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::fs::remove_file(self.socket()).unwrap();
        self.child = spawn(self.folder.path(), &self.arguments);
        self.wait();
    }
}

fn spawn(folder: &Path, arguments: &[String]) -> Child {
    let own = ["--save", "", "--dir", ".", "--unixsocket", "socket"];
    let port: &[&str] = if arguments.iter().any(|argument| argument.contains("port")) { &[] } else { &["--port", "0"] };
    let mut command = Command::new(PROGRAM);
    command.args(own).args(port).args(arguments).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
