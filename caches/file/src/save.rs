//! Replacing the file, all of it or not at all, and moving it away.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;

use crate::load::check_regular;
use crate::process;

pub(crate) fn save(path: &Path, bytes: &[u8]) -> Result<(), AdapterError> {
    let failed = |error| AdapterError::io(format_args!("the token cache {} cannot be written", path.display()), error);
    let target = follow(path).map_err(failed)?;
    let old = match fs::symlink_metadata(&target) {
        Ok(metadata) => {
            check_regular(path, &metadata)?;
            Some(metadata)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };

    make_folder(&target).map_err(failed)?;
    sweep(&target);
    let temporary = Temporary::create(&target).map_err(failed)?;
    temporary.fill(bytes, old.as_ref()).map_err(failed)?;
    temporary.rename(&target).map_err(failed)
}

pub(crate) fn set_aside(path: &Path) -> Result<PathBuf, AdapterError> {
    let failed =
        |error| AdapterError::io(format_args!("the token cache {} cannot be set aside", path.display()), error);
    let target = follow(path).map_err(failed)?;
    check_regular(path, &fs::symlink_metadata(&target).map_err(failed)?)?;
    for number in 1..10_000 {
        let aside = with_suffix(&target, &format!(".corrupt-{number}"));
        // The name is taken first, with an empty file: a rename asks nobody before it overwrites.
        match create_new(&aside) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(failed(error)),
        }
        return match fs::rename(&target, &aside) {
            Ok(()) => Ok(aside),
            Err(error) => {
                let _ = fs::remove_file(&aside);
                Err(failed(error))
            }
        };
    }
    let text = format!("too many files beside the token cache {} were set aside: delete some", path.display());
    Err(AdapterError::new(Fault::Other, text))
}

/// Where the bytes are in the end, when the path is a symbolic link, even one to nothing yet.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // As many steps as Linux takes.
    for _ in 0..40 {
        let is_link = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink());
        if !is_link {
            return Ok(path);
        }
        let target = fs::read_link(&path)?;
        path = folder_of(&path).join(target);
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

/// Makes the folder that the file is in, and those above it, for the user alone; leaves those that exist.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let folder = folder_of(path);
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new file for the user alone; an existing one, or a link in its place, is an error.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The new content on its way; deleted again unless it is renamed.
struct Temporary {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    fn create(target: &Path) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut name = temporary_prefix(target);
            name.push(format!("{}-{number}", std::process::id()));
            let path = folder_of(target).join(name);
            match create_new(&path) {
                // Left behind by a process that had the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return Ok(Self { file: made?, path, renamed: false }),
            }
        }
    }

    fn fill(&self, bytes: &[u8], old: Option<&fs::Metadata>) -> io::Result<()> {
        if let Some(old) = old {
            self.resemble(old);
        }
        (&self.file).write_all(bytes)?;
        // The file system's clock ticks in milliseconds. MSAL for Python compares the file's time with a clock
        // that does not, and would take what was written within the last tick for what it has read already.
        let _ = self.file.set_modified(SystemTime::now());
        self.file.sync_all()
    }

    /// The old file's owner, where root writes for a user, and no more rights than it gave.
    #[cfg(unix)]
    fn resemble(&self, old: &fs::Metadata) {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

        if self.file.metadata().is_ok_and(|new| new.uid() != old.uid()) {
            let _ = fchown(&self.file, Some(old.uid()), Some(old.gid()));
        }
        let mode = old.permissions().mode() & 0o600;
        if mode != 0o600 {
            let _ = self.file.set_permissions(fs::Permissions::from_mode(mode));
        }
    }

    #[cfg(not(unix))]
    fn resemble(&self, _old: &fs::Metadata) {}

    fn rename(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.renamed = true;
        // So that the rename itself outlives a power cut; not every file system can do it.
        #[cfg(unix)]
        let _ = File::open(folder_of(target)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn temporary_prefix(target: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".new-");
    prefix
}

/// Deletes what processes left behind that were killed while they saved: it holds tokens.
fn sweep(target: &Path) {
    let prefix = temporary_prefix(target);
    let Some(prefix) = prefix.to_str() else { return };
    for entry in fs::read_dir(folder_of(target)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(prefix)?.split_once('-')?.0.parse().ok());
        if pid.is_some_and(|pid| process::is_running(pid) == Some(false)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
