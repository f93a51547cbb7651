//! What both kinds of clients stand on: the world, its user's browser, and a clock that can be put forward.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use entrada::UnixTime;
use entrada::ports::blocking::Clock;
use entrada::system_browser::{Environment, SystemBrowser};
use entrada_interop::World;

/// Opens what it is given with this world's browser.
pub(crate) fn browser(world: &World) -> SystemBrowser {
    let mut environment = Environment::default();
    environment.browser = Some(world.browser().display().to_string());
    SystemBrowser::builder().environment(environment).writer(io::sink()).build().unwrap()
}

/// The system's clock, and so many seconds.
#[derive(Clone, Default)]
pub(crate) struct Later(Arc<AtomicU64>);

impl Later {
    pub(crate) fn put_forward(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for Later {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(UnixTime::now().as_secs() + self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
