//! The cache against a server that others wrote.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

mod crowd;
mod faults;
mod server;

use std::time::Duration;

use entrada_cache_redis::RedisCache;
use entrada_core::ports::blocking::{Cache, TryLock};

use server::{Server, is_missing};

fn held(cache: &RedisCache) -> Box<dyn Send> {
    match cache.try_lock().unwrap() {
        TryLock::Held(guard) => guard,
        other => panic!("the lock is free, and yet: {other:?}"),
    }
}

fn account(ids: &[&str]) -> Vec<u8> {
    let of = |id: &&str| format!(r#""{id}-h-t":{{"home_account_id":"{id}","environment":"h","realm":"t"}}"#);
    format!(r#"{{"Account":{{{}}}}}"#, ids.iter().map(of).collect::<Vec<_>>().join(",")).into_bytes()
}

fn has(cache: &RedisCache, id: &str) -> bool {
    String::from_utf8(cache.load().unwrap().unwrap()).unwrap().contains(&format!(r#""{id}-h-t""#))
}

#[test]
fn it_passes_the_suite_of_its_port() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    entrada_conformance::cache::cache(|| server.cache("ada"));
    let clones = server.cache("bob");
    entrada_conformance::cache::cache(|| clones.clone());
}

#[test]
#[cfg(feature = "encryption")]
fn and_encrypted() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let open = |key: u8| server.builder().encryption_key(&[key; 32]).build().unwrap();
    entrada_conformance::cache::cache(|| open(1).cache("ada").unwrap());

    let cache = open(1).cache("ada").unwrap();
    cache.save(br#"{"secret":1}"#).unwrap();
    let raw: Vec<u8> = server.command(&["HGET", "entrada:{ada}", "b"]);
    assert!(!String::from_utf8_lossy(&raw).contains("secret"));
    let fault = |cache: RedisCache| cache.load().unwrap_err().fault();
    assert_eq!(fault(open(2).cache("ada").unwrap()), entrada_core::Fault::Denied, "another key");
    assert_eq!(fault(server.cache("ada")), entrada_core::Fault::Denied, "no key");
    open(2).cache("ada").unwrap().save(b"{}").unwrap_err();
    assert!(cache.load().unwrap().is_some(), "and nothing is lost");
    let _: String = server.command(&["RENAME", "entrada:{ada}", "entrada:{bob}"]);
    assert_eq!(fault(open(1).cache("bob").unwrap()), entrada_core::Fault::Denied, "another's");
    let _: String = server.command(&["RENAME", "entrada:{bob}", "hr:{ada}"]);
    let elsewhere = server.builder().prefix("hr:").encryption_key(&[1; 32]).build().unwrap();
    assert_eq!(fault(elsewhere.cache("ada").unwrap()), entrada_core::Fault::Denied, "another fleet's");
}

#[test]
#[cfg(feature = "cluster")]
fn and_in_a_cluster() {
    if is_missing() {
        return;
    }
    // A free port above 55535 has no room for the bus beside it, which is told its own.
    let bus = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let server = Server::start(&["--port", "PORT", "--cluster-enabled", "yes", "--cluster-port", &bus]);
    let _: () = server.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    while !server.command::<String>(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
        std::thread::sleep(Duration::from_millis(20));
    }
    let url = format!("redis://127.0.0.1:{}", server.port());
    let cluster = entrada_cache_redis::RedisServer::cluster([url.as_str()]).build().unwrap();
    entrada_conformance::cache::cache(|| cluster.cache("ada").unwrap());
}

#[test]
fn partitions_and_prefixes_see_nothing_of_each_other() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let (ada, bob) = (server.cache("ada"), server.cache("bob"));
    let elsewhere = server.builder().prefix("hr:").build().unwrap().cache("ada").unwrap();
    ada.save(b"{}").unwrap();
    let _guard = held(&ada);
    for other in [&bob, &elsewhere] {
        assert_eq!(other.load().unwrap(), None);
        drop(held(other));
    }
    server.builder().build().unwrap().cache("").unwrap_err();
}

#[test]
fn who_outlived_the_lock_overwrites_nothing_and_frees_nothing() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let (late, other) = (server.cache("ada"), server.cache("ada"));
    late.save(&account(&["a"])).unwrap();
    let outlived = held(&late);
    late.load().unwrap();
    let _: bool = server.command(&["PEXPIRE", "entrada:{ada}:lock", "0"]);

    let guard = held(&other);
    other.load().unwrap();
    other.save(&account(&["a", "b"])).unwrap();
    late.save(&account(&["a", "c"])).unwrap();
    assert!(has(&other, "b") && has(&other, "c"), "both are kept");
    drop(outlived);
    assert!(matches!(late.try_lock().unwrap(), TryLock::Busy), "the lock is the other's");
    drop(guard);
    drop(held(&late));
}

/// Driven asynchronously each call is on a thread of its own, and a process has one handle for a user.
#[test]
fn nor_does_who_outlived_it_beside_another_of_the_same_process() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let cache = server.cache("ada");
    let load = || std::thread::scope(|scope| scope.spawn(|| cache.load().unwrap()).join().unwrap());
    let save = |ids: &[&str]| {
        let bytes = account(ids);
        std::thread::scope(|scope| scope.spawn(|| cache.save(&bytes).unwrap()).join().unwrap());
    };
    save(&["a"]);
    let outlived = held(&cache);
    load();
    let _: bool = server.command(&["PEXPIRE", "entrada:{ada}:lock", "0"]);
    assert!(matches!(cache.try_lock().unwrap(), TryLock::Busy), "its holder is still at it");

    let elsewhere = server.cache("ada");
    let guard = held(&elsewhere);
    elsewhere.load().unwrap();
    elsewhere.save(&account(&["a", "b"])).unwrap();
    drop(guard);
    save(&["a", "c"]);
    assert!(has(&cache, "b") && has(&cache, "c"), "both are kept");
    drop(outlived);
    drop(held(&cache));
}

/// Whoever waits for the lock loses patience after 45 seconds: then all of them would refresh at once.
#[test]
fn a_dead_holder_s_lock_is_free_before_those_who_wait_go_on_without() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let _dead = held(&server.cache("ada"));
    let left: u64 = server.command(&["PTTL", "entrada:{ada}:lock"]);
    assert!((30_000..45_000).contains(&left), "a request may take 30 seconds, and patience lasts 45: {left}");
}

#[test]
fn a_sign_out_beside_a_save_is_undone_by_neither() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let (one, two) = (server.cache("ada"), server.cache("ada"));
    one.save(&account(&["a", "b"])).unwrap();
    let both = || [one.load().unwrap(), two.load().unwrap()];
    both();
    one.save(&account(&["b"])).unwrap();
    assert!(two.save(&account(&["a", "b", "c"])).unwrap_err().to_string().contains("signed out"));
    assert!(!has(&one, "a"));
    both();
    one.save(&account(&["b", "c"])).unwrap();
    two.save(b"{}").unwrap_err();
    assert!(has(&two, "c"), "what was saved last stays");
}

#[test]
fn what_is_set_aside_lies_where_it_says_for_a_month() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let cache = server.cache("ada");
    cache.save(b"half a cach").unwrap();
    let place = cache.set_aside().unwrap();
    let key = place.split(' ').nth(2).unwrap();
    assert_eq!(server.command::<String>(&["HGET", key, "b"]), "half a cach");
    let days = server.command::<u64>(&["TTL", key]) as f64 / 86400.0;
    assert!((29.9..=30.0).contains(&days), "{days}");
}

#[test]
fn a_partition_expires_after_the_last_save_where_that_is_wanted() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let leaver = server.builder().partition_expiry(Duration::from_secs(1000)).build().unwrap().cache("ada").unwrap();
    let remaining = || server.command::<i64>(&["TTL", "entrada:{ada}"]);
    leaver.save(b"{}").unwrap();
    let _: bool = server.command(&["EXPIRE", "entrada:{ada}", "10"]);
    leaver.save(b"{ }").unwrap();
    assert!((990..=1000).contains(&remaining()), "{}", remaining());
    server.cache("ada").save(b"{}").unwrap();
    assert_eq!(remaining(), -1, "and not where it is not");
}

#[test]
fn a_look_at_what_has_not_changed_is_one_question() {
    if is_missing() {
        return;
    }
    let server = Server::start(&[]);
    let cache = server.cache("ada");
    cache.save(b"{}").unwrap();
    cache.snapshot().unwrap();
    let _: () = server.command(&["CONFIG", "RESETSTAT"]);
    for _ in 0..5 {
        cache.snapshot().unwrap();
    }
    let told: String = server.command(&["INFO", "commandstats"]);
    assert!(told.contains("cmdstat_hget:calls=5,") && !told.contains("hmget"), "{told}");
}
