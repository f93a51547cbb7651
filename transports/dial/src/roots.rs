//! Which root certificates are trusted.

use std::path::Path;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The certificates that are trusted besides the system's.
#[derive(Debug, Default)]
pub struct Roots {
    certificates: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Adds those in this PEM file.
    ///
    /// Fails where it is missing ([`Fault::NotFound`]), cannot be read ([`Fault::Denied`]), or has no certificate in
    /// it ([`Fault::Corrupt`]).
    pub fn add_file(&mut self, path: &Path) -> Result<(), AdapterError> {
        let what = format!("the CA file {}", path.display());
        let pem =
            std::fs::read(path).map_err(|error| AdapterError::io(format_args!("{what} cannot be read"), error))?;
        self.add_pem(&what, &pem)
    }

    /// Adds these PEM certificates; `what` is where they came from, for the error's sentence.
    ///
    /// Fails with [`Fault::Corrupt`] where there is none, or one that cannot be used.
    pub fn add_pem(&mut self, what: &str, pem: &[u8]) -> Result<(), AdapterError> {
        let corrupt = |text: String| AdapterError::new(Fault::Corrupt, text);
        let before = self.certificates.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| corrupt(format!("{what}: not proper PEM: {error}")))?;
            // Some libraries leave a certificate out without a word: so it is tried here.
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

    /// These and the system's, which are loaded now: it takes some milliseconds.
    ///
    /// The system's are those of `SSL_CERT_FILE` and `SSL_CERT_DIR` where these variables are set. Fails with
    /// [`Fault::Untrusted`] where there is none at all.
    pub fn with_system(&self) -> Result<Vec<CertificateDer<'static>>, AdapterError> {
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
        Ok(system.certs.into_iter().chain(self.certificates.iter().cloned()).collect())
    }
}
