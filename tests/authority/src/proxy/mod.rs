//! The application proxy: an edge that decides by a table, and a connector that forwards.

pub(crate) mod edge;
mod forward;
mod page;
pub(crate) mod table;
