//! The client library's errors, for the core and for people.
//!
//! A server repeats a command that it does not know, tokens and all: of its errors only the code is told.

use std::error::Error;
use std::fmt;
use std::io;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

pub(crate) fn of(doing: impl fmt::Display, place: &str, error: &RedisError) -> AdapterError {
    let (fault, why) = explained(error);
    AdapterError::new(fault, format!("{doing} at the Redis server {place}: {why}"))
}

fn explained(error: &RedisError) -> (Fault, String) {
    match error.kind() {
        ErrorKind::AuthenticationFailed => denied("it refuses the user name or the password of the URL"),
        ErrorKind::Io => explained_io(error),
        ErrorKind::InvalidClientConfig => {
            (Fault::Other, "the URL asks for what this program was built without, or cannot be used: for TLS it takes the feature `tls`".into())
        }
        ErrorKind::ClusterConnectionNotFound => {
            (Fault::Unreachable, "no node of the cluster can be reached, or none lets this user in".into())
        }
        ErrorKind::Server(ServerErrorKind::NoPerm) => no_permission(),
        ErrorKind::Server(ServerErrorKind::ResponseError) => response(error),
        ErrorKind::Server(ServerErrorKind::ReadOnly) => coded("READONLY"),
        ErrorKind::Server(ServerErrorKind::BusyLoading) => {
            (Fault::Unreachable, "it is still loading its data (LOADING): try again".into())
        }
        ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask) => (
            Fault::Other,
            "it is one node of a cluster: open it with `RedisServer::cluster` (the feature `cluster`)".into(),
        ),
        ErrorKind::Server(
            ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown | ServerErrorKind::TryAgain,
        ) => (Fault::Unreachable, "its cluster is not whole at present: try again".into()),
        ErrorKind::UnexpectedReturnType | ErrorKind::Parse => {
            (Fault::Corrupt, "its answer cannot be read: is it a Redis server, and the value the token cache's?".into())
        }
        _ => coded(error.code().unwrap_or_default()),
    }
}

fn coded(code: &str) -> (Fault, String) {
    match code {
        "WRONGTYPE" => (
            Fault::Corrupt,
            "what is at the key is not a token cache (WRONGTYPE), and is left alone: choose another prefix".into(),
        ),
        "NOAUTH" => denied("it wants a password (NOAUTH): give one in its URL"),
        "WRONGPASS" => denied("it refuses the user name or the password of the URL (WRONGPASS)"),
        "NOPERM" => no_permission(),
        "READONLY" => denied("it is a replica that takes no writes: connect to the primary"),
        "OOM" => denied("its memory is full (OOM): give it more, or let it evict keys that expire"),
        "MISCONF" => denied("it cannot persist its data and takes no writes (MISCONF): see its log"),
        "NOREPLICAS" => denied("too few replicas are there for it to take writes (NOREPLICAS)"),
        code => (Fault::Other, format!("it refuses the command ({code})")),
    }
}

/// `ERR`: what ran inside a script tells its own code in the text, which itself is not repeated.
fn response(error: &RedisError) -> (Fault, String) {
    let detail = error.detail().unwrap_or_default();
    match ["WRONGTYPE", "NOPERM", "OOM", "MISCONF", "READONLY"].into_iter().find(|code| detail.contains(code)) {
        Some(code) => coded(code),
        None if detail.contains("can't run this command") => no_permission(),
        None => coded("ERR"),
    }
}

fn denied(why: &str) -> (Fault, String) {
    (Fault::Denied, why.into())
}

fn no_permission() -> (Fault, String) {
    denied(
        "its ACL does not let this user do it (NOPERM): the commands and keys that are needed stand in the crate's documentation",
    )
}

fn explained_io(error: &RedisError) -> (Fault, String) {
    if error.is_timeout() {
        return (Fault::TimedOut, "no answer within the time allowed".into());
    }
    let text = error.to_string();
    let is_tls = ["certificate", "TLS", "tls", "handshake", "peer"].iter().any(|word| text.contains(word));
    let kind = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    let fault = match kind {
        _ if is_tls => Fault::Untrusted,
        Some(io::ErrorKind::PermissionDenied) => Fault::Denied,
        Some(io::ErrorKind::InvalidData) => Fault::Untrusted,
        _ => Fault::Unreachable,
    };
    (fault, text)
}
