//! Which root certificates are trusted.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// The certificates that are trusted besides the system's.
#[derive(Debug, Default)]
pub(crate) struct ExtraRoots {
    certificates: Vec<CertificateDer<'static>>,
}

impl ExtraRoots {
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<(), AdapterError> {
        let what = format!("the CA file {}", path.display());
        let pem =
            std::fs::read(path).map_err(|error| AdapterError::io(format_args!("{what} cannot be read"), error))?;
        self.add_pem(&what, &pem)
    }

    /// `what` is what the certificates came from, for the error's sentence.
    pub(crate) fn add_pem(&mut self, what: &str, pem: &[u8]) -> Result<(), AdapterError> {
        let corrupt = |text: String| AdapterError::new(Fault::Corrupt, text);
        let before = self.certificates.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| corrupt(format!("{what}: not proper PEM: {error}")))?;
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|error| corrupt(format!("{what}: a certificate in it cannot be used: {error}")))?;
            self.certificates.push(certificate);
        }
        if self.certificates.len() == before {
            return Err(corrupt(format!(
                "{what}: there is no certificate in it; expected is PEM, with lines that say BEGIN CERTIFICATE"
            )));
        }
        Ok(())
    }

    /// These and the system's, which are loaded now.
    fn with_system(&self) -> Result<RootCertStore, Error> {
        let system = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.certificates.iter().cloned().chain(system.certs));
        if roots.is_empty() {
            let why = system.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
            return Err(Error::General(format!(
                "this system has no root certificates{why}, so no https site can be trusted: \
                 install its ca-certificates, point SSL_CERT_FILE to them, or give a CA file (`--ca`)"
            )));
        }
        Ok(roots)
    }
}

/// TLS by ring, which trusts these and the system's roots.
pub(crate) fn tls(roots: ExtraRoots) -> Result<ClientConfig, AdapterError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(LazyRoots { roots, provider: Arc::clone(&provider), loaded: Mutex::default() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| AdapterError::new(Fault::Other, format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    if cfg!(feature = "http2") {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    Ok(config)
}

/// rustls' own verifier, made at the first handshake: a program that needs no network does not load the roots.
#[derive(Debug)]
struct LazyRoots {
    roots: ExtraRoots,
    provider: Arc<CryptoProvider>,
    loaded: Mutex<Option<Arc<WebPkiServerVerifier>>>,
}

impl LazyRoots {
    /// The lock is held while the roots load: parallel first handshakes load them once.
    fn verifier(&self) -> Result<Arc<WebPkiServerVerifier>, Error> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verifier) = &*loaded {
            return Ok(Arc::clone(verifier));
        }
        let roots = Arc::new(self.roots.with_system()?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&self.provider)).build();
        let verifier = verifier.map_err(|error| Error::General(error.to_string()))?;
        Ok(Arc::clone(loaded.insert(verifier)))
    }
}

impl ServerCertVerifier for LazyRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why there is no TLS.
pub(crate) fn not_trusted(error: &Error) -> String {
    let text = match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate was issued by nobody whom this system trusts: if it is from a private CA, give that CA's \
             certificate (`--ca FILE`, or SSL_CERT_FILE)"
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another name: check the spelling of the host",
        Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => "its certificate is not valid today: check this system's clock, or have it renewed",
        Error::InvalidCertificate(reason) => return format!("its certificate cannot be accepted: {reason}"),
        Error::InvalidMessage(_) => "it does not speak TLS: is it http, not https?",
        Error::General(sentence) => sentence,
        other => return format!("no TLS with it: {other}"),
    };
    text.to_owned()
}
