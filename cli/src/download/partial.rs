//! `FILE.part`, what has come so far, and `FILE.part.json`, of what it is a part.
//!
//! Both lie beside the file from the first byte on, so that they are there however the download ends. The name is new
//! each time and never followed where it is a link; who writes it holds its lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use entrada::protocol::http_date;
use http::HeaderMap;
use http::header::{DATE, ETAG, LAST_MODIFIED};
use serde::{Deserialize, Serialize};

use crate::answer;
use crate::failure::{Failure, NETWORK, OTHER};

/// The three files of one download.
#[derive(Debug)]
pub(super) struct Partial {
    target: PathBuf,
    part: PathBuf,
    note: PathBuf,
    /// So that the part of one page is not gone on with by another; no URL, as that may hold a secret.
    page: u64,
}

/// What has come before, open to be gone on with and locked.
#[derive(Debug)]
pub(super) struct Found {
    file: File,
    pub(super) length: u64,
    /// What `If-Range` takes.
    pub(super) validator: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Note {
    page: u64,
    validator: String,
}

/// What tells this version of a page from every other: a strong ETag, or a date that is old enough to be one
/// (RFC 9110 8.8.2.2 and 13.1.5).
pub(super) fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name)?.to_str().ok();
    if let Some(etag) = text(ETAG).filter(|etag| etag.starts_with('"')) {
        return Some(etag.to_owned());
    }
    let modified = text(LAST_MODIFIED)?;
    let (then, now) = (http_date(modified)?, http_date(text(DATE)?)?);
    (then.as_secs() + 1 < now.as_secs()).then(|| modified.to_owned())
}

impl Found {
    /// Whether an answer says that it is of another version: not everybody who answers heeds `If-Range`.
    pub(super) fn is_of_another_version(&self, headers: &HeaderMap) -> bool {
        let name = if self.validator.starts_with('"') { ETAG } else { LAST_MODIFIED };
        headers.get(name).is_some_and(|value| value.as_bytes() != self.validator.as_bytes())
    }
}

impl Partial {
    /// For a file that is to come from this page.
    pub(super) fn beside(path: &Path, page: &str) -> Self {
        // A link stays one: what it leads to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let with = |end: &str| {
            let mut name = target.clone().into_os_string();
            name.push(end);
            PathBuf::from(name)
        };
        let mut hasher = DefaultHasher::new();
        page.hash(&mut hasher);
        Self { part: with(".part"), note: with(".part.json"), page: hasher.finish(), target }
    }

    pub(super) fn path(&self) -> &Path {
        &self.part
    }

    /// What has come of this page before; `None` where there is nothing that could be gone on with.
    pub(super) fn found(&self) -> Result<Option<Found>, Failure> {
        let Some(note) = self.noted().filter(|note| note.page == self.page) else { return Ok(None) };
        let Ok(file) = options().append(true).open(&self.part) else { return Ok(None) };
        locked(&file, &self.part)?;
        let length = file.metadata().ok().filter(fs::Metadata::is_file).map_or(0, |about| about.len());
        Ok((length > 0).then_some(Found { file, length, validator: note.validator }))
    }

    fn noted(&self) -> Option<Note> {
        serde_json::from_slice(&fs::read(&self.note).ok()?).ok()
    }

    /// Whether what lies at both names, if anything does, has been written by a download.
    fn is_ours(&self) -> bool {
        let is_absent =
            |path: &Path| fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        self.noted().is_some() || (is_absent(&self.part) && is_absent(&self.note))
    }

    /// Writes from the first byte on; where another's files have the names, without what could be gone on with.
    pub(super) fn begin(&self, body: &mut impl Read, validator: &str) -> Result<(), Failure> {
        let failed = |error: &io::Error| Failure::output(&self.part.display().to_string(), error);
        if let Ok(file) = options().append(true).open(&self.part) {
            locked(&file, &self.part)?;
        }
        if !self.is_ours() {
            return answer::save_body(body, &self.target);
        }
        self.forget();
        let file = self.create().map_err(|error| failed(&error))?;
        locked(&file, &self.part)?;
        let note = serde_json::to_vec(&Note { page: self.page, validator: validator.to_owned() }).unwrap_or_default();
        let noted = options().write(true).create_new(true).open(&self.note);
        noted.and_then(|mut file| io::Write::write_all(&mut file, &note)).map_err(|error| failed(&error))?;
        self.write(Found { file, length: 0, validator: validator.to_owned() }, body, None)
    }

    /// A new part, which nobody can read who cannot read the file that it will replace.
    fn create(&self) -> io::Result<File> {
        let mut options = options();
        #[cfg(unix)]
        if let Ok(old) = fs::metadata(&self.target) {
            use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
            // Also the part of what may not be written to has to be gone on with.
            options.mode(old.permissions().mode() & 0o777 | 0o600);
        }
        options.write(true).create_new(true).open(&self.part)
    }

    /// Writes what follows what has come, which makes so many bytes, where that is known.
    pub(super) fn go_on(&self, found: Found, body: &mut impl Read, total: Option<u64>) -> Result<(), Failure> {
        self.write(found, body, total)
    }

    fn write(&self, mut found: Found, body: &mut impl Read, total: Option<u64>) -> Result<(), Failure> {
        let written = answer::copy(body, &mut found.file, &self.part.display().to_string());
        if let Err(failure) = written {
            if failure.kind != "cut" {
                self.forget();
            }
            return Err(failure);
        }
        found.length = found.file.seek(SeekFrom::End(0)).unwrap_or_default();
        if total.is_some_and(|total| total != found.length) {
            return Err(Failure::new(NETWORK, "cut", "the answer ended before it was whole".to_owned()));
        }
        self.finish(found)
    }

    /// What has come is all of it: the file appears, with the mode of the one that it replaces.
    pub(super) fn finish(&self, found: Found) -> Result<(), Failure> {
        if !is_at(&found.file, &self.part) {
            let message = format!("{} has been replaced by another download", self.part.display());
            return Err(Failure::new(OTHER, "output", message));
        }
        let failed = |error: io::Error| Failure::output(&self.target.display().to_string(), &error);
        if let Ok(old) = fs::metadata(&self.target) {
            found.file.set_permissions(old.permissions()).map_err(failed)?;
        }
        fs::rename(&self.part, &self.target).map_err(failed)?;
        let _ = fs::remove_file(&self.note);
        Ok(())
    }

    /// Nothing of it is to be gone on with.
    pub(super) fn forget(&self) {
        let _ = fs::remove_file(&self.note);
        let _ = fs::remove_file(&self.part);
    }
}

/// A link in its place is not followed.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    options
}

fn locked(file: &File, path: &Path) -> Result<(), Failure> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let message = format!("another download is writing {}", path.display());
            Err(Failure::new(OTHER, "output", message).with_remedy("wait for it, or write to another file with -o"))
        }
        // A file system without locks has none to be heeded.
        Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => {
            Err(Failure::output(&path.display().to_string(), &error))
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |about: io::Result<fs::Metadata>| about.ok().map(|about| (about.dev(), about.ino()));
    place(file.metadata()).is_some_and(|place_| place(fs::symlink_metadata(path)) == Some(place_))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_tells_versions_apart_is_a_validator() {
        let read = |fields: &[(&str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.insert(name.parse::<http::HeaderName>().unwrap(), http::HeaderValue::from_static(value));
            }
            validator(&headers)
        };
        let modified = ("last-modified", "Thu, 29 Feb 2024 23:59:57 GMT");
        assert_eq!(read(&[("etag", "\"a\""), modified]).as_deref(), Some("\"a\""));
        let date = ("date", "Thu, 29 Feb 2024 23:59:59 GMT");
        assert_eq!(read(&[("etag", "W/\"a\""), modified, date]).as_deref(), Some(modified.1));
        assert_eq!(read(&[modified]), None);
        assert_eq!(read(&[modified, ("date", "Thu, 29 Feb 2024 23:59:58 GMT")]), None, "it may change once more");
        assert_eq!(read(&[("etag", "W/\"a\"")]), None);
    }
}
