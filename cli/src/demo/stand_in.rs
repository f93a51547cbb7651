//! Who and what plays the user's part: somebody who follows the sign-in's pages, and a clock that can be advanced.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use entrada::ports::AdapterError;
use entrada::ports::blocking::{Browser, Clock, Listener};
use entrada::system_browser::SystemBrowser;
use entrada::{Error, Listen, Prompt, UnixTime};
use entrada_authority::Stage;

/// The system browser's listener, with a built-in visitor of the pages in front of it.
///
/// It is made for a [`Stage`] and can visit no other authority's pages.
pub(super) struct StandIn {
    listener: SystemBrowser,
    stage: Arc<Stage>,
}

impl StandIn {
    pub(super) fn new(stage: Arc<Stage>) -> Result<Self, Error> {
        let listener = SystemBrowser::builder().open_browser(false).writer(io::sink()).build();
        Ok(Self { listener: listener.map_err(|error| Error::Config(error.to_string()))?, stage })
    }
}

impl Browser for StandIn {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        self.listener.listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        if let Prompt::SignIn { url, .. } = prompt {
            let (stage, url) = (Arc::clone(&self.stage), url.clone());
            // A page that leads nowhere shows as a sign-in that timed out, as it would to a user.
            std::thread::spawn(move || stage.visitor().visit(&url));
        }
        Ok(())
    }
}

/// The stage's own time.
pub(super) struct StageClock(pub(super) Arc<Stage>);

impl Clock for StageClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.now())
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
