//! The command as a process: started with nothing inherited, read as it speaks, and never waited for without end.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far more than anything here takes, even where much else runs.
const LIMIT: Duration = Duration::from_secs(60);

/// A command to be run.
pub(crate) struct Run {
    command: Command,
    input: Option<Vec<u8>>,
}

/// One that runs.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    said: Receiver<String>,
    heard: std::cell::RefCell<String>,
    stdout: JoinHandle<Vec<u8>>,
}

/// One that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// The command under test: `$ENTRADA_BIN`, such as the one that is given to others, or the one that was built with the tests.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| env::var_os("ENTRADA_BIN").unwrap_or(env!("CARGO_BIN_EXE_entrada").into()).into())
}

impl Run {
    pub(crate) fn new(home: &Path, variables: &[(String, String)]) -> Self {
        Self::of(program(), home, variables)
    }

    /// Another program in the same surroundings, such as one that runs the command in its turn.
    pub(crate) fn of(program: &Path, home: &Path, variables: &[(String, String)]) -> Self {
        let mut command = Command::new(program);
        command.env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
        command.env("HOME", home).env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TMPDIR", home).current_dir(home);
        Self { command, input: None }
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn var(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_var(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// The same run by another program, which is given the command line to run: `strace`, `script`, `sh`.
    pub(crate) fn within(self, program: &str, args: impl FnOnce(&[PathBuf]) -> Vec<PathBuf>) -> Self {
        let own: Vec<PathBuf> =
            [self.command.get_program()].into_iter().chain(self.command.get_args()).map(PathBuf::from).collect();
        let mut command = Command::new(program);
        command.args(args(&own)).env_clear();
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        Self { command, input: self.input }
    }

    /// Signals of a terminal do to it what they do by themselves, also where those are ignored by whoever runs the tests:
    /// under `nohup`, or behind a `&`.
    pub(crate) fn heeding_signals(self) -> Self {
        self.within("env", |own| [vec!["--default-signal=HUP,INT".into()], own.to_vec()].concat())
    }

    /// Starts it with its input open, to be written to.
    pub(crate) fn start(self) -> Running {
        self.start_reading(Stdio::piped(), |child| Box::new(child.stderr.take().unwrap()))
    }

    /// The same for one that says everything on standard output, which is read line by line in place of standard error.
    pub(crate) fn start_merged(self) -> Running {
        self.start_reading(Stdio::piped(), |child| Box::new(child.stdout.take().unwrap()))
    }

    /// The same with a standard error that has room for a page of memory, until somebody reads what this returns.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_unread(self) -> (Running, io::PipeReader) {
        let (unread, stderr) = io::pipe().unwrap();
        rustix::pipe::fcntl_setpipe_size(&stderr, 4096).unwrap();
        (self.start_reading(stderr.into(), |_| Box::new(io::empty())), unread)
    }

    fn start_reading(mut self, stderr: Stdio, spoken: fn(&mut Child) -> Box<dyn Read + Send>) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = self.command.spawn().unwrap();
        let spoken = spoken(&mut child);
        let (say, said) = mpsc::channel();
        thread::spawn(move || {
            let mut reader = BufReader::new(spoken);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                if say.send(text).is_err() {
                    return;
                }
            }
        });
        let stdout = child.stdout.take();
        let stdout = thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stdout.map(|mut stdout| stdout.read_to_end(&mut bytes));
            bytes
        });
        let mut input = child.stdin.take();
        if let Some(bytes) = self.input {
            let pipe = input.take();
            thread::spawn(move || pipe.map(|mut pipe| pipe.write_all(&bytes)));
        }
        Running { child, input, said, heard: String::new().into(), stdout }
    }

    /// Runs it to its end, with no input but what was given.
    pub(crate) fn done(self) -> Done {
        self.start().done()
    }

    /// Runs it to its end with its standard output elsewhere.
    pub(crate) fn done_to(mut self, stdout: impl Into<Stdio>) -> (ExitStatus, String) {
        self.command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
        let output = self.command.spawn().unwrap().wait_with_output().unwrap();
        (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Running {
    /// What it says on standard error up to a line with that in it, which is returned without its end.
    pub(crate) fn line_with(&self, wanted: &str) -> String {
        let since = Instant::now();
        loop {
            let left = LIMIT.saturating_sub(since.elapsed());
            let line = self.said.recv_timeout(left);
            let line = line.unwrap_or_else(|why| panic!("no {wanted:?} ({why}) in: {}", self.heard.borrow()));
            self.heard.borrow_mut().push_str(&line);
            if line.contains(wanted) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The URL that it shows for the sign-in.
    pub(crate) fn sign_in_url(&self) -> String {
        self.line_with("/oauth2/v2.0/authorize?")
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it without a chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end. Its input ends now.
    pub(crate) fn done(mut self) -> Done {
        drop(self.input.take());
        let since = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if since.elapsed() > LIMIT {
                let _ = self.child.kill();
                panic!("it does not end; it said: {}{}", self.heard.borrow(), self.said.try_iter().collect::<String>());
            }
            thread::sleep(Duration::from_millis(2));
        };
        let stdout = self.stdout.join().unwrap();
        let mut stderr = self.heard.into_inner();
        stderr.extend(self.said.iter());
        Done { status, stdout, stderr }
    }
}

impl Done {
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("{:?}: {}", self.status, self.stderr))
    }

    /// Its exit code is this.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{}\n{}", self.stderr, self.text());
        self
    }

    /// It said this on standard error.
    #[track_caller]
    pub(crate) fn says(self, wanted: &str) -> Self {
        assert!(self.stderr.contains(wanted), "no {wanted:?} in: {}", self.stderr);
        self
    }

    /// It failed with this code, a sentence and a remedy, and printed nothing.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, sentence: &str, remedy: &str) -> Self {
        let done = self.expect_code(code).says(sentence);
        assert!(done.stdout.is_empty(), "{}", done.text());
        assert!(done.stderr.contains("error: "), "{}", done.stderr);
        let help = done.stderr.lines().find(|line| line.trim_start().starts_with("help: "));
        assert!(help.is_some_and(|line| line.contains(remedy)), "no help with {remedy:?} in: {}", done.stderr);
        done
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|why| panic!("{why}: {}\n{}", self.text(), self.stderr))
    }

    /// The failure in its one line of JSON.
    #[track_caller]
    pub(crate) fn json_error(&self) -> Value {
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        let line: Value = serde_json::from_str(&self.stderr).unwrap();
        line["error"].clone()
    }
}
