//! What the tests share: a virtual screen with a window manager, hands for mouse and keyboard, a server to end at.
#![allow(dead_code, unreachable_pub)]

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes that is going well.
pub const LONG: Duration = Duration::from_secs(30);
/// Set for the process that has the screen.
const ON_A_SCREEN: &str = "ENTRADA_TEST_ON_A_SCREEN";

/// Runs the test of this name once more, alone in a process with a screen of its own, and the body there: a toolkit serves
/// one thread and one screen in a process.
pub fn on_a_screen(name: &str, body: fn()) {
    if is_inside() {
        return body();
    }
    with_a_screen(name, None, &[]);
}

/// The same where there is no screen at all.
pub fn without_a_screen(name: &str, body: fn()) {
    if is_inside() {
        return body();
    }
    run(name, None, &[]);
}

/// Whether this is that process.
pub fn is_inside() -> bool {
    env::var_os(ON_A_SCREEN).is_some()
}

/// Runs the test of this name in a process with a screen and with these variables, where all programs trust this
/// certificate and no other, as an administrator could see to.
pub fn with_a_screen(name: &str, trusted: Option<&Path>, variables: &[(&str, &str)]) {
    let needed = ["/usr/bin/Xvfb", "/usr/bin/evilwm", "/usr/bin/xdotool"];
    if let Some(missing) = needed.iter().find(|path| !Path::new(path).exists()) {
        return skip(&format!("{missing} is missing; run tests/interop/prepare"));
    }
    let (_screen, display) = screen();
    let mut manager = Command::new("/usr/bin/evilwm");
    // Its own choice of font needs one to be installed.
    manager.args(["-display", &display, "-fn", "fixed"]).stdout(Stdio::null()).stderr(Stdio::null());
    let _manager = Running(manager.spawn().unwrap());
    let variables: Vec<_> = variables.iter().copied().chain([("DISPLAY", display.as_str())]).collect();
    run(name, trusted, &variables);
}

fn run(name: &str, trusted: Option<&Path>, variables: &[(&str, &str)]) {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let program = env::current_exe().unwrap();
    let mut inside = match trusted {
        // A mount that nobody else sees.
        Some(certificate) => {
            let script = "mount --bind \"$0\" /etc/ssl/certs/ca-certificates.crt || exit 99\nexec \"$@\"";
            let mut own = Command::new("unshare");
            own.args(["-rm", "sh", "-c", script]).arg(certificate).arg(program);
            own
        }
        None => Command::new(program),
    };
    inside
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(ON_A_SCREEN, "1")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_DATA_HOME", home.join("data"))
        // No graphics card, no session bus, no accessibility bus, no proxy.
        .env("GDK_BACKEND", "x11")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("WEBKIT_DISABLE_COMPOSITING_MODE", "1")
        .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
        .env("NO_AT_BRIDGE", "1")
        .env("no_proxy", "*")
        .envs(variables.iter().copied());
    assert!(inside.status().unwrap().success(), "{name} failed in its own process");
}

/// Says that a test was left out and why; where the variable `CI` is set, nothing is left out.
fn skip(why: &str) {
    assert!(env::var_os("CI").is_none(), "{why}");
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(io::stderr(), "SKIPPED {name}: {why}");
}

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A virtual screen, and its name for `$DISPLAY`.
fn screen() -> (Running, String) {
    let mut server = Command::new("/usr/bin/Xvfb");
    server.args(["-displayfd", "1", "-screen", "0", "1024x900x24", "-nolisten", "tcp", "-noreset"]);
    let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut number = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
    assert!(!number.trim().is_empty(), "Xvfb started");
    (Running(server), format!(":{}", number.trim()))
}

/// Waits until it is so.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A person's hands and eyes.
pub fn xdotool(arguments: &[&str]) -> String {
    let output = Command::new("/usr/bin/xdotool").args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The titles of the windows that are open.
pub fn titles() -> Vec<String> {
    let numbers = xdotool(&["search", "--onlyvisible", "--name", "Sign-in"]);
    numbers.lines().map(|number| xdotool(&["getwindowname", number])).collect()
}

/// Brings the pointer, and with it the keyboard, to the window with this title.
pub fn point_at(title: &str) {
    until(&format!("a window {title:?} opens"), || titles().iter().any(|shown| shown == title));
    let number = xdotool(&["search", "--onlyvisible", "--name", title]);
    let number = number.lines().next().unwrap().to_owned();
    xdotool(&["mousemove", "--window", &number, "500", "680"]);
    until("the window has the keyboard", || {
        // It may be a window within.
        let focused = xdotool(&["getwindowfocus", "getwindowname"]);
        focused == title || xdotool(&["getwindowfocus"]) == number
    });
}

/// Closes the window that has the keyboard, as the window manager's users do.
pub fn close_by_key() {
    xdotool(&["key", "ctrl+alt+Escape"]);
}

/// What the user reads.
#[derive(Clone, Default)]
pub struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A small server: what to answer to a target, and which targets were asked for.
#[derive(Clone)]
pub struct Server {
    pub origin: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `answer` gives a whole HTTP answer for a target such as `/path?query`.
    pub fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { origin: format!("http://{}", listener.local_addr().unwrap()), heads: Arc::default() };
        let (heads, answer) = (Arc::clone(&server.heads), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (heads, answer) = (Arc::clone(&heads), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &heads, answer.as_ref()));
            }
        });
        server
    }

    /// The requests, without their bodies.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Their targets.
    pub fn asked(&self) -> Vec<String> {
        self.heads().iter().map(|head| target(head).to_owned()).collect()
    }
}

fn target(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

fn serve(mut stream: TcpStream, heads: &Mutex<Vec<String>>, answer: &(dyn Fn(&str) -> String + Send + Sync)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    heads.lock().unwrap().push(head.clone());
    let _ = stream.write_all(answer(target(&head)).as_bytes());
}

pub fn page(html: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{html}",
        html.len()
    )
}

pub fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
