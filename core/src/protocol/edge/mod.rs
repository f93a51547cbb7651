//! The application proxy's edge: what comes back from it, read; and whom to ask for tokens, learnt from it.
//!
//! The edge answers a missing and a refused token alike, with a redirect to sign-in, and has pages of its own for what
//! goes wrong behind it. Its status codes and headers are known from reports alone (Microsoft documents the words on the
//! pages), so that everything here decides on more than one mark and passes over what it does not know.

mod answer;
mod headers;
mod published;
mod redirect;
mod refused;
mod settling;
mod trouble;

pub use answer::{EdgeAnswer, GatewayPage, GatewayTrouble};
pub use headers::EdgeHeaders;
pub use published::PublishedApp;
pub use redirect::EdgeRedirect;
pub use refused::ProxyRefused;
pub use settling::Settling;
pub use trouble::{DiscoveryError, DiscoveryTrouble};
