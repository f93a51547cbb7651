//! The snapshot that was read last, for as long as the file is the same.

use std::fs::Metadata;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use entrada_core::cache::Snapshot;
use entrada_core::ports::AdapterError;

use crate::load::{look, read};
use crate::lock;

/// A file that was changed so short a time before it was read may be changed again within the same tick of the
/// file system's clock, and look the same. Most tick every ten milliseconds at the slowest; those that know
/// no fractions of a second, every two seconds.
const TICK: Duration = Duration::from_millis(100);
const COARSE_TICK: Duration = Duration::from_millis(2500);

/// How often what is half written is read again, and how long after: a second in all.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// Makes the cache's bytes of those in the file.
pub(crate) type Decode<'a> = dyn Fn(Vec<u8>) -> Result<Vec<u8>, AdapterError> + 'a;

/// What the last snapshot was made of.
#[derive(Default)]
pub(crate) struct Memo(Mutex<Option<(Stamp, Snapshot)>>);

/// What changes with a file's content: no two contents of one path have the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: SystemTime,
    /// Device, number and time of the last change of the file itself.
    #[cfg(unix)]
    file: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Option<Self> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Some(Self {
            length: metadata.len(),
            modified: metadata.modified().ok()?,
            #[cfg(unix)]
            file: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Whether the file has been left alone for long enough that another change would show.
    fn is_settled(self, now: SystemTime) -> bool {
        let is_past = |time: SystemTime| {
            let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let tick = if since_epoch.subsec_nanos() == 0 { COARSE_TICK } else { TICK };
            now.duration_since(time).is_ok_and(|age| age > tick)
        };
        #[cfg(unix)]
        let changed = {
            let since_epoch = Duration::new(self.file.2.try_into().unwrap_or_default(), self.file.3 as u32);
            SystemTime::UNIX_EPOCH + since_epoch
        };
        #[cfg(not(unix))]
        let changed = self.modified;
        is_past(self.modified) && is_past(changed)
    }
}

impl Memo {
    /// The file as it is now.
    ///
    /// Microsoft's libraries empty it before they fill it, under the lock: what is empty or broken is read again
    /// for as long as another has that, and once more after it.
    pub(crate) fn snapshot(&self, path: &Path, decode: &Decode<'_>) -> Result<Snapshot, AdapterError> {
        let mut tries = 0;
        let mut is_last = false;
        loop {
            let (snapshot, is_whole) = self.read(path, decode)?;
            if is_whole || is_last || tries == TRIES {
                return Ok(snapshot);
            }
            tries += 1;
            is_last = !lock::is_others(path);
            if !is_last {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// The file, read anew only where it may have changed, and whether there is anything whole in it.
    fn read(&self, path: &Path, decode: &Decode<'_>) -> Result<(Snapshot, bool), AdapterError> {
        let Some(metadata) = look(path)? else {
            *self.last() = None;
            return Ok((Snapshot::of(None), true));
        };
        let stamp = Stamp::of(&metadata);
        if let Some((last, snapshot)) = &*self.last()
            && Some(*last) == stamp
        {
            return Ok((snapshot.clone(), true));
        }
        // The time before the read: what changes after it shows.
        let now = SystemTime::now();
        let snapshot = Snapshot::of(read(path, &metadata)?.map(decode).transpose()?);
        if metadata.len() == 0 || snapshot.is_corrupt() {
            *self.last() = None;
            return Ok((snapshot, false));
        }
        // A file replaced between the look and the read has another stamp than the one looked at.
        let is_same = look(path)?.as_ref().and_then(Stamp::of) == stamp;
        let settled = stamp.filter(|stamp| is_same && stamp.is_settled(now));
        *self.last() = settled.map(|stamp| (stamp, snapshot.clone()));
        Ok((snapshot, true))
    }

    fn last(&self) -> MutexGuard<'_, Option<(Stamp, Snapshot)>> {
        // Each change is one assignment, so that a panic elsewhere has left none half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
