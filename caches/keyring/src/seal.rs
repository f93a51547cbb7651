//! How the file is encrypted: AES-256-GCM (NIST SP 800-38D), with a random nonce for each save.
//!
//! `entrada sealed` NUL, the version 1, the id of the key (16 bytes), the nonce (12 bytes); then the encrypted cache and
//! its tag (16 bytes). All before the nonce is authenticated with it.

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::random;

const MAGIC: &[u8; 16] = b"entrada sealed\0\x01";
const ID_LENGTH: usize = 16;
const HEADER: usize = MAGIC.len() + ID_LENGTH;
pub(crate) const KEY_LENGTH: usize = 32;

/// Tells a key from others, and says nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyId([u8; ID_LENGTH]);

impl KeyId {
    pub(crate) fn new() -> Result<Self, AdapterError> {
        let mut id = [0; ID_LENGTH];
        random::fill(&mut id)?;
        Ok(Self(id))
    }

    /// The name of the key's entry in the keyring.
    pub(crate) fn entry(self) -> String {
        format!("key-{}", random::to_hex(&self.0))
    }
}

/// A key, wiped when it is dropped.
pub(crate) struct Key(Zeroizing<[u8; KEY_LENGTH]>);

impl Key {
    pub(crate) fn new() -> Result<Self, AdapterError> {
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        random::fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        if bytes.len() != KEY_LENGTH {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &*self.0
    }

    /// Lives for one use: ring does not wipe its own copy.
    fn aead(&self) -> Result<LessSafeKey, AdapterError> {
        UnboundKey::new(&AES_256_GCM, self.bytes()).map(LessSafeKey::new).map_err(|_| failed())
    }
}

/// The id of the key that the file was encrypted with.
pub(crate) fn key_id(sealed: &[u8]) -> Result<KeyId, Unreadable> {
    let rest = sealed.strip_prefix(MAGIC).ok_or_else(|| without_magic(sealed))?;
    let id = rest.first_chunk().ok_or(Unreadable::Damaged)?;
    Ok(KeyId(*id))
}

/// Why a file cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is a cache as it stands.
    Plain,
    /// It is of a version that is not known yet.
    Newer,
    /// It is truncated or changed, or never was an encrypted cache.
    Damaged,
}

fn without_magic(bytes: &[u8]) -> Unreadable {
    let name = &MAGIC[..MAGIC.len() - 1];
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if text.starts_with(b"{") {
        Unreadable::Plain
    } else if bytes.strip_prefix(name).and_then(<[u8]>::first).is_some_and(|version| *version > MAGIC[name.len()]) {
        Unreadable::Newer
    } else {
        Unreadable::Damaged
    }
}

pub(crate) fn seal(id: KeyId, key: &Key, bytes: &[u8]) -> Result<Vec<u8>, AdapterError> {
    let mut nonce = [0; NONCE_LEN];
    random::fill(&mut nonce)?;
    let aead = key.aead()?;
    // Of the size that it will have: to grow would leave a copy of the tokens behind.
    let mut sealed = Vec::with_capacity(HEADER + NONCE_LEN + bytes.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(MAGIC);
    sealed.extend_from_slice(&id.0);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(bytes);
    let (header, body) = sealed.split_at_mut(HEADER);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = aead.seal_in_place_separate_tag(nonce, Aad::from(&*header), &mut body[NONCE_LEN..]);
    let tag = tag.map_err(|_| failed())?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// The cache's bytes; `None` where the file was changed, or the key is another one.
pub(crate) fn open(key: &Key, mut sealed: Vec<u8>) -> Result<Option<Vec<u8>>, AdapterError> {
    let aead = key.aead()?;
    let Some((header, rest)) = sealed.split_at_mut_checked(HEADER) else { return Ok(None) };
    let Some((nonce, body)) = rest.split_first_chunk_mut::<NONCE_LEN>() else { return Ok(None) };
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let Ok(opened) = aead.open_in_place(nonce, Aad::from(&*header), body) else { return Ok(None) };
    let length = opened.len();
    sealed.copy_within(HEADER + NONCE_LEN..HEADER + NONCE_LEN + length, 0);
    sealed.truncate(length);
    Ok(Some(sealed))
}

fn failed() -> AdapterError {
    AdapterError::new(Fault::Other, "the token cache cannot be encrypted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(bytes: &[u8]) -> (Key, Vec<u8>) {
        let key = Key::new().unwrap();
        let sealed = seal(KeyId([7; ID_LENGTH]), &key, bytes).unwrap();
        (key, sealed)
    }

    #[test]
    fn what_was_sealed_is_opened_and_never_looks_the_same() {
        for bytes in [&b""[..], b"{}", &[0; 100_000]] {
            let (key, first) = sealed(bytes);
            assert_eq!(key_id(&first), Ok(KeyId([7; ID_LENGTH])));
            assert_ne!(seal(KeyId([7; ID_LENGTH]), &key, bytes).unwrap(), first);
            assert_eq!(open(&key, first).unwrap().unwrap(), bytes);
        }
    }

    #[test]
    fn not_a_bit_may_be_changed_and_not_a_byte_cut_off() {
        let (key, whole) = sealed(b"{\"AccessToken\":{}}");
        for index in 0..whole.len() {
            let mut changed = whole.clone();
            changed[index] ^= 1;
            assert!(key_id(&changed).is_err() || open(&key, changed).unwrap().is_none(), "byte {index}");
            let cut = whole[..index].to_vec();
            assert!(key_id(&cut).is_err() || open(&key, cut).unwrap().is_none(), "cut at {index}");
        }
        assert!(open(&Key::new().unwrap(), whole).unwrap().is_none(), "nor with another key");
    }

    #[test]
    fn what_is_not_encrypted_is_told_apart() {
        assert_eq!(key_id(b"\xef\xbb\xbf {\"AccessToken\":{}}"), Err(Unreadable::Plain));
        assert_eq!(key_id(b"entrada sealed\0\x02...."), Err(Unreadable::Newer));
        assert_eq!(key_id(b"entrada sea"), Err(Unreadable::Damaged));
        assert_eq!(key_id(b"rubbish"), Err(Unreadable::Damaged));
    }
}
