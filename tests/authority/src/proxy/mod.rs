//! The application proxy: an edge that decides by a table, and a connector that forwards.

pub(crate) mod edge;
mod forward;
mod page;
mod sign_in_url;
pub(crate) mod table;
