//! What this machine has and what it has not.

use std::env;
use std::path::Path;

/// Whether a program is missing here, so that a test has to be skipped; on a build server that is a failure.
pub(crate) fn absent(program: &str) -> bool {
    let found = ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists());
    assert!(found || env::var_os("CI").is_none(), "{program} is missing");
    !found
}

/// Bytes as text, line by line.
pub(crate) fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}
