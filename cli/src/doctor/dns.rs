//! As much of DNS as it takes to follow a name's CNAMEs (RFC 1035): one question over UDP to the system's servers.
//!
//! The system's own resolver tells addresses alone, and only a name server says by which names they were come to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use entrada::SystemEntropy;
use entrada::ports::blocking::Entropy;

const PORT: u16 = 53;
const TIMEOUT: Duration = Duration::from_secs(2);
/// As the system's resolver has it.
const MOST_SERVERS: usize = 3;
/// What is sent over UDP without more being agreed (RFC 1035 2.3.4); a longer answer is cut, and its beginning counts.
const MOST_BYTES: usize = 512;
/// A name has 127 labels at most, each of which may lie elsewhere.
const MOST_STEPS: usize = 256;
const MOST_ALIASES: usize = 16;

const A: u16 = 1;
const CNAME: u16 = 5;
const INTERNET: u16 = 1;

/// The name servers of `/etc/resolv.conf`.
pub(super) fn servers(resolv_conf: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        let word = words.next().filter(|word| *word == "nameserver").and_then(|_| words.next())?;
        word.split('%').next()?.parse::<IpAddr>().ok()
    };
    resolv_conf.lines().filter_map(address).take(MOST_SERVERS).map(|address| (address, PORT).into()).collect()
}

/// The names that a name is an alias of, one after the other, as the first server that answers has them.
pub(super) fn aliases(name: &str, servers: &[SocketAddr]) -> io::Result<Vec<String>> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no name server is known");
    for server in servers {
        match ask(name, *server) {
            Ok(aliases) => return Ok(aliases),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask(name: &str, server: SocketAddr) -> io::Result<Vec<String>> {
    let mut id = [0; 2];
    SystemEntropy.fill(&mut id).map_err(io::Error::other)?;
    let question = question(name, id).ok_or_else(|| invalid("that is no name of a host"))?;
    let unspecified: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((unspecified, 0))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.connect(server)?;
    socket.send(&question)?;
    let mut buffer = [0; MOST_BYTES];
    let count = socket.recv(&mut buffer)?;
    read(&buffer[..count], &question).map(|answers| chain(name, &answers))
}

/// A question for the addresses of a name, with recursion wanted.
fn question(name: &str, id: [u8; 2]) -> Option<Vec<u8>> {
    let mut message = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        message.push(length);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend_from_slice(&A.to_be_bytes());
    message.extend_from_slice(&INTERNET.to_be_bytes());
    (message.len() <= MOST_BYTES).then_some(message)
}

/// The aliases in an answer, each with what it is an alias of.
fn read(message: &[u8], question: &[u8]) -> io::Result<Vec<(String, String)>> {
    let head = message.get(..12).ok_or_else(|| invalid("the answer is too short"))?;
    if head[..2] != question[..2] || head[2] & 0x80 == 0 {
        return Err(invalid("the answer is to another question"));
    }
    match head[3] & 0x0f {
        0 => {}
        3 => return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such name")),
        code => return Err(io::Error::other(format!("the name server answered with the code {code}"))),
    }
    let mut at = 12;
    for _ in 0..number(message, 4)? {
        at = name_at(message, at)?.1 + 4;
    }
    let mut found = Vec::new();
    for _ in 0..number(message, 6)? {
        // An answer that was cut ends somewhere in here.
        let Ok((owner, after)) = name_at(message, at) else { break };
        let (Ok(kind), Ok(length)) = (number(message, after), number(message, after + 8)) else { break };
        let data = after + 10;
        if kind == CNAME {
            let Ok((target, _)) = name_at(message, data) else { break };
            found.push((owner, target));
        }
        at = data + usize::from(length);
    }
    Ok(found)
}

/// From alias to alias, beginning with the name; a circle ends where it closes.
fn chain(name: &str, aliases: &[(String, String)]) -> Vec<String> {
    let mut chain: Vec<String> = Vec::new();
    let mut current = name.trim_end_matches('.').to_ascii_lowercase();
    while let Some((_, target)) = aliases.iter().find(|(owner, _)| *owner == current) {
        if chain.len() == MOST_ALIASES || chain.contains(target) {
            break;
        }
        chain.push(target.clone());
        current.clone_from(target);
    }
    chain
}

/// The name that begins there, in lower case, and where what follows it begins.
fn name_at(message: &[u8], mut at: usize) -> io::Result<(String, usize)> {
    let mut name = String::new();
    let mut end = None;
    for _ in 0..MOST_STEPS {
        let length = usize::from(*message.get(at).ok_or_else(cut)?);
        match length {
            0 => return Ok((name, end.unwrap_or(at + 1))),
            // The rest of the name stands elsewhere.
            0xc0..=0xff => {
                end = end.or(Some(at + 2));
                at = usize::from(number(message, at)? & 0x3fff);
            }
            1..=63 => {
                let label = message.get(at + 1..at + 1 + length).ok_or_else(cut)?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(&String::from_utf8_lossy(label).to_ascii_lowercase());
                at += 1 + length;
            }
            _ => return Err(invalid("the answer has a label of an unknown kind")),
        }
    }
    Err(invalid("the answer has a name without an end"))
}

fn number(message: &[u8], at: usize) -> io::Result<u16> {
    match message.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(cut()),
    }
}

fn cut() -> io::Error {
    invalid("the answer ends too early")
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const HR: &str = "hr.contoso.example";

    /// `owner` is an alias of `target`: names written out, or as a pointer to an offset.
    fn alias(owner: &[u8], target: &[u8]) -> Vec<u8> {
        let length = u16::try_from(target.len()).unwrap().to_be_bytes();
        [owner, &CNAME.to_be_bytes(), &INTERNET.to_be_bytes(), &[0, 0, 0, 60], &length, target].concat()
    }

    fn answer(question: &[u8], records: &[Vec<u8>]) -> Vec<u8> {
        let mut message = question.to_vec();
        message[2] = 0x81;
        message[3] = 0x80;
        message[7] = u8::try_from(records.len()).unwrap();
        message.extend(records.concat());
        message
    }

    fn written(name: &str) -> Vec<u8> {
        let question = question(name, [0, 0]).unwrap();
        question[12..question.len() - 4].to_vec()
    }

    /// A name server on loopback, for one question.
    fn server(respond: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; MOST_BYTES];
            let (count, from) = socket.recv_from(&mut buffer).unwrap();
            socket.send_to(&respond(&buffer[..count]), from).unwrap();
        });
        address
    }

    #[test]
    fn the_chain_of_aliases_is_followed_to_its_end() {
        let proxy = "hr-contoso.msappproxy.net";
        let address = server(move |question| {
            // The question's name is at 12: the first alias is its, and the second one's owner is written out.
            let records = [
                alias(&[0xc0, 12], &written("HR-Contoso.msappproxy.net")),
                alias(&written(proxy), &written("edge.example")),
            ];
            answer(question, &records)
        });
        assert_eq!(aliases(HR, &[address]).unwrap(), [proxy, "edge.example"]);
    }

    #[test]
    fn a_server_that_does_not_know_gives_way_to_the_next() {
        let refuses = |code: u8| {
            server(move |question| {
                let mut message = answer(question, &[]);
                message[3] = 0x80 | code;
                message
            })
        };
        let knows = server(|question| answer(question, &[]));
        assert_eq!(aliases(HR, &[refuses(2), knows]).unwrap(), [""; 0]);
        assert_eq!(aliases(HR, &[refuses(3)]).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(aliases(HR, &[]).is_err());
        assert!(aliases("a..b", &[refuses(0)]).is_err() && aliases(&"a".repeat(64), &[refuses(0)]).is_err());
    }

    #[test]
    fn no_answer_leads_astray() {
        let question = question(HR, [7, 7]).unwrap();
        let whole = answer(&question, &[alias(&[0xc0, 12], &written("a.example"))]);
        assert_eq!(read(&whole, &question).unwrap(), [(HR.to_owned(), "a.example".to_owned())]);
        // Every beginning of it, and every byte of it changed in every bit: no panic, and an end.
        for end in 0..whole.len() {
            let _ = read(&whole[..end], &question);
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                let _ = read(&changed, &question);
            }
        }
        // A pointer to itself, and two to each other.
        for (owner, at) in [([0xc0, question.len() as u8], 0), ([0xc0, question.len() as u8 + 2], 2)] {
            let mut circle = answer(&question, &[alias(&owner, &[0xc0, question.len() as u8])]);
            circle.splice(question.len() + at..question.len() + at, []);
            assert!(read(&circle, &question).unwrap().len() < 2);
        }
        let other = answer(&super::question(HR, [7, 8]).unwrap(), &[]);
        assert!(read(&other, &question).is_err(), "an answer to another question");
        assert!(read(&question, &question).is_err(), "a question");
        let circle = [("a", "b"), ("b", "a")].map(|(owner, target)| (owner.to_owned(), target.to_owned()));
        assert_eq!(chain("a", &circle), ["b", "a"]);
    }

    #[test]
    fn servers_are_those_of_the_file() {
        let file = "# comment\nnameserver 10.0.0.1\nsearch x\n nameserver fe80::1%eth0\nnameserver nonsense\nnameserver ::1\nnameserver 9.9.9.9";
        let found: Vec<String> = servers(file).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.1:53", "[fe80::1]:53", "[::1]:53"]);
    }
}
