//! JSON Web Tokens, RS256 only (RFC 7515, RFC 7518 section 3.3), and the key set that publishes the key (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{rand::SystemRandom, rsa::PublicKeyComponents};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Base64url without padding (RFC 4648 section 5).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256, then base64url: the S256 transformation of RFC 7636 section 4.2.
pub(crate) fn sha256_base64url(text: &str) -> String {
    base64url(&Sha256::digest(text.as_bytes()))
}

/// Why a string is not a token of this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed,
    BadSignature,
}

pub(crate) struct SigningKey {
    pair: RsaKeyPair,
    kid: String,
    modulus: String,
    exponent: String,
}

impl SigningKey {
    /// The fixed key of `keys/signing.pk8`: public, worthless and quick to load.
    pub(crate) fn fixed() -> Self {
        let pair = RsaKeyPair::from_pkcs8(include_bytes!("../keys/signing.pk8")).expect("the committed key is good");
        let parts: PublicKeyComponents<Vec<u8>> = pair.public_key().into();
        let (modulus, exponent) = (base64url(&parts.n), base64url(&parts.e));
        // The thumbprint of RFC 7638: members in lexical order, no white space.
        let kid = sha256_base64url(&format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#));
        Self { pair, kid, modulus, exponent }
    }

    /// The JWKS document.
    pub(crate) fn jwks(&self, issuer: &str) -> Value {
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "x5t": self.kid,
            "n": self.modulus, "e": self.exponent, "issuer": issuer,
        }]})
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": self.kid, "x5t": self.kid});
        let input =
            format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .expect("an RSA key of 2048 bits signs");
        format!("{input}.{}", base64url(&signature))
    }

    /// The claims, once form, algorithm, key and signature are right.
    pub(crate) fn verify(&self, token: &str) -> Result<Value, Refusal> {
        let mut parts = token.split('.');
        let (Some(head), Some(body), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed);
        };
        let header = decode(head).ok_or(Refusal::Malformed)?;
        let claims = decode(body).ok_or(Refusal::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Malformed)?;
        if header["alg"] != "RS256" || header["kid"] != self.kid.as_str() {
            return Err(Refusal::BadSignature);
        }
        ring::signature::UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(format!("{head}.{body}").as_bytes(), &signature)
            .map_err(|_| Refusal::BadSignature)?;
        Ok(claims)
    }
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok().filter(Value::is_object)
}

/// The claims of a token, unverified: for tests and for the app behind the proxy, which trusts the proxy.
pub fn decode_claims(token: &str) -> Option<Value> {
    decode(token.split('.').nth(1)?)
}
