//! entrada and [tower](https://docs.rs/tower): any HTTP service as a transport, and the Bearer as a layer.
//!
//! # A service as a transport
//!
//! [`ServiceTransport`] sends through whatever `Service<http::Request<_>>` there is: hyper's client, a stack of
//! layers, a test's own. So an HTTP stack needs no crate of its own here.
//!
//! ```
//! use entrada_core::ports::asynchronous::Clock;
//! use entrada_tower::{RequestBody, ServiceTransport};
//! use http::{Request, Response};
//! use tower_service::Service;
//!
//! fn transport<S, B>(service: S, clock: impl Clock + 'static) -> ServiceTransport<S>
//! where
//!     S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + Sync,
//! {
//!     ServiceTransport::new(service, clock)
//! }
//! ```
//!
//! # The Bearer as a layer
//!
//! [`BearerLayer`] gives a client that exists already the way to an app behind the proxy: it puts the Bearer on,
//! answers a claims challenge, and tells a refused token from a page.
//!
//! No runtime comes with this crate. With the feature `hyper`, errors of hyper are told apart by what happened.

mod bearer;
mod body;
mod incoming;
mod limit;
mod reason;
mod transport;

pub use bearer::{Bearer, BearerLayer, CloneBody, Cloned};
pub use body::RequestBody;
pub use reason::links;
pub use transport::ServiceTransport;

/// Any error, as tower's layers pass it on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
