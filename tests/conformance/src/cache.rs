//! What every cache has to do.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use entrada_core::cache::Snapshot;
use entrada_core::ports::blocking::{Cache, TryLock};

/// Runs the suite; it panics where the cache fails it.
///
/// `make` opens one more handle on the same cache, which is empty at first and not used by anybody else.
///
/// ```
/// # use std::sync::{Arc, Mutex, atomic::{AtomicBool, Ordering::SeqCst}};
/// # use entrada_core::{Fault, ports::{AdapterError, blocking::{Cache, TryLock}}};
/// # #[derive(Clone, Default)]
/// # struct MyCache(Arc<Mutex<Option<Vec<u8>>>>, Arc<AtomicBool>, Arc<Mutex<Vec<Vec<u8>>>>);
/// # struct Guard(Arc<AtomicBool>);
/// # impl Drop for Guard { fn drop(&mut self) { self.0.store(false, SeqCst) } }
/// # impl Cache for MyCache {
/// #     fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> { Ok(self.0.lock().unwrap().clone()) }
/// #     fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> { *self.0.lock().unwrap() = Some(bytes.into()); Ok(()) }
/// #     fn set_aside(&self) -> Result<String, AdapterError> {
/// #         let bytes = self.0.lock().unwrap().take().ok_or(AdapterError::new(Fault::NotFound, "empty"))?;
/// #         let mut aside = self.2.lock().unwrap();
/// #         aside.push(bytes);
/// #         Ok(format!("aside, number {}", aside.len()))
/// #     }
/// #     fn try_lock(&self) -> Result<TryLock, AdapterError> {
/// #         if self.1.swap(true, SeqCst) { return Ok(TryLock::Busy) }
/// #         Ok(TryLock::Held(Box::new(Guard(self.1.clone()))))
/// #     }
/// #     fn location(&self) -> String { "here".into() }
/// # }
/// let cache = MyCache::default();
/// entrada_conformance::cache::cache(|| cache.clone());
/// ```
pub fn cache<C: Cache>(make: impl Fn() -> C) {
    it_is_empty_at_first(&make);
    it_gives_back_what_was_saved(&make);
    a_snapshot_is_of_what_was_saved_last(&make);
    no_content_is_ever_torn(&make);
    the_lock_excludes_and_frees(&make);
    the_lock_has_one_holder_among_many(&make);
    sign_in_locks_go_by_name(&make);
    set_aside_loses_nothing(&make);
}

fn it_is_empty_at_first<C: Cache>(make: &impl Fn() -> C) {
    let cache = make();
    assert!(!cache.location().is_empty(), "it tells where it is");
    assert_eq!(cache.load().expect("load of nothing"), None);
    cache.set_aside().expect_err("nothing can be set aside where nothing is");
}

fn it_gives_back_what_was_saved<C: Cache>(make: &impl Fn() -> C) {
    let (one, two) = (make(), make());
    let contents = [
        b"{}".to_vec(),
        r#"{"Account":{"Zoë Ångström 名前 🗝":"\u0000"}}"#.as_bytes().to_vec(),
        (0..=255).collect(),
        large(5_000_000),
        b"{\"short\":\"again, after a long one\"}".to_vec(),
    ];
    for content in contents {
        one.save(&content).expect("save");
        assert!(one.load().expect("load") == Some(content.clone()), "the same handle reads what was saved");
        assert!(two.load().expect("load") == Some(content), "another handle reads it");
    }
}

/// Also where two handles save in turn, as fast as they can, contents of the same length.
fn a_snapshot_is_of_what_was_saved_last<C: Cache>(make: &impl Fn() -> C) {
    let handles = [make(), make()];
    let told = |cache: &C| format!("{:?}", cache.snapshot().expect("snapshot"));
    for number in 0..50 {
        let is_cache = number % 3 != 0;
        let bytes = format!("{}\"Foreign{number:02}\":1}}", if is_cache { "{" } else { "[" });
        let expected = format!("{:?}", Snapshot::of(Some(bytes.clone().into_bytes())));
        handles[number % 2].save(bytes.as_bytes()).expect("save");
        for handle in &handles {
            assert_eq!(told(handle), expected, "a snapshot is of the newest bytes");
            assert_eq!(told(handle), expected, "and again");
        }
    }
}

fn no_content_is_ever_torn<C: Cache>(make: &impl Fn() -> C) {
    let contents = [large(200_000), vec![b'b'; 150_000], vec![b'c'; 10]];
    let first = make();
    first.save(&contents[0]).expect("save");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            let reader = make();
            let (contents, done) = (&contents, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let found = reader.load().expect("load while others save").expect("there is always some content");
                    assert!(contents.contains(&found), "a content that nobody saved: {} bytes", found.len());
                }
            });
        }
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let (writer, contents) = (make(), &contents);
                scope.spawn(move || {
                    for round in 0..30 {
                        writer.save(&contents[round % contents.len()]).expect("save while others save");
                    }
                })
            })
            .collect();
        let results: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok), "a writer failed");
    });
}

fn the_lock_excludes_and_frees<C: Cache>(make: &impl Fn() -> C) {
    let (one, two) = (make(), make());
    for _ in 0..3 {
        let guard = held(&one);
        assert!(matches!(one.try_lock(), Ok(TryLock::Busy)), "the lock excludes its own handle");
        assert!(matches!(two.try_lock(), Ok(TryLock::Busy)), "it excludes another handle");
        thread::scope(|scope| {
            scope.spawn(|| assert!(matches!(two.try_lock(), Ok(TryLock::Busy)), "it excludes another thread"));
        });
        one.save(b"saved under the lock").expect("save under the lock");
        assert!(two.load().expect("load beside a lock").is_some(), "reading needs no lock");

        // A guard may be dropped wherever the flow ends up.
        thread::spawn(move || drop(guard)).join().expect("to drop a guard elsewhere");
        drop(held(&two));
    }
}

fn the_lock_has_one_holder_among_many<C: Cache>(make: &impl Fn() -> C) {
    const THREADS: usize = 8;
    const ROUNDS: usize = 40;
    let (start, inside, total) = (Barrier::new(THREADS), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let cache = make();
            let (start, inside, total) = (&start, &inside, &total);
            scope.spawn(move || {
                start.wait();
                let mut rounds = 0;
                while rounds < ROUNDS {
                    match cache.try_lock().expect("try for the lock") {
                        TryLock::Held(guard) => {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold the lock");
                            rounds += 1;
                            total.fetch_add(1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                            drop(guard);
                        }
                        TryLock::Busy => thread::yield_now(),
                        TryLock::Unsupported => panic!("the lock was there a moment ago"),
                    }
                }
            });
        }
    });
    assert_eq!(total.into_inner(), THREADS * ROUNDS);
}

/// Where there are such locks; a cache need not have them.
fn sign_in_locks_go_by_name<C: Cache>(make: &impl Fn() -> C) {
    const NAMES: [&str; 2] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
    let (one, two) = (make(), make());
    let try_lock = |cache: &C, name| cache.try_lock_sign_in(name).expect("a try for the sign-in's lock");
    let TryLock::Held(guard) = try_lock(&one, NAMES[0]) else { return };
    for cache in [&one, &two] {
        assert!(matches!(try_lock(cache, NAMES[0]), TryLock::Busy), "one sign-in of a name at a time");
    }
    let TryLock::Held(other) = try_lock(&two, NAMES[1]) else { panic!("another name has another lock") };
    let TryLock::Held(cache) = two.try_lock().expect("a try") else { panic!("and the cache has its own") };
    drop((guard, other, cache));
    assert!(matches!(try_lock(&two, NAMES[0]), TryLock::Held(_)), "it is free when the guard is dropped");
}

fn set_aside_loses_nothing<C: Cache>(make: &impl Fn() -> C) {
    let (one, two) = (make(), make());
    let mut places = Vec::new();
    for content in ["not JSON {", "not JSON either"] {
        one.save(content.as_bytes()).expect("save");
        // As it is kept, which need not be as it was given.
        let kept = std::fs::read(one.location()).ok();
        let place = two.set_aside().expect("set aside");
        assert_eq!(one.load().expect("load"), None, "after that the cache is empty");
        assert!(!places.iter().any(|(_, before)| *before == place), "what was set aside is not overwritten");
        places.push((kept, place));
    }
    one.save(b"{}").expect("save after setting aside");
    // Where the place is a file that can be looked at, it is looked at.
    for (kept, place) in &places {
        if let Ok(found) = std::fs::read(place) {
            assert_eq!(Some(&found), kept.as_ref(), "{place}");
        }
    }
    assert_eq!(two.load().expect("load").as_deref(), Some(&b"{}"[..]));
}

fn held<C: Cache>(cache: &C) -> Box<dyn Send> {
    match cache.try_lock().expect("try for the lock") {
        TryLock::Held(guard) => guard,
        other => panic!("the lock is free, and yet: {other:?}"),
    }
}

fn large(size: usize) -> Vec<u8> {
    (0..size).map(|index| b"0123456789abcdefghijklmnopqrstuvwxyz\n"[index % 37]).collect()
}
