//! The bytes as they lie in the server.

use entrada_core::Fault;
use entrada_core::ports::AdapterError;

/// Encrypts where there is a key, and else hands the bytes through. What is encrypted is bound to its place, the key
/// in the server.
#[derive(Default)]
pub(crate) struct Seal {
    #[cfg(feature = "encryption")]
    key: Option<ring::aead::LessSafeKey>,
}

/// What begins an encrypted value: no JSON does.
const MARK: &[u8] = b"\0entrada1";

#[cfg(not(feature = "encryption"))]
impl Seal {
    pub(crate) fn close(&self, bytes: &[u8], _place: &str) -> Result<Vec<u8>, AdapterError> {
        Ok(bytes.to_vec())
    }

    pub(crate) fn open(&self, bytes: Vec<u8>, place: &str) -> Result<Vec<u8>, AdapterError> {
        if bytes.starts_with(MARK) { Err(unreadable(place)) } else { Ok(bytes) }
    }
}

#[cfg(feature = "encryption")]
impl Seal {
    /// AES-256-GCM.
    pub(crate) fn with_key(key: &[u8; 32]) -> Self {
        use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
        // Never without one where one was given.
        let key = UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are a key of AES-256");
        Self { key: Some(LessSafeKey::new(key)) }
    }

    /// Mark, nonce, ciphertext and tag.
    pub(crate) fn close(&self, bytes: &[u8], place: &str) -> Result<Vec<u8>, AdapterError> {
        use ring::aead::{Aad, NONCE_LEN, Nonce};
        let Some(key) = &self.key else { return Ok(bytes.to_vec()) };
        let mut nonce = [0; NONCE_LEN];
        crate::random(&mut nonce)?;
        // Room for all of it at once: what is left behind when it grows would be tokens.
        let mut sealed = Vec::with_capacity(bytes.len() + 16);
        sealed.extend_from_slice(bytes);
        let failed = |_| AdapterError::new(Fault::Other, "the token cache cannot be encrypted");
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .map_err(failed)?;
        Ok([MARK, &nonce, &sealed].concat())
    }

    /// What is not encrypted is taken as it is only where there is no key: else whoever can write to the server
    /// could plant tokens.
    pub(crate) fn open(&self, bytes: Vec<u8>, place: &str) -> Result<Vec<u8>, AdapterError> {
        use ring::aead::{Aad, NONCE_LEN, Nonce};
        let is_sealed = bytes.starts_with(MARK);
        let Some(key) = &self.key else {
            return if is_sealed { Err(unreadable(place)) } else { Ok(bytes) };
        };
        let sealed = bytes.strip_prefix(MARK).and_then(<[u8]>::split_first_chunk::<NONCE_LEN>);
        let Some((nonce, sealed)) = sealed else { return Err(unreadable(place)) };
        let mut sealed = sealed.to_vec();
        let opened = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place), &mut sealed)
            .map_err(|_| unreadable(place))?;
        let length = opened.len();
        sealed.truncate(length);
        Ok(sealed)
    }
}

/// Not [`Fault::Corrupt`]: what only this host cannot read is whole for the others, and must not be set aside.
fn unreadable(place: &str) -> AdapterError {
    AdapterError::new(
        Fault::Denied,
        format!(
            "the token cache at {place} cannot be decrypted, and is left alone: give the key that it \
             was saved with, or delete it and sign in again"
        ),
    )
}
