//! Identifiers and handles that cannot be guessed.

use crate::jwt::base64url;
use ring::rand::{SecureRandom, SystemRandom};

fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    SystemRandom::new().fill(&mut out).expect("the system has randomness");
    out
}

/// A random GUID in lower case, `8-4-4-4-12`.
pub(crate) fn guid() -> String {
    let mut b = bytes::<16>();
    b[6] = b[6] & 0x0f | 0x40;
    b[8] = b[8] & 0x3f | 0x80;
    let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// 32 random bytes in base64url behind a prefix, such as `1.A` for a refresh token.
pub(crate) fn handle(prefix: &str) -> String {
    format!("{prefix}{}", base64url(&bytes::<32>()))
}

/// The code that a user types on the device page: nine letters and digits that are not mistaken for one another.
pub(crate) fn user_code() -> String {
    const SET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    bytes::<9>().iter().map(|b| SET[*b as usize & 31] as char).collect()
}
