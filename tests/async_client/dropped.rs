//! Futures that are dropped under way.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entrada::TokenSource;
use entrada::ports::AdapterError;
use entrada::ports::asynchronous::OnThread;
use entrada::ports::blocking::{Browser, Cache as _, Listener, TryLock};
use entrada::{Listen, Prompt};
use entrada_authority::{Endpoint, Fault, Stage};
use entrada_browser_system::SystemBrowser;
use entrada_cache_memory::MemoryCache;
use futures::future::{Either, select};

use crate::house::{Ground, House, nobody};

/// Waits until it is so, and not longer than some seconds.
async fn until(ground: &Ground, what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        ground.runtime.sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

pub(crate) async fn refresh(ground: Ground) {
    let cache = MemoryCache::new();
    let house =
        House::with(&ground, Stage::builder(), |builder| builder.cache(OnThread::looking_at_once(cache.clone())));
    let (client, request) = (house.client.clone(), house.request());
    client.token_for(&request).await.unwrap();
    house.stage.advance(Duration::from_secs(2 * 3600));

    house.stage.faults().push(Endpoint::Token, Fault::Slow(Duration::from_secs(3)));
    let asked = until(&ground, "the lock is taken", || matches!(cache.try_lock(), Ok(TryLock::Busy)));
    match select(Box::pin(client.silent_for(&request)), Box::pin(asked)).await {
        Either::Left((ended, _)) => panic!("it ended by itself: {ended:?}"),
        Either::Right(((), dropped)) => drop(dropped),
    }
    assert!(matches!(cache.try_lock(), Ok(TryLock::Held(_))), "the lock is free again");
    assert_eq!(client.silent_for(&request).await.unwrap().source, TokenSource::Refresh);
}

/// A browser that tells where it listens, and that nobody uses.
struct Watched(SystemBrowser, Arc<Mutex<Option<u16>>>);

impl Browser for Watched {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        let listener = self.0.listen(query)?;
        *self.1.lock().unwrap() = listener.listening().redirect_uri.rsplit(':').next().unwrap().parse().ok();
        Ok(listener)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        self.0.present(prompt)
    }
}

pub(crate) async fn sign_in(ground: Ground) {
    let port = Arc::new(Mutex::new(None));
    let browser = Watched(nobody(), Arc::clone(&port));
    let house = House::with(&ground, Stage::builder(), |builder| builder.blocking_browser(browser));
    let is_open = || {
        let port = *port.lock().unwrap();
        port.is_some_and(|port| TcpStream::connect(("127.0.0.1", port)).is_ok())
    };
    let request = house.request();
    let opened = until(&ground, "the port is open", is_open);
    match select(Box::pin(house.client.token_for(&request)), Box::pin(opened)).await {
        Either::Left((ended, _)) => panic!("it ended by itself: {ended:?}"),
        Either::Right(((), dropped)) => drop(dropped),
    }
    until(&ground, "the port is still open", || !is_open()).await;
}
