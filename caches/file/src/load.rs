//! Reading the file.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;

/// More than 100,000 tokens of the usual length; what is larger is not ours.
const LIMIT: u64 = 512 * 1024 * 1024;

pub(crate) fn load(path: &Path) -> Result<Option<Vec<u8>>, AdapterError> {
    match look(path)? {
        Some(metadata) => read(path, &metadata),
        None => Ok(None),
    }
}

/// What the file system says of the file; `None` where there is none.
///
/// It is looked at before it is opened: to open a pipe would wait for its other end.
pub(crate) fn look(path: &Path) -> Result<Option<Metadata>, AdapterError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn unreadable(path: &Path, error: io::Error) -> AdapterError {
    AdapterError::io(format_args!("the token cache {} cannot be read", path.display()), error)
}

/// The bytes of a file that was looked at.
pub(crate) fn read(path: &Path, metadata: &Metadata) -> Result<Option<Vec<u8>>, AdapterError> {
    let failed = |error| unreadable(path, error);
    check_regular(path, metadata)?;
    if metadata.len() > LIMIT {
        return Err(too_large(path));
    }
    narrow(path, metadata);

    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(too_large(path));
    }
    // MSAL's extensions make an empty file before the first tokens are written.
    Ok((!bytes.is_empty()).then_some(bytes))
}

/// Nothing but a regular file is read or replaced: a rename over `/dev/null` would be a bad joke.
pub(crate) fn check_regular(path: &Path, metadata: &Metadata) -> Result<(), AdapterError> {
    if metadata.is_file() {
        return Ok(());
    }
    let kind = if metadata.is_dir() { "a folder" } else { "not a regular file" };
    Err(AdapterError::new(
        Fault::Denied,
        format!("the token cache {} is {kind}: give the path of a file", path.display()),
    ))
}

fn too_large(path: &Path) -> AdapterError {
    AdapterError::new(
        Fault::TooLarge,
        format!("the token cache {} is larger than {} MiB: is it the right file?", path.display(), LIMIT >> 20),
    )
}

/// Takes away what a mode wider than 0600 gives to others; a failure is told and no more.
#[cfg(unix)]
fn narrow(path: &Path, metadata: &Metadata) {
    use std::os::unix::fs::PermissionsExt;

    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return;
    }
    match fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o600)) {
        Ok(()) => tracing::warn!(
            path = %path.display(), was = %format_args!("{mode:o}"),
            "others could read the token cache; its mode is now that of its owner alone"
        ),
        Err(error) => tracing::warn!(
            path = %path.display(), mode = %format_args!("{mode:o}"), %error,
            "others can read the token cache, and its mode cannot be changed"
        ),
    }
}

#[cfg(not(unix))]
fn narrow(_path: &Path, _metadata: &Metadata) {}
