//! How long and how many.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How long the forwarder waits for what, and how much it takes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// For the head of a request, on a new connection or after the last answer: 75 seconds.
    pub idle: Duration,
    /// For each step of a new connection to the app: 30 seconds.
    pub connect: Duration,
    /// For the head of the app's answer, from when its request last moved: 200 seconds, as the proxy gives an app 180.
    pub answer: Duration,
    /// For what is under way when the forwarder is stopped: 5 seconds.
    pub ending: Duration,
    /// Connections of clients at a time; those that come then wait. Half of the files that may be open, 32,000 at most.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(75),
            connect: Duration::from_secs(30),
            answer: Duration::from_secs(200),
            ending: Duration::from_secs(5),
            connections: most_connections(),
        }
    }
}

/// How many bytes the head of a request or an answer may have.
pub(crate) const LONGEST_HEAD: usize = 128 * 1024;

/// How many bytes are read at once.
pub(crate) const LONGEST_READ: usize = 128 * 1024;

/// Lets this process have as many files and connections open as the system allows it, up to 65,536; tells how many.
///
/// A process that it starts later inherits that.
pub fn raise_open_files() -> u64 {
    const ENOUGH: u64 = 65_536;
    let now = getrlimit(Resource::Nofile);
    let current = now.current.unwrap_or(u64::MAX);
    let wanted = now.maximum.unwrap_or(u64::MAX).min(ENOUGH);
    if wanted <= current || setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: now.maximum }).is_err()
    {
        return current;
    }
    wanted
}

/// Each has a connection to the app beside it.
fn most_connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(32) / 2).unwrap_or(usize::MAX).clamp(16, 32_000)
}
