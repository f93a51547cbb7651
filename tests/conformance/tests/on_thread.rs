//! The core's own bridge from the blocking ports to the asynchronous ones, against the suites of both.
#![allow(clippy::unwrap_used)]

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use entrada_browser_system::SystemBrowser;
use entrada_cache_memory::MemoryCache;
use entrada_conformance::blocked::{BlockOn, Blocked};
use entrada_conformance::{browser, cache};
use entrada_core::ports::AdapterError;
use entrada_core::ports::asynchronous::{Browser as _, Cache as _, OnThread};
use entrada_core::ports::blocking::{self, Cache as _, TryLock};
use entrada_core::protocol::ResponseMode;
use entrada_core::{Listen, Receive};
use futures::FutureExt as _;
use futures::executor::block_on;

fn on_this_thread() -> BlockOn {
    Arc::new(|future| block_on(future))
}

#[test]
fn a_cache_on_threads_passes_the_suite() {
    for bridge in [OnThread::new, OnThread::looking_at_once] {
        let memory = MemoryCache::new();
        cache::cache(|| Blocked::new(bridge(memory.clone()), on_this_thread()));
    }
}

#[test]
fn a_browser_on_threads_passes_the_suite() {
    browser::browser(|| {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let writer = Screen(Arc::clone(&shown));
        let browser = SystemBrowser::builder().open_browser(false).writer(writer).build().unwrap();
        let canceller = browser.canceller();
        browser::Harness {
            browser: Box::new(Blocked::new(OnThread::new(browser), on_this_thread())),
            bring: Arc::new(|listening, parameters| {
                let port = listening.redirect_uri.rsplit(':').next().unwrap().to_owned();
                let mut stream = TcpStream::connect(format!("127.0.0.1:{port}"))?;
                let length = parameters.len();
                write!(
                    stream,
                    "POST / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Length: {length}\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\n\r\n{parameters}"
                )?;
                io::copy(&mut stream, &mut io::sink()).map(drop)
            }),
            cancel: Some(Arc::new(move || canceller.cancel())),
            shown: Arc::new(move || String::from_utf8(shown.lock().unwrap().clone()).unwrap()),
        }
    });
}

struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_wait_that_is_dropped_frees_the_port() {
    let browser = OnThread::new(SystemBrowser::builder().open_browser(false).writer(io::sink()).build().unwrap());
    let mut listener = block_on(browser.listen(&Listen { response_modes: vec![ResponseMode::Query] })).unwrap();
    let port: u16 = listener.listening().redirect_uri.rsplit(':').next().unwrap().parse().unwrap();
    let query = Receive { state: "s1".to_owned(), timeout: Duration::from_secs(300) };
    assert!(listener.receive(&query).now_or_never().is_none());
    drop(listener);
    let since = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(since.elapsed() < Duration::from_secs(3), "the port is still open");
        thread::yield_now();
    }
}

/// A cache whose save begins and ends when the test says so.
struct Slow {
    memory: MemoryCache,
    begun: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl blocking::Cache for Slow {
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        self.memory.load()
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        self.begun.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        self.memory.save(bytes)
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        self.memory.set_aside()
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        self.memory.try_lock()
    }

    fn location(&self) -> String {
        self.memory.location()
    }
}

#[test]
fn a_save_that_is_dropped_keeps_its_lock_until_it_is_done() {
    let memory = MemoryCache::new();
    let ((begun, has_begun), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let cache = OnThread::looking_at_once(Slow { memory: memory.clone(), begun, go_on: Mutex::new(go_on) });
    let TryLock::Held(guard) = block_on(cache.try_lock()).unwrap() else { panic!("it is free") };
    assert!(cache.save(b"{}").now_or_never().is_none());
    has_begun.recv().unwrap();
    drop(guard);
    assert!(matches!(memory.try_lock(), Ok(TryLock::Busy)), "somebody else would save beside it");
    go.send(()).unwrap();
    let since = Instant::now();
    while !matches!(memory.try_lock(), Ok(TryLock::Held(_))) {
        assert!(since.elapsed() < Duration::from_secs(3), "the lock is still held");
        thread::yield_now();
    }
    assert_eq!(memory.bytes().as_deref(), Some(&b"{}"[..]));
}

#[test]
fn an_adapter_that_panics_is_an_error() {
    struct Panics;
    impl blocking::Browser for Panics {
        fn listen(&self, _: &Listen) -> Result<Box<dyn blocking::Listener>, AdapterError> {
            panic!("as the test wants it");
        }

        fn present(&self, _: &entrada_core::Prompt) -> Result<(), AdapterError> {
            Ok(())
        }
    }
    let error = block_on(OnThread::new(Panics).listen(&Listen { response_modes: Vec::new() })).err().unwrap();
    assert!(error.to_string().contains("panicked"), "{error}");
}

/// A cache whose locks are given back in a while, as by a server that hangs.
struct Clinging(Sender<thread::ThreadId>);

struct Clung(Sender<thread::ThreadId>);

impl Drop for Clung {
    fn drop(&mut self) {
        self.0.send(thread::current().id()).unwrap();
    }
}

impl blocking::Cache for Clinging {
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        Ok(None)
    }

    fn save(&self, _: &[u8]) -> Result<(), AdapterError> {
        Ok(())
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        Ok("aside".to_owned())
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        Ok(TryLock::Held(Box::new(Clung(self.0.clone()))))
    }

    fn try_lock_sign_in(&self, _: &str) -> Result<TryLock, AdapterError> {
        self.try_lock()
    }

    fn location(&self) -> String {
        "a server that hangs".to_owned()
    }
}

#[test]
fn locks_are_given_back_on_a_thread_where_that_may_take_long() {
    let (told, dropped) = mpsc::channel();
    let here = thread::current().id();
    let held = |tried| match tried {
        Ok(TryLock::Held(guard)) => guard,
        other => panic!("{other:?}"),
    };
    for (bridge, is_here) in
        [(OnThread::new as fn(Clinging) -> OnThread<Clinging>, false), (OnThread::looking_at_once, true)]
    {
        let cache = bridge(Clinging(told.clone()));
        block_on(cache.unlock(held(block_on(cache.try_lock()))));
        // Awaited, so that it is done by now.
        assert_eq!(dropped.try_recv().unwrap() == here, is_here);
        for guard in [held(block_on(cache.try_lock())), held(block_on(cache.try_lock_sign_in("ada")))] {
            drop(guard);
            assert_eq!(dropped.recv_timeout(Duration::from_secs(5)).unwrap() == here, is_here);
        }
    }
}
