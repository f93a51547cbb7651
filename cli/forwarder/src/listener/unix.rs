//! A Unix socket that only its owner can open.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mio::net::{UnixListener, UnixStream};
use rustix::fs::Mode;
use rustix::process::umask;

use super::next;
use crate::reactor::{Reactor, Watched};

/// A socket that is listened at. It goes with this.
pub(crate) struct Socket {
    listener: Watched<UnixListener>,
    path: PathBuf,
    /// Device and inode of what was made there.
    made: (u64, u64),
}

impl Socket {
    /// Takes the place of a socket that nobody listens at any more, and of nothing else.
    pub(crate) fn bind(path: &Path, reactor: &Arc<Reactor>) -> io::Result<Self> {
        if let Ok(there) = fs::symlink_metadata(path)
            && there.file_type().is_socket()
            && std::os::unix::net::UnixStream::connect(path)
                .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        {
            fs::remove_file(path)?;
        }
        // It must not be open to others for a moment either.
        let usual = umask(Mode::from_raw_mode(0o177));
        let bound = UnixListener::bind(path);
        umask(usual);
        let listener = bound?;
        let made = fs::symlink_metadata(path)?;
        Ok(Self { listener: Watched::new(listener, reactor)?, path: path.to_owned(), made: (made.dev(), made.ino()) })
    }

    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
        next(&self.listener, UnixListener::accept).await.map(|(stream, _)| stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another may have put its own there meanwhile.
        if fs::symlink_metadata(&self.path).is_ok_and(|there| (there.dev(), there.ino()) == self.made) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
