//! The ports of a small device: a socket, a file, a clock.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use entrada_core::protocol::{HttpAnswer, HttpQuery};
use entrada_core::{Fault, UnixTime};
use entrada_example_http1 as http1;
use rustix::fd::AsFd;
use rustix::fs::{CWD, Mode, OFlags, fsync, open, rename, unlink};
use rustix::io::{Errno, read, retry_on_intr, write};
use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};
use rustix::time::{ClockId, clock_gettime};

/// What a device has.
pub(crate) struct Host<'a> {
    /// Where the cache is; beside it there is room for the next one.
    pub(crate) cache: &'a str,
    /// Where a new cache grows, until it is whole.
    pub(crate) next: &'a str,
    /// Where an unreadable one goes.
    pub(crate) aside: &'a str,
    /// By how many seconds the device's clock is ahead.
    pub(crate) ahead: u64,
}

impl Host<'_> {
    pub(crate) fn now(&self) -> UnixTime {
        let seconds = clock_gettime(ClockId::Realtime).tv_sec;
        UnixTime::from_secs(u64::try_from(seconds).unwrap_or_default() + self.ahead)
    }

    pub(crate) fn load(&self) -> Result<Option<Vec<u8>>, Fault> {
        match open(self.cache, OFlags::RDONLY, Mode::empty()) {
            Ok(file) => read_all(file, usize::MAX).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    /// The file is there as a whole or not at all, whenever the power goes.
    pub(crate) fn save(&self, bytes: &[u8]) -> Result<(), Fault> {
        // What may lie there has a mode of its own, or is a link to elsewhere.
        match unlink(self.next) {
            Ok(()) | Err(Errno::NOENT) => (),
            Err(error) => return Err(fault(error)),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let file = open(self.next, flags, Mode::RUSR | Mode::WUSR).map_err(fault)?;
        write_all(&file, bytes)?;
        fsync(&file).map_err(fault)?;
        rename(self.next, self.cache).map_err(fault)
    }

    pub(crate) fn set_aside(&self) -> Result<(), Fault> {
        rustix::fs::renameat(CWD, self.cache, CWD, self.aside).map_err(fault)
    }

    pub(crate) fn send(&self, query: &HttpQuery) -> Result<HttpAnswer, Fault> {
        // This device has no resolver: the address is a number.
        let (address, request) = http1::request(query).ok_or(Fault::Other)?;
        let address: SocketAddr = address.parse().map_err(|_| Fault::Unreachable)?;
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let stream = socket(family, SocketType::STREAM, None).map_err(fault)?;
        for direction in [sockopt::Timeout::Send, sockopt::Timeout::Recv] {
            sockopt::set_socket_timeout(&stream, direction, Some(query.timeout)).map_err(fault)?;
        }
        connect(&stream, &address).map_err(fault)?;
        write_all(&stream, request.expose().as_bytes())?;
        http1::answer(read_all(stream, http1::limit(query.body_limit))?, query.body_limit)
    }
}

/// Lets time pass.
pub(crate) fn wait(duration: Duration) {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let time = rustix::time::Timespec { tv_sec: seconds, tv_nsec: duration.subsec_nanos().into() };
    let _ = rustix::thread::nanosleep(&time);
}

pub(crate) fn entropy(count: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = alloc::vec![0; count];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).map_err(fault)?;
    (filled == count).then_some(bytes).ok_or(Fault::Other)
}

pub(crate) fn write_all(to: impl AsFd, mut bytes: &[u8]) -> Result<(), Fault> {
    while !bytes.is_empty() {
        let count = retry_on_intr(|| write(&to, bytes)).map_err(fault)?;
        bytes = &bytes[count..];
    }
    Ok(())
}

/// All that comes until the end, or until that much is there.
fn read_all(from: impl AsFd, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let mut part = [0; 1024];
    while bytes.len() < limit {
        match retry_on_intr(|| read(&from, &mut part)).map_err(fault)? {
            0 => break,
            count => bytes.extend_from_slice(&part[..count]),
        }
    }
    Ok(bytes)
}

fn fault(error: Errno) -> Fault {
    match error {
        Errno::CONNREFUSED | Errno::CONNRESET | Errno::NETUNREACH | Errno::HOSTUNREACH => Fault::Unreachable,
        Errno::AGAIN | Errno::TIMEDOUT => Fault::TimedOut,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => Fault::Denied,
        Errno::NOENT => Fault::NotFound,
        _ => Fault::Other,
    }
}
