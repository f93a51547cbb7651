//! The public client that asks.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::{Authority, Error};

/// A native (public) client: its id, and the authority that it is registered with.
///
/// A copy costs next to nothing.
#[derive(Clone, Debug)]
pub struct App(Arc<Registration>);

#[derive(Clone, Debug)]
struct Registration {
    client_id: String,
    authority: Authority,
    capabilities: Vec<String>,
    client_os: Option<String>,
}

impl App {
    /// A client id as the registration shows it (a GUID at Entra), and an authority.
    ///
    /// Fails where the id is empty or has characters that no client id has (RFC 6749 A.1).
    pub fn new(client_id: impl Into<String>, authority: Authority) -> Result<Self, Error> {
        let client_id = client_id.into();
        if client_id.is_empty() || !client_id.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
            return Err(Error::Config(format!(
                "the client id {client_id:?} is not one: copy the Application (client) ID of the native registration"
            )));
        }
        Ok(Self(Arc::new(Registration { client_id, authority, capabilities: Vec::new(), client_os: None })))
    }

    /// Declares client capabilities, such as `cp1`: the app behind can then challenge for claims at any time.
    ///
    /// Whoever declares `cp1` must answer such challenges for every app that is called
    /// (identity-platform/claims-challenge).
    pub fn capabilities<S: Into<String>>(mut self, capabilities: impl IntoIterator<Item = S>) -> Self {
        Arc::make_mut(&mut self.0).capabilities = capabilities.into_iter().map(Into::into).collect();
        self
    }

    /// The operating system to name to Microsoft's authorities (`x-client-OS`), for support; the one that this was
    /// built for if not said. Where devices of a kind are told apart, name the kind. Characters that no header can
    /// carry are left out.
    pub fn client_os(mut self, name: &str) -> Self {
        let fits = |c: &char| *c == ' ' || c.is_ascii_graphic();
        Arc::make_mut(&mut self.0).client_os = Some(name.chars().filter(fits).collect::<String>().trim().into());
        self
    }

    /// The same client in another tenant of its authority; see [`Authority::in_tenant`].
    pub fn in_tenant(&self, tenant: &str) -> Result<Self, Error> {
        let mut other = self.clone();
        Arc::make_mut(&mut other.0).authority = self.0.authority.in_tenant(tenant)?;
        Ok(other)
    }

    pub(crate) fn declared_capabilities(&self) -> &[String] {
        &self.0.capabilities
    }

    pub(crate) fn named_os(&self) -> Option<&str> {
        self.0.client_os.as_deref()
    }

    /// The client id.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// The authority.
    pub fn authority(&self) -> &Authority {
        &self.0.authority
    }
}
