//! A watch over all that is printed: no secret that went through the world may be seen in it.

use std::fmt::Debug;

use serde_json::Value;

#[derive(Default)]
pub(crate) struct Watch {
    /// Each as text, and as a list of bytes is printed.
    secrets: Vec<(String, String)>,
}

impl Watch {
    /// Takes a secret down.
    pub(crate) fn keep(&mut self, secret: &str) {
        if !secret.is_empty() && !self.secrets.iter().any(|(known, _)| known == secret) {
            let bytes = format!("{:?}", secret.as_bytes());
            self.secrets.push((secret.into(), bytes.trim_matches(['[', ']']).into()));
        }
    }

    /// Takes all the secrets of a cache down.
    pub(crate) fn keep_cached(&mut self, cache: Option<&[u8]>) {
        let cached: Value = cache.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        for section in ["AccessToken", "RefreshToken", "IdToken"] {
            for (_, entry) in cached[section].as_object().into_iter().flatten() {
                self.keep(entry["secret"].as_str().unwrap_or_default());
            }
        }
    }

    /// Fails where a secret is printed, as text or as a list of bytes.
    #[track_caller]
    pub(crate) fn looks_at(&self, what: &dyn Debug) {
        let plain = format!("{what:?}");
        for (text, bytes) in &self.secrets {
            assert!(!plain.contains(text) && !plain.contains(bytes), "{text} is printed: {plain}");
        }
    }
}
