//! Certificate authorities that live as long as the stage, and certificates for its names.

use crate::server::Role;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::{io, sync::Arc};

/// What both ends of a TLS connection on the stage need.
#[derive(Clone)]
pub(crate) struct Tls {
    server: Arc<ServerConfig>,
    /// The published apps', where it has another certificate authority.
    private: Option<Arc<ServerConfig>>,
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) ca_pem: String,
    pub(crate) private_ca_pem: Option<String>,
}

impl Tls {
    /// A certificate for `localhost`, 127.0.0.1 and these names; two where the published apps' comes from elsewhere.
    pub(crate) fn make(names: Vec<String>, private_ca: bool) -> io::Result<Self> {
        let mut subjects = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        subjects.extend(names);
        let ca = authority("entrada test authority")?;
        let server = server(&ca, &subjects)?;
        let (private, private_ca_pem) = if private_ca {
            let ca = authority("Contoso internal authority")?;
            (Some(self::server(&ca, &subjects)?), Some(ca.pem()))
        } else {
            (None, None)
        };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(ca.der().to_vec())).map_err(io::Error::other)?;
        let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { server, private, client: Arc::new(client), ca_pem: ca.pem(), private_ca_pem })
    }

    pub(crate) fn server_of(&self, role: Role) -> &Arc<ServerConfig> {
        self.private.as_ref().filter(|_| role == Role::Proxy).unwrap_or(&self.server)
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> io::Result<Authority> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(io::Error::other)?).map_err(io::Error::other)
}

fn server(ca: &Authority, subjects: &[String]) -> io::Result<Arc<ServerConfig>> {
    let mut params = CertificateParams::new(subjects).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let leaf = params.signed_by(&key, ca).map_err(io::Error::other)?;
    let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
    let mut server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .map_err(io::Error::other)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}
