//! The command as a process: what it takes, prints and returns, and what the servers saw of it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

mod support;

mod accounts;
mod answers;
mod authority;
mod bodies;
mod claims;
mod config;
mod crowd;
mod curl;
mod device;
mod discovery;
mod doctor;
mod downloads;
mod exec;
mod forwarded;
mod forwarded_git;
mod git;
mod hostile;
mod keyring;
mod login;
mod network;
mod paste;
mod proxy;
mod redirects;
mod refusals;
mod secrets;
mod settings;
mod setup;
mod statuses;
mod store;
mod surface;
mod terminal;
mod token;
mod unread;
