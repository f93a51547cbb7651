//! The same world behind the ports, for both drivers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{self, Body, TryLock};
use entrada_core::protocol::{HttpAnswer, HttpQuery, Method};
use entrada_core::{
    Error, Fault, Listen, Listening, Lock, Outcome, Prompt, Receive, Redirect, Secret, UnixTime, Wait, WaitReason,
};

use super::World;

/// An adapter's own error.
#[derive(Debug)]
pub(crate) struct Broken(&'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} is broken", self.0)
    }
}

impl std::error::Error for Broken {}

fn broken(what: &'static str) -> impl Fn(Fault) -> AdapterError {
    move |fault| AdapterError::new(fault, Broken(what))
}

/// A world that several adapters share.
#[derive(Clone)]
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    /// How many listeners are open.
    listeners: Arc<AtomicUsize>,
    /// Whether transport and browser never answer.
    #[cfg(feature = "async")]
    pub(crate) hangs: bool,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world: Arc::new(Mutex::new(world)),
            listeners: Arc::default(),
            #[cfg(feature = "async")]
            hangs: false,
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open_listeners(&self) -> usize {
        self.listeners.load(Ordering::SeqCst)
    }

    pub(crate) fn run(&self, flow: (entrada_core::Flow, entrada_core::Action)) -> Result<Outcome, Error> {
        let ports = entrada_core::drive::blocking::Ports {
            transport: self,
            cache: self,
            browser: self,
            clock: self,
            entropy: self,
        };
        let ending = entrada_core::drive::blocking::run(flow, ports);
        self.world().ended(ending)
    }

    fn exchange(
        &self,
        head: &http::request::Parts,
        body: &[u8],
        timeout: Duration,
    ) -> Result<HttpAnswer, AdapterError> {
        assert_eq!(self.open_listeners(), 0, "nobody listens any more when the authority is asked");
        let query = HttpQuery {
            method: if head.method == http::Method::GET { Method::Get } else { Method::Post },
            url: head.uri.to_string(),
            headers: Vec::new(),
            body: Secret::new(String::from_utf8(body.to_vec()).expect("a form")),
            timeout,
            body_limit: 0,
        };
        assert_eq!(head.method == http::Method::POST, head.headers.contains_key("content-type"));
        assert_eq!(head.headers["accept"], "application/json");
        self.world().http(&query).map_err(broken("transport"))
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        Ok(match self.world().try_lock().map_err(broken("lock"))? {
            Lock::Held => TryLock::Held(Box::new(Guard(self.clone()))),
            Lock::Busy => TryLock::Busy,
            Lock::Unsupported => TryLock::Unsupported,
        })
    }

    fn listen(&self, query: &Listen) -> Result<Listener, AdapterError> {
        let listening = self.world().listen(query).map_err(broken("browser"))?;
        self.listeners.fetch_add(1, Ordering::SeqCst);
        Ok(Listener { shared: self.clone(), listening })
    }

    fn sleep(&self, duration: Duration) {
        let wait = Wait { duration, reason: WaitReason::Lock };
        self.world().wait(&wait).expect("nothing keeps time from passing");
    }
}

/// The lock, until it is dropped.
struct Guard(Shared);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.world().unlock().ok();
    }
}

struct Listener {
    shared: Shared,
    listening: Listening,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

fn response<B>(answer: HttpAnswer, body: impl Fn(Vec<u8>) -> B) -> http::Response<B> {
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(body(answer.body.clone())).expect("an answer that http can tell")
}

impl blocking::Transport for Shared {
    fn send(&self, request: http::Request<Body>, timeout: Duration) -> Result<http::Response<Body>, AdapterError> {
        let (head, body) = request.into_parts();
        let answer = self.exchange(&head, body.as_bytes().expect("bytes"), timeout)?;
        Ok(response(answer, Body::from))
    }
}

impl blocking::Cache for Shared {
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        self.world().load().map_err(broken("cache"))
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        self.world().save(bytes).map_err(broken("cache"))
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        self.world().set_aside().map_err(broken("cache"))
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        self.try_lock()
    }

    fn location(&self) -> String {
        "memory".into()
    }
}

impl blocking::Browser for Shared {
    fn listen(&self, query: &Listen) -> Result<Box<dyn blocking::Listener>, AdapterError> {
        Ok(Box::new(self.listen(query)?))
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        self.world().present(prompt).map_err(broken("browser"))
    }
}

impl blocking::Listener for Listener {
    fn listening(&self) -> &Listening {
        &self.listening
    }

    fn receive(&mut self, query: &Receive) -> Result<Redirect, AdapterError> {
        self.shared.world().receive(query).map_err(broken("browser"))
    }
}

impl blocking::Clock for Shared {
    fn now(&self) -> UnixTime {
        self.world().now()
    }

    fn sleep(&self, duration: Duration) {
        self.sleep(duration);
    }
}

impl blocking::Entropy for Shared {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), AdapterError> {
        let bytes = self.world().entropy(buffer.len()).map_err(broken("entropy"))?;
        buffer.copy_from_slice(&bytes);
        Ok(())
    }
}

#[cfg(feature = "async")]
mod asynchronous {
    use std::future::Future;

    use entrada_core::drive::asynchronous::{Ports, run};
    use entrada_core::ports::asynchronous as port;

    use super::*;

    impl Shared {
        pub(crate) fn start(
            &self,
            flow: (entrada_core::Flow, entrada_core::Action),
        ) -> impl Future<Output = Result<Outcome, Error>> + Send {
            run(flow, Ports { transport: self, cache: self, browser: self, clock: self, entropy: self })
        }

        pub(crate) fn run_async(&self, flow: (entrada_core::Flow, entrada_core::Action)) -> Result<Outcome, Error> {
            let ending = futures::executor::block_on(self.start(flow));
            self.world().ended(ending)
        }
    }

    #[async_trait::async_trait]
    impl port::Transport for Shared {
        async fn send(
            &self,
            request: http::Request<port::Body>,
            timeout: Duration,
        ) -> Result<http::Response<port::Body>, AdapterError> {
            if self.hangs {
                futures::future::pending::<()>().await;
            }
            let (head, body) = request.into_parts();
            let answer = self.exchange(&head, body.as_bytes().expect("bytes"), timeout)?;
            Ok(response(answer, port::Body::from))
        }
    }

    #[async_trait::async_trait]
    impl port::Cache for Shared {
        async fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
            blocking::Cache::load(self)
        }

        async fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
            blocking::Cache::save(self, bytes)
        }

        async fn set_aside(&self) -> Result<String, AdapterError> {
            blocking::Cache::set_aside(self)
        }

        async fn try_lock(&self) -> Result<TryLock, AdapterError> {
            self.try_lock()
        }

        fn location(&self) -> String {
            "memory".into()
        }
    }

    #[async_trait::async_trait]
    impl port::Browser for Shared {
        async fn listen(&self, query: &Listen) -> Result<Box<dyn port::Listener>, AdapterError> {
            Ok(Box::new(self.listen(query)?))
        }

        async fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
            blocking::Browser::present(self, prompt)
        }
    }

    #[async_trait::async_trait]
    impl port::Listener for Listener {
        fn listening(&self) -> &Listening {
            &self.listening
        }

        async fn receive(&mut self, query: &Receive) -> Result<Redirect, AdapterError> {
            if self.shared.hangs {
                futures::future::pending::<()>().await;
            }
            blocking::Listener::receive(self, query)
        }
    }

    #[async_trait::async_trait]
    impl port::Clock for Shared {
        fn now(&self) -> UnixTime {
            blocking::Clock::now(self)
        }

        async fn sleep(&self, duration: Duration) {
            self.sleep(duration);
        }
    }
}
