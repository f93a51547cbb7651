//! Which root certificates are trusted.

use std::path::Path;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts};

/// The certificates that are trusted besides the system's.
#[derive(Default)]
pub(crate) struct ExtraRoots {
    certificates: Vec<Certificate<'static>>,
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
            // ureq would leave a certificate out without a word: so it is tried here.
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|error| corrupt(format!("{what}: a certificate in it cannot be used: {error}")))?;
            self.certificates.push(Certificate::from_der(&certificate).to_owned());
        }
        if self.certificates.len() == before {
            return Err(corrupt(format!(
                "{what}: there is no certificate in it; expected is PEM, with lines that say BEGIN CERTIFICATE"
            )));
        }
        Ok(())
    }

    /// These and the system's, which are loaded now.
    pub(crate) fn with_system(&self) -> Result<RootCerts, AdapterError> {
        let system = rustls_native_certs::load_native_certs();
        if system.certs.is_empty() && self.certificates.is_empty() {
            let why = system.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
            return Err(AdapterError::new(
                Fault::Untrusted,
                format!(
                    "this system has no root certificates{why}, so no https site can be trusted: \
                     install its ca-certificates, point SSL_CERT_FILE to them, or give a CA file (`--ca`)"
                ),
            ));
        }
        let system = system.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
        Ok(RootCerts::from(system.chain(self.certificates.iter().cloned())))
    }
}
