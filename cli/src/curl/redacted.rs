//! `-v` without the token: what curl says on standard error, with it taken out.

use std::io::{self, ErrorKind, Read, Write};

/// What stands in its place.
const INSTEAD: &[u8] = b"[the token]";
/// So much of the token's beginning gives it away: curl may cut a long line.
const GIVES_AWAY: usize = 16;

/// Copies what is read, as it comes, but for the token.
pub(super) fn copy(from: &mut impl Read, to: &mut impl Write, token: &str) -> io::Result<()> {
    let mut filter = Filter { beginning: &token.as_bytes()[..token.len().min(GIVES_AWAY)], held: 0, within: false };
    let mut buffer = [0; 8192];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&filter.passed(&buffer[..count]))?;
        to.flush()?;
    }
    to.write_all(&filter.beginning[..filter.held])
}

struct Filter<'a> {
    beginning: &'a [u8],
    /// So many bytes of the beginning have been seen last, and not been passed on.
    held: usize,
    /// The beginning has been seen: what is left of the token is left out.
    within: bool,
}

impl Filter<'_> {
    fn passed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if self.within && (byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
                continue;
            }
            self.within = false;
            self.next(byte, &mut out);
        }
        out
    }

    fn next(&mut self, byte: u8, out: &mut Vec<u8>) {
        let mut seen = self.beginning[..self.held].to_vec();
        seen.push(byte);
        // The longest end of what was seen with which the token begins is held back.
        let from = (0..seen.len()).find(|from| self.beginning.starts_with(&seen[*from..])).unwrap_or(seen.len());
        out.extend_from_slice(&seen[..from]);
        self.held = seen.len() - from;
        if self.held == self.beginning.len() {
            out.extend_from_slice(INSTEAD);
            self.held = 0;
            self.within = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(text: &str, token: &str) -> String {
        struct ByteByByte<'a>(&'a [u8]);
        impl Read for ByteByByte<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0.read(&mut buffer[..1])
            }
        }
        let (mut whole, mut slow) = (Vec::new(), Vec::new());
        copy(&mut text.as_bytes(), &mut whole, token).unwrap();
        copy(&mut ByteByByte(text.as_bytes()), &mut slow, token).unwrap();
        assert_eq!(whole, slow);
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn the_token_is_taken_out_wherever_it_stands() {
        let token = "eyJeyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.payload-_.signature";
        let said = format!("> Authorization: Bearer {token}\r\n> X: {token}\"\n");
        assert_eq!(copied(&said, token), "> Authorization: Bearer [the token]\r\n> X: [the token]\"\n");
        assert_eq!(copied(&format!("[{}...]", &token[..30]), token), "[[the token]]", "also where curl has cut it");
        assert_eq!(copied(&format!("eyJeyJ{token} eyJ"), token), "eyJeyJ[the token] eyJ");
        assert_eq!(copied("eyJ0 and eyJeyJ0eXAiO", token), "eyJ0 and eyJeyJ0eXAiO", "and nothing else is");
        assert_eq!(copied("a short one b", "short"), "a [the token] one b");
    }
}
