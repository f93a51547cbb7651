//! Standard output, which is the answer alone, and files.

use std::io::{self, ErrorKind, Read, Write, stdout};
use std::path::Path;

use crate::failure::{Failure, NETWORK};

/// Prints all bytes.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = stdout().lock();
    written(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Prints a line.
pub(crate) fn print_line(text: &str) -> Result<(), Failure> {
    print(format!("{text}\n").as_bytes())
}

/// Copies a body to standard output as it comes.
pub(crate) fn print_body(body: &mut impl Read) -> Result<(), Failure> {
    let mut out = stdout().lock();
    copy(body, &mut out, "standard output")?;
    written(out.flush())
}

/// Writes a body to a file, which appears whole or not at all, and has the mode of the one that it replaces. A device
/// or a pipe is written to as it is.
pub(crate) fn save_body(body: &mut impl Read, path: &Path) -> Result<(), Failure> {
    let name = path.display().to_string();
    let failed = |error: &io::Error| Failure::output(&name, error);
    let old = std::fs::metadata(path).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        let mut file = std::fs::OpenOptions::new().write(true).open(path).map_err(|error| failed(&error))?;
        return copy(body, &mut file, &name);
    }
    // A link stays one: what it leads to is replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut options = tempfile::Builder::new();
    options.prefix(".entrada-");
    #[cfg(unix)]
    options.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = options.tempfile_in(folder).map_err(|error| failed(&error))?;
    if let Some(old) = old {
        file.as_file().set_permissions(old.permissions()).map_err(|error| failed(&error))?;
    }
    copy(body, &mut file, &name)?;
    file.persist(&target).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// Copies a body as it comes; one that is cut is a failure of the kind `cut`.
pub(crate) fn copy(body: &mut impl Read, out: &mut impl Write, name: &str) -> Result<(), Failure> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(Failure::new(NETWORK, "cut", format!("the answer ended before it was whole: {error}")));
            }
        };
        match out.write_all(&buffer[..count]) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Failure::output(name, &error)),
        }
    }
}

/// A reader that has read enough, such as `head`, is no failure; a full disk is.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::output("standard output", &error)),
    }
}
