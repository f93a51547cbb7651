//! A desktop session of its own, with a keyring that others wrote: `dbus-daemon` and `gnome-keyring-daemon`.

#[cfg(all(feature = "secret-service", not(target_vendor = "apple")))]
mod service;

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

#[cfg(all(feature = "secret-service", not(target_vendor = "apple")))]
pub use self::service::{At, Service};

const PASSWORD: &[u8] = b"correct horse";

const KEYRING: &str = "/usr/bin/gnome-keyring-daemon";

/// The folder of its sockets comes after these.
const KEYRING_ARGS: [&str; 4] = ["--unlock", "--foreground", "--components=secrets", "--control-directory"];

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The session; it ends when this is dropped.
///
/// Its home, its bus and its keyring are its own. The keyring is unlocked, and nobody answers if it asks for its
/// password.
pub struct Session {
    home: TempDir,
    bus: Child,
    keyring: Option<Child>,
}

impl Session {
    /// A session with an unlocked keyring; `None` where the programs are missing, except on a build server, where
    /// that is a failure.
    pub fn start() -> Option<Self> {
        let mut session = Self::without_keyring()?;
        session.start_keyring();
        Some(session)
    }

    /// A session whose bus has nobody on it.
    pub fn without_keyring() -> Option<Self> {
        for program in ["dbus-daemon", "gnome-keyring-daemon", "gdbus"] {
            if !Path::new("/usr/bin").join(program).exists() {
                assert!(env::var_os("CI").is_none(), "{program} is missing: tests/interop/prepare installs it");
                let _ = writeln!(std::io::stderr(), "skipped: {program} is missing");
                return None;
            }
        }
        let home = tempfile::tempdir().expect("a home");
        for folder in ["run", "services"] {
            fs::create_dir(home.path().join(folder)).expect("a folder");
        }
        fs::set_permissions(home.path().join("run"), fs::Permissions::from_mode(0o700)).expect("its mode");
        let path = home.path().display();
        // Whoever is asked for the password of the keyring says nothing.
        let mute = "[D-BUS Service]\nName=org.gnome.keyring.SystemPrompter\nExec=/bin/sleep 60\n";
        fs::write(home.path().join("services/mute.service"), mute).expect("a service");
        let config = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\
             <busconfig><type>session</type><listen>unix:path={path}/bus</listen><auth>EXTERNAL</auth>\
             <servicedir>{path}/services</servicedir>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>"
        );
        let config_file = home.path().join("bus.conf");
        fs::write(&config_file, config).expect("the bus's configuration");
        let mut bus = Command::new("/usr/bin/dbus-daemon");
        bus.arg("--config-file").arg(&config_file).arg("--nofork");
        let bus = bus.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a bus");
        let session = Self { home, bus, keyring: None };
        // Its socket is there a moment before it listens.
        until(|| UnixStream::connect(session.home().join("bus")).is_ok());
        Some(session)
    }

    fn start_keyring(&mut self) {
        let mut keyring = self.command(KEYRING);
        keyring.args(KEYRING_ARGS).arg(self.home().join("run"));
        let mut keyring =
            keyring.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a keyring");
        // The end of its input is the end of the password.
        keyring.stdin.take().expect("its input").write_all(PASSWORD).expect("to unlock it");
        self.keyring = Some(keyring);
        until(|| self.asks("ReadAlias", "default"));
    }

    /// The keyring ends, and what it keeps stays on the disk.
    pub fn end_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            keyring.kill().and_then(|()| keyring.wait()).expect("to end the keyring");
        }
    }

    /// From now on the bus starts the keyring where somebody asks for one, and the keyring is unlocked then.
    pub fn keyring_is_started_when_needed(&self) {
        let variables: Vec<String> =
            self.variables().iter().map(|(name, value)| format!("{name}={}", value.display())).collect();
        let password = String::from_utf8_lossy(PASSWORD);
        let script = format!(
            "#!/bin/sh\nprintf '%s' '{password}' | exec /usr/bin/env -i PATH=/usr/bin:/bin {} {KEYRING} {} {}\n",
            variables.join(" "),
            KEYRING_ARGS.join(" "),
            self.home().join("run").display()
        );
        let program = self.home().join("start-keyring");
        fs::write(&program, script).expect("a script");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("its mode");
        self.bus_starts(&program.display().to_string());
    }

    /// From now on the bus runs that where somebody asks for a keyring that is not there, and waits for one.
    fn bus_starts(&self, command: &str) {
        let service = format!("[D-BUS Service]\nName=org.freedesktop.secrets\nExec={command}\n");
        fs::write(self.home().join("services/org.freedesktop.secrets.service"), service).expect("a service");
    }

    /// Locks the keyring.
    pub fn lock(&self) {
        assert!(self.asks("Lock", "['/org/freedesktop/secrets/collection/login']"), "the keyring cannot be locked");
    }

    /// Unlocks it again, as the log-in of its user does: over the socket that PAM speaks to (gnome-keyring,
    /// `daemon/control/gkd-control-codes.h`).
    pub fn unlock(&self) {
        const UNLOCK: u32 = 1;
        let length = |bytes: usize| u32::try_from(bytes).expect("a short message").to_be_bytes();
        let whole = [&length(12 + PASSWORD.len()), &UNLOCK.to_be_bytes(), &length(PASSWORD.len()), PASSWORD].concat();
        let mut socket = UnixStream::connect(self.home().join("run/control")).expect("the keyring's socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a bounded wait");
        // A byte by itself, with which the kernel tells who sends it.
        socket.write_all(&[0]).and_then(|()| socket.write_all(&whole)).expect("to ask it");
        let mut answer = [0; 8];
        socket.read_exact(&mut answer).expect("its answer");
        assert_eq!(answer, [0, 0, 0, 8, 0, 0, 0, 0], "the keyring cannot be unlocked");
    }

    /// The keyring keeps its name on the bus, and says nothing any more.
    pub fn hang(&self) {
        let keyring = self.keyring.as_ref().expect("a keyring");
        let status = Command::new("kill").args(["-STOP", &keyring.id().to_string()]).status();
        assert!(status.expect("kill").success(), "the keyring cannot be stopped");
    }

    fn asks(&self, method: &str, argument: &str) -> bool {
        let method = format!("org.freedesktop.Secret.Service.{method}");
        let mut gdbus = self.command("/usr/bin/gdbus");
        gdbus.args(["call", "--session", "-d", "org.freedesktop.secrets", "-o", "/org/freedesktop/secrets"]);
        gdbus.args(["-m", &method, argument]);
        gdbus.output().is_ok_and(|output| output.status.success())
    }

    /// The home of its user.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// What the environment of its programs says.
    pub fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let home = self.home();
        let bus = PathBuf::from(format!("unix:path={}/bus", home.display()));
        vec![("DBUS_SESSION_BUS_ADDRESS", bus), ("HOME", home.into()), ("XDG_RUNTIME_DIR", home.join("run"))]
    }

    /// A program in this session, and with nothing else from the environment of the tests.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("PATH", "/usr/bin:/bin").envs(self.variables());
        command
    }

    /// Runs one test of the present program again, in this session: an `#[ignore]`d one, which is of no use elsewhere.
    #[track_caller]
    pub fn passes(&self, test: &str) {
        let mut command = self.command(env::current_exe().expect("the test's own program"));
        command.args(["--exact", test, "--ignored", "--nocapture"]);
        let output = command.output().expect("to run it again");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in self.keyring.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "the session does not get ready");
        thread::sleep(Duration::from_millis(5));
    }
}
