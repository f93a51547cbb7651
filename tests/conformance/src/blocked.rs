//! Asynchronous adapters in the clothes of the blocking ports, so that one suite serves both.

use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use ::blocking::Unblock;
use entrada_core::cache::Snapshot;
use entrada_core::ports::{AdapterError, asynchronous, blocking};
use entrada_core::{Listen, Listening, Prompt, Receive, Redirect};
use futures::AsyncReadExt as _;
use futures::future::BoxFuture;
use futures::io::AsyncRead;

/// Waits on a runtime until the future is done.
pub type BlockOn = Arc<dyn Fn(BoxFuture<'_, ()>) + Send + Sync>;

/// The `block_on` of a runtime that runs only while somebody waits on it, such as tokio's on one thread: in between, a
/// thread waits for `moment` after `moment` on it, so that what a transport left to its tasks is done.
pub fn kept_running(block_on: BlockOn, moment: impl Fn() -> BoxFuture<'static, ()> + Send + 'static) -> BlockOn {
    let waiting = Arc::new(RwLock::new(()));
    let (nobody_waits, run) = (Arc::downgrade(&waiting), Arc::clone(&block_on));
    thread::spawn(move || {
        while let Some(nobody_waits) = nobody_waits.upgrade() {
            // Whoever waits is not to be held up, so that this one may have to give way for long.
            match nobody_waits.try_write() {
                Ok(_nobody) => run(moment()),
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    });
    Arc::new(move |future| {
        let _waiting = waiting.read();
        block_on(future);
    })
}

/// An asynchronous adapter, waited for on its runtime.
///
/// ```
/// use std::sync::Arc;
///
/// use entrada_cache_memory::MemoryCache;
/// use entrada_conformance::{blocked::Blocked, cache};
/// use entrada_core::ports::asynchronous::OnThread;
///
/// let memory = MemoryCache::new();
/// cache::cache(|| Blocked::new(OnThread::new(memory.clone()), Arc::new(|future| futures::executor::block_on(future))));
/// ```
pub struct Blocked<T> {
    adapter: Arc<T>,
    block_on: BlockOn,
}

impl<T> Blocked<T> {
    /// `block_on` is the runtime's own.
    pub fn new(adapter: T, block_on: BlockOn) -> Self {
        Self { adapter: Arc::new(adapter), block_on }
    }
}

fn wait<R: Send>(block_on: &BlockOn, future: impl Future<Output = R> + Send) -> R {
    let mut ended = None;
    block_on(Box::pin(async { ended = Some(future.await) }));
    ended.expect("the runtime waits for the end")
}

impl<T: asynchronous::Transport> blocking::Transport for Blocked<T> {
    fn send(
        &self,
        request: http::Request<blocking::Body>,
        timeout: Duration,
    ) -> Result<http::Response<blocking::Body>, AdapterError> {
        let request = request.map(|body| match (body.as_bytes(), body.length()) {
            (Some(bytes), _) => asynchronous::Body::from(bytes.to_vec()),
            (None, length) => asynchronous::Body::stream(Unblock::new(body), length),
        });
        let answer = wait(&self.block_on, self.adapter.send(request, timeout))?;
        Ok(answer.map(|body| {
            let length = body.length();
            let reader = BlockedReader { reader: body.into_reader(), block_on: Arc::clone(&self.block_on) };
            blocking::Body::stream(reader, length)
        }))
    }
}

struct BlockedReader {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    block_on: BlockOn,
}

impl Read for BlockedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait(&self.block_on, self.reader.read(buffer))
    }
}

impl<T: asynchronous::Cache + 'static> Blocked<T> {
    fn held(&self, tried: Result<blocking::TryLock, AdapterError>) -> Result<blocking::TryLock, AdapterError> {
        Ok(match tried? {
            blocking::TryLock::Held(lock) => blocking::TryLock::Held(Box::new(Held {
                cache: Arc::clone(&self.adapter),
                lock: Some(lock),
                block_on: Arc::clone(&self.block_on),
            })),
            other => other,
        })
    }
}

/// A lock that is given back as the drivers do it: awaited.
struct Held<T: asynchronous::Cache> {
    cache: Arc<T>,
    lock: Option<Box<dyn Send>>,
    block_on: BlockOn,
}

impl<T: asynchronous::Cache> Drop for Held<T> {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            wait(&self.block_on, self.cache.unlock(lock));
        }
    }
}

impl<T: asynchronous::Cache + 'static> blocking::Cache for Blocked<T> {
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        wait(&self.block_on, self.adapter.load())
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        wait(&self.block_on, self.adapter.snapshot())
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        wait(&self.block_on, self.adapter.save(bytes))
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        wait(&self.block_on, self.adapter.set_aside())
    }

    fn try_lock(&self) -> Result<blocking::TryLock, AdapterError> {
        self.held(wait(&self.block_on, self.adapter.try_lock()))
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<blocking::TryLock, AdapterError> {
        self.held(wait(&self.block_on, self.adapter.try_lock_sign_in(name)))
    }

    fn location(&self) -> String {
        self.adapter.location()
    }
}

impl<T: asynchronous::Browser> blocking::Browser for Blocked<T> {
    fn listen(&self, query: &Listen) -> Result<Box<dyn blocking::Listener>, AdapterError> {
        let listener = wait(&self.block_on, self.adapter.listen(query))?;
        Ok(Box::new(BlockedListener { listener, block_on: Arc::clone(&self.block_on) }))
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        wait(&self.block_on, self.adapter.present(prompt))
    }
}

struct BlockedListener {
    listener: Box<dyn asynchronous::Listener>,
    block_on: BlockOn,
}

impl blocking::Listener for BlockedListener {
    fn listening(&self) -> &Listening {
        self.listener.listening()
    }

    fn receive(&mut self, query: &Receive) -> Result<Redirect, AdapterError> {
        wait(&self.block_on, self.listener.receive(query))
    }
}
