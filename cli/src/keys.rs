//! The keys while a browser is awaited: `d`, `p` and `q`, each with Enter.

use std::io::{IsTerminal, stderr, stdin};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use entrada::ports::AdapterError;
use entrada::ports::blocking::{Browser, Listener};
use entrada::system_browser::{Canceller, SystemBrowser};
use entrada::{Listen, Prompt};

use crate::notice::Notice;

/// What the user chose instead of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A user code.
    Device,
    /// To paste the redirect.
    Paste,
    /// To leave.
    Quit,
}

/// Listens for keys on the terminal until one of them is struck.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(Arc<Mutex<Option<Key>>>);

impl Keys {
    /// Where standard input is a terminal; a key ends the wait.
    pub(crate) fn watch(canceller: Canceller) -> Option<Self> {
        if !stdin().is_terminal() || !stderr().is_terminal() {
            return None;
        }
        let keys = Self::default();
        let chosen = keys.clone();
        // It ends with the first key, so that whoever reads next has standard input alone; else with the process.
        std::thread::spawn(move || {
            let mut line = String::new();
            while stdin().read_line(&mut line).is_ok_and(|count| count > 0) {
                if let Some(key) = Key::from_line(&line) {
                    *chosen.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
                    return canceller.cancel();
                }
                line.clear();
            }
        });
        Some(keys)
    }

    /// The key that was struck.
    pub(crate) fn chosen(&self) -> Option<Key> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The system browser, with keys for those who would rather do otherwise; they count from when its page is shown.
pub(crate) struct WithKeys {
    browser: SystemBrowser,
    notice: Notice,
    keys: Arc<OnceLock<Option<Keys>>>,
}

impl WithKeys {
    pub(crate) fn new(browser: SystemBrowser, notice: Notice) -> Self {
        Self { browser, notice, keys: Arc::default() }
    }

    /// Tells which key was struck, when all is over.
    pub(crate) fn chosen(&self) -> impl Fn() -> Option<Key> + use<> {
        let keys = Arc::clone(&self.keys);
        move || keys.get()?.as_ref()?.chosen()
    }
}

impl Browser for WithKeys {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        self.browser.listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        if let Prompt::SignIn { .. } = prompt {
            let keys = self.keys.get_or_init(|| Keys::watch(self.browser.canceller()));
            if keys.is_some() {
                self.notice.say("Press d for a user code, p to paste the redirect, q to quit, each with Enter.");
            }
        }
        self.browser.present(prompt)
    }
}

impl Key {
    fn from_line(line: &str) -> Option<Self> {
        match line.trim() {
            "d" | "D" => Some(Self::Device),
            "p" | "P" => Some(Self::Paste),
            "q" | "Q" => Some(Self::Quit),
            _ => None,
        }
    }
}
