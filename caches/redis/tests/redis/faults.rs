//! What goes wrong at the server, and what is said of it.

use std::time::{Duration, Instant};

use entrada_cache_redis::{RedisCache, RedisServer};
use entrada_core::Fault;
use entrada_core::ports::blocking::{Cache, TryLock};

use crate::server::{Server, is_missing};

#[test]
fn a_server_that_was_restarted_in_between_goes_unnoticed() {
    if is_missing() {
        return;
    }
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let cache = server.cache("ada");
    cache.save(b"{}").unwrap();
    server.restart();
    assert_eq!(cache.load().unwrap().as_deref(), Some(&b"{}"[..]));
    server.restart();
    cache.save(b"{ }").unwrap();
    server.signal("-KILL");
    drop(server);
    assert_eq!(cache.load().unwrap_err().fault(), Fault::Unreachable);
}

#[test]
fn a_server_that_hangs_is_left_in_time() {
    if is_missing() {
        return;
    }
    let server = Server::start(&["--port", "PORT"]);
    let wait = Duration::from_millis(300);
    let url = format!("redis://127.0.0.1:{}", server.port());
    let open = || {
        let server = RedisServer::builder(&url).connect_timeout(wait).response_timeout(wait).build().unwrap();
        server.cache("ada").unwrap()
    };
    let cache = open();
    cache.save(b"{}").unwrap();
    server.signal("-STOP");
    let begin = Instant::now();
    assert_eq!(cache.load().unwrap_err().fault(), Fault::TimedOut);
    assert_eq!(open().load().unwrap_err().fault(), Fault::TimedOut, "a new connection, too");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    server.signal("-CONT");
    assert_eq!(cache.load().unwrap().as_deref(), Some(&b"{}"[..]));
}

/// The connections to a primary that was made a replica stay open, and its address is another's.
#[test]
fn after_a_failover_the_new_primary_is_found_where_the_old_one_was() {
    if is_missing() {
        return;
    }
    let (old, new) = (Server::start(&[]), Server::start(&[]));
    let folder = tempfile::tempdir().unwrap();
    let (address, url) = (folder.path().join("primary"), format!("redis+unix://{}/primary", folder.path().display()));
    std::os::unix::fs::symlink(old.socket(), &address).unwrap();
    let cache = RedisServer::open(&url).unwrap().cache("ada").unwrap();
    cache.save(b"{}").unwrap();

    let _: String = old.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = cache.save(b"{ }").unwrap_err();
    assert!(error.fault() == Fault::Denied && error.to_string().contains("replica"), "{error}");
    std::fs::remove_file(&address).unwrap();
    std::os::unix::fs::symlink(new.socket(), &address).unwrap();
    assert!(matches!(cache.try_lock(), Ok(TryLock::Held(_))), "the next command goes to the new one");
    cache.save(b"{ }").unwrap();
    assert_eq!(cache.load().unwrap().as_deref(), Some(&b"{ }"[..]));
}

#[test]
fn a_password_is_needed_and_never_told() {
    if is_missing() {
        return;
    }
    let server = Server::start(&["--port", "PORT", "--requirepass", "right-secret"]);
    let cache = |password: &str| -> RedisCache {
        let url = format!("redis://{password}127.0.0.1:{}/0", server.port());
        RedisServer::open(&url).unwrap().cache("ada").unwrap()
    };
    cache(":right-secret@").save(b"{}").unwrap();
    let (none, wrong) = (cache(""), cache(":wrong-secret@"));
    for refused in [&none, &wrong] {
        let error = refused.load().unwrap_err();
        assert_eq!(error.fault(), Fault::Denied);
        let told = format!("{error} {error:?} {refused:?} {}", refused.location());
        assert!(told.contains("password") && !told.contains("-secret"), "{told}");
    }
    let error = RedisServer::open("http://ada:right-secret@host").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("-secret"), "{error}");
    let builder = RedisServer::builder("redis://:right-secret@host");
    assert!(![format!("{builder:?}"), format!("{:?}", builder.build())].concat().contains("-secret"));
}

#[test]
fn the_commands_that_the_manual_names_are_enough_and_others_are_refused() {
    if is_missing() {
        return;
    }
    let server = Server::start(&["--port", "PORT"]);
    let source = include_str!("../../src/lib.rs");
    let manual = source.lines().find_map(|line| line.strip_prefix("//! ACL SETUSER ")).unwrap();
    let words: Vec<&str> = ["ACL", "SETUSER"].into_iter().chain(manual.split(' ')).collect();
    let _: String = server.command(&words);
    let url = format!("redis://web:secret@127.0.0.1:{}", server.port());
    let open = |prefix: &str| RedisServer::builder(&url).prefix(prefix).build().unwrap();
    entrada_conformance::cache::cache(|| open("hr:").cache("ada").unwrap());

    let stranger = open("other:").cache("ada").unwrap();
    for error in [stranger.load().unwrap_err(), stranger.save(b"secret").unwrap_err()] {
        assert_eq!(error.fault(), Fault::Denied, "{error}");
        assert!(error.to_string().contains("ACL") && !error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn something_else_at_the_key_is_left_alone() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let _: String = server.command(&["SET", "entrada:{ada}", "another program's"]);
    let cache = server.cache("ada");
    for error in [cache.load().map(drop), cache.save(b"{}"), cache.set_aside().map(drop)].map(Result::unwrap_err) {
        assert_eq!(error.fault(), Fault::Corrupt, "{error}");
        assert!(error.to_string().contains("choose another prefix"), "{error}");
    }
    assert_eq!(server.command::<String>(&["GET", "entrada:{ada}"]), "another program's");
}

#[test]
fn a_full_memory_loses_nothing() {
    if is_missing() {
        return;
    }
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let cache = server.cache("ada");
    cache.save(b"{}").unwrap();
    let _: String = server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = cache.save(b"{ }").unwrap_err();
    assert_eq!(error.fault(), Fault::Denied, "{error}");
    assert!(error.to_string().contains("memory is full"), "{error}");
    assert_eq!(cache.load().unwrap().as_deref(), Some(&b"{}"[..]));
}

#[test]
#[cfg(feature = "tls")]
fn over_tls_with_the_roots_that_were_given_and_no_others() {
    if is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
    let server = Server::start_in(
        folder,
        &[
            "--tls-port",
            "PORT",
            "--port",
            "0",
            "--tls-cert-file",
            "cert.pem",
            "--tls-key-file",
            "key.pem",
            "--tls-auth-clients",
            "no",
        ],
    );
    let url = format!("rediss://localhost:{}", server.port());
    let trusting = RedisServer::builder(&url).root_certificates(certificate.pem()).build().unwrap();
    entrada_conformance::cache::cache(|| trusting.cache("ada").unwrap());
    let error = RedisServer::open(&url).unwrap().cache("ada").unwrap().load().unwrap_err();
    assert_eq!(error.fault(), Fault::Untrusted, "{error}");
}
