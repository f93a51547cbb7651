//! Tokens for a forwarder.

#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

use std::sync::Arc;
use std::thread;

use entrada::memory_cache::MemoryCache;
use entrada::ports::AdapterError;
use entrada::ports::asynchronous::TokenProvider;
use entrada::ports::blocking::{Browser, Listener};
use entrada::system_browser::SystemBrowser;
use entrada::{Authority, Client, Error, Listen as Listening, Prompt, SignIn, TokenRequest};
use entrada_authority::Stage;

/// Whoever has the tokens of somebody who has signed in to the stage.
pub(crate) fn lender(stage: &Arc<Stage>) -> impl TokenProvider + 'static {
    struct StandIn(SystemBrowser, Arc<Stage>);
    impl Browser for StandIn {
        fn listen(&self, query: &Listening) -> Result<Box<dyn Listener>, AdapterError> {
            self.0.listen(query)
        }
        fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
            if let Prompt::SignIn { url, .. } = prompt {
                let (stage, url) = (Arc::clone(&self.1), url.clone());
                thread::spawn(move || stage.visitor().visit(&url));
            }
            Ok(())
        }
    }
    let listener = SystemBrowser::builder().open_browser(false).writer(std::io::sink()).build().unwrap();
    let client = Client::builder(stage.client_id())
        .authority(Authority::entra(&stage.authority_url()).unwrap())
        .cache(MemoryCache::new())
        .browser(StandIn(listener, Arc::clone(stage)))
        .build()
        .unwrap();
    let request = TokenRequest::new([stage.scope()]).unwrap();
    client.sign_in(&request, &SignIn::new()).unwrap();
    move |_| {
        let (client, request) = (client.clone(), request.clone());
        async move { smol::unblock(move || client.silent_for(&request)).await as Result<_, Error> }
    }
}
