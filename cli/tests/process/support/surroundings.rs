//! What is installed here and what is not, and waiting for what comes.

use std::env;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Whether a program is missing here, so that a test has to be skipped; on a build server that is a failure.
pub(crate) fn absent(program: &str) -> bool {
    let found = ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists());
    assert!(found || env::var_os("CI").is_none(), "{program} is missing");
    !found
}

/// Waits until that is so.
#[track_caller]
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(30), "it never came to that");
        thread::sleep(Duration::from_millis(2));
    }
}
