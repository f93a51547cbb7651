//! The main job with each transport and each cache, among programs that others wrote: sign in with a real browser, call
//! a real resource server, come back later, be refused in the end.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

#[path = "adapters/asynchronous.rs"]
mod asynchronous;
#[path = "adapters/blocking.rs"]
mod blocking;
#[path = "adapters/house.rs"]
mod house;
#[path = "../../../caches/redis/tests/redis/server.rs"]
#[allow(dead_code, reason = "the redis cache's own tests ask more of it")]
mod redis_server;

use std::process::Command;
use std::sync::Arc;

use entrada::file_cache::FileCache;
use entrada::keyring_cache::{EncryptedFileCache, Keyring, KeyringCache};
use entrada::memory_cache::MemoryCache;
use entrada::ports::asynchronous::{Transport as _, transport_fn};
use entrada::reqwest::{ReqwestTransport, Tokio};
use entrada::smol::{Smol, SmolTransport};
use entrada::surf::{AsyncStd, SurfTransport};
use entrada_conformance::session::Session;
use entrada_interop::{USER, World};

#[test]
fn ureq_and_a_cache_in_memory() {
    blocking::main_job(|_| MemoryCache::new());
}

#[test]
fn ureq_and_a_cache_in_a_file() {
    blocking::main_job(|world| FileCache::new(world.cache_path()));
}

#[test]
fn ureq_and_a_cache_in_redis() {
    if redis_server::is_missing() {
        return;
    }
    let server = redis_server::Server::start(&[]);
    blocking::main_job(|_| server.cache(USER));
}

#[test]
fn reqwest_and_a_cache_in_redis_for_a_fleet() {
    if redis_server::is_missing() {
        return;
    }
    let server = redis_server::Server::start(&[]);
    let transport = |world: &World| ReqwestTransport::builder().ca_file(world.ca_path()).build().unwrap();
    let job = asynchronous::main_job(Arc::new(Tokio), transport, |_| server.cache(USER));
    tokio::runtime::Runtime::new().unwrap().block_on(job);
}

#[test]
fn ureq_and_a_cache_in_the_keyring() {
    in_a_session("in_the_keyring");
}

#[test]
#[ignore = "is of use in a session with a keyring alone"]
fn in_the_keyring() {
    blocking::main_job(|world| KeyringCache::new(Keyring::new(), "interop", world.home().join("stamp")));
}

#[test]
fn ureq_and_a_cache_in_an_encrypted_file() {
    in_a_session("in_an_encrypted_file");
}

#[test]
#[ignore = "is of use in a session with a keyring alone"]
fn in_an_encrypted_file() {
    blocking::main_job(|world| EncryptedFileCache::with_keyring(world.cache_path(), Keyring::new()));
}

/// Runs an ignored test where there is a keyring.
fn in_a_session(test: &str) {
    let Some(session) = Session::start() else { return };
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--ignored"]).envs(session.variables()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn smol() {
    let transport = |world: &World| SmolTransport::builder().ca_file(world.ca_path()).build().unwrap();
    ::smol::block_on(asynchronous::main_job(Arc::new(Smol), transport, |_| MemoryCache::new()));
}

#[test]
fn surf_on_async_std() {
    let transport = |world: &World| SurfTransport::builder().ca_file(world.ca_path()).build().unwrap();
    async_std::task::block_on(asynchronous::main_job(Arc::new(AsyncStd), transport, |_| MemoryCache::new()));
}

#[test]
fn reqwest_on_tokio() {
    let transport = |world: &World| ReqwestTransport::builder().ca_file(world.ca_path()).build().unwrap();
    let job = asynchronous::main_job(Arc::new(Tokio), transport, |_| MemoryCache::new());
    tokio::runtime::Runtime::new().unwrap().block_on(job);
}

#[test]
fn a_closure_for_a_transport() {
    let transport = |world: &World| {
        let own = SmolTransport::builder().ca_file(world.ca_path()).build().unwrap();
        transport_fn(move |request, timeout| {
            let own = own.clone();
            async move { own.send(request, timeout).await }
        })
    };
    ::smol::block_on(asynchronous::main_job(Arc::new(Smol), transport, |_| MemoryCache::new()));
}
