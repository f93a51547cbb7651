//! Who is connected: a limited number, so that the silent cannot keep out the one that is awaited.
//!
//! Browsers open connections ahead of need and leave them silent. When all seats are taken, the one
//! that has been silent longest loses its own.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, PoisonError};

use super::lock;

/// How many connections are served at a time, each by a thread.
pub(super) const SEATS: usize = 32;

/// The connections of one listener.
#[derive(Default)]
pub(super) struct Seats {
    room: Mutex<Room>,
    changed: Condvar,
}

#[derive(Default)]
struct Room {
    is_closed: bool,
    next: u64,
    taken: usize,
    /// Those that have not said all: any of them may have to go.
    reading: BTreeMap<u64, Guest>,
}

struct Guest {
    stream: TcpStream,
    has_spoken: bool,
}

impl Seats {
    /// Waits for a seat; `None` once closed.
    pub(super) fn take(&self, stream: &TcpStream) -> io::Result<Option<u64>> {
        let stream = stream.try_clone()?;
        let mut room = lock(&self.room);
        if room.taken >= SEATS {
            room.send_away();
        }
        let is_full = |room: &mut Room| !room.is_closed && room.taken >= SEATS;
        let mut room = self.changed.wait_while(room, is_full).unwrap_or_else(PoisonError::into_inner);
        if room.is_closed {
            return Ok(None);
        }
        let number = room.next;
        room.next += 1;
        room.taken += 1;
        room.reading.insert(number, Guest { stream, has_spoken: false });
        Ok(Some(number))
    }

    /// It has begun to speak: those that have not are sent away before it.
    pub(super) fn has_spoken(&self, number: u64) {
        if let Some(guest) = lock(&self.room).reading.get_mut(&number) {
            guest.has_spoken = true;
        }
    }

    /// It has said all, and is answered in peace, even while the listener closes.
    pub(super) fn is_answered(&self, number: u64) {
        lock(&self.room).reading.remove(&number);
    }

    /// Gives the seat back.
    pub(super) fn leave(&self, number: u64) {
        let mut room = lock(&self.room);
        room.reading.remove(&number);
        room.taken -= 1;
        drop(room);
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.room).is_closed
    }

    /// Sends away all who still speak, and lets nobody in any more.
    pub(super) fn close(&self) {
        let mut room = lock(&self.room);
        room.is_closed = true;
        for guest in std::mem::take(&mut room.reading).into_values() {
            guest.send_away();
        }
        drop(room);
        self.changed.notify_all();
    }
}

impl Room {
    fn send_away(&mut self) {
        let longest = self.reading.iter().min_by_key(|(number, guest)| (guest.has_spoken, **number));
        if let Some(number) = longest.map(|(number, _)| *number) {
            self.reading.remove(&number).into_iter().for_each(Guest::send_away);
        }
    }
}

impl Guest {
    /// Its thread's read ends at once, and the thread with it.
    fn send_away(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
