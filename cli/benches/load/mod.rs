//! A client that loads a server, and a server that takes whatever comes: both with as little work as can be.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{self, PollFd, PollFlags};

/// Gets `/small` over and over: one thread with all the connections, so that it takes little from those who are measured.
pub(crate) fn requests_per_second(port: u16, connections: usize, time: Duration) -> io::Result<f64> {
    let request = request("GET /small", port, "");
    let mut clients = Vec::new();
    for _ in 0..connections {
        let mut stream = connect(port)?;
        stream.set_nonblocking(true)?;
        stream.write_all(&request)?;
        clients.push((stream, Vec::new()));
    }
    let (begun, mut count, mut piece) = (Instant::now(), 0_u32, vec![0; 16 * 1024]);
    while begun.elapsed() < time {
        let mut waiting: Vec<_> = clients.iter().map(|(stream, _)| PollFd::new(stream, PollFlags::IN)).collect();
        event::poll(&mut waiting, None)?;
        let ready: Vec<bool> = waiting.iter().map(|waited| !waited.revents().is_empty()).collect();
        for ((stream, answer), _) in clients.iter_mut().zip(ready).filter(|(_, is_ready)| *is_ready) {
            let read = match stream.read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => read,
            };
            answer.extend_from_slice(&piece[..read]);
            if is_complete(answer)? {
                answer.clear();
                stream.write_all(&request)?;
                count += 1;
            }
        }
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

fn is_complete(answer: &[u8]) -> io::Result<bool> {
    let Some(at) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(false) };
    let length = head(&mut &answer[..at + 4])?;
    Ok((answer.len() - at - 4) as u64 >= length)
}

/// Gets `/large`, in megabytes a second.
pub(crate) fn download(port: u16, size: u64) -> io::Result<f64> {
    let mut stream = BufReader::new(connect(port)?);
    let begun = Instant::now();
    stream.get_mut().write_all(&request("GET /large", port, ""))?;
    let mut left = head(&mut stream)?;
    if left != size {
        return Err(io::Error::other(format!("{left} bytes are announced")));
    }
    let mut buffer = vec![0; 256 * 1024];
    while left > 0 {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= count as u64;
    }
    Ok(size as f64 / 1e6 / begun.elapsed().as_secs_f64())
}

/// Puts that much, in megabytes a second.
pub(crate) fn upload(port: u16, size: u64) -> io::Result<f64> {
    let mut stream = BufReader::new(connect(port)?);
    let begun = Instant::now();
    stream.get_mut().write_all(&request("PUT /", port, &format!("content-length: {size}\r\n")))?;
    let piece = vec![b'x'; 256 * 1024];
    for _ in 0..size / piece.len() as u64 {
        stream.get_mut().write_all(&piece)?;
    }
    head(&mut stream)?;
    Ok(size as f64 / 1e6 / begun.elapsed().as_secs_f64())
}

/// Takes bodies.
pub(crate) struct Sink {
    pub(crate) port: u16,
}

impl Sink {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || -> io::Result<()> {
                    let mut stream = BufReader::new(stream);
                    let mut buffer = vec![0; 256 * 1024];
                    loop {
                        let mut left = head(&mut stream)?;
                        while left > 0 {
                            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                            let count = stream.read(&mut buffer[..most])?;
                            if count == 0 {
                                return Ok(());
                            }
                            left -= count as u64;
                        }
                        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
                    }
                });
            }
        });
        Ok(Self { port })
    }
}

/// The most memory that a process has had, in megabytes.
pub(crate) fn peak_memory(process: u32) -> io::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kilobytes.ok_or(io::ErrorKind::InvalidData)? * 1024.0 / 1e6)
}

/// Waits until somebody listens.
pub(crate) fn until_open(port: u16) -> io::Result<()> {
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(io::ErrorKind::TimedOut.into())
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn request(line: &str, port: u16, headers: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\nUser-Agent: bench\r\n{headers}\r\n")
        .into_bytes()
}

/// Reads a head, and tells the length of the body after it.
fn head(stream: &mut impl io::BufRead) -> io::Result<u64> {
    let (mut length, mut line, mut is_first) = (0, String::new(), true);
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if std::mem::take(&mut is_first) && line.starts_with("HTTP/") && !line.contains(" 200 ") {
            return Err(io::Error::other(line));
        }
        if line == "\r\n" {
            return Ok(length);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
}
