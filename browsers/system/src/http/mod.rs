//! One request of whoever connected: reading it, judging it, answering it.

mod answer;
mod chunked;
mod judge;
mod request;

pub(crate) use answer::Answer;
pub(crate) use judge::{Address, Verdict, judge};
pub(crate) use request::{Refusal, Request};
