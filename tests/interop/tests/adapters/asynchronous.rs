//! The main job of a client that does not wait, on whatever runtime.

use std::sync::Arc;
use std::time::Duration;

use entrada::ports::asynchronous::{Clock, OnThread, Runtime, Transport};
use entrada::ports::blocking::{self, Cache};
use entrada::{AsyncClient, TokenSource, UnixTime};
use entrada_interop::{CLIENT_ID, Options, USER, World};
use serde_json::Value;

use crate::house::{Later, browser};

/// The time of one, the patience of the other.
struct LaterOn(Later, Arc<dyn Runtime>);

#[async_trait::async_trait]
impl Clock for LaterOn {
    fn now(&self) -> UnixTime {
        blocking::Clock::now(&self.0)
    }

    async fn sleep(&self, duration: Duration) {
        self.1.sleep(duration).await;
    }
}

pub(crate) async fn main_job<T, C>(
    runtime: Arc<dyn Runtime>,
    transport: impl FnOnce(&World) -> T,
    cache: impl FnOnce(&World) -> C,
) where
    T: Transport + 'static,
    C: Cache + 'static,
{
    let Some(world) = World::start_or_skip(&Options::default()) else { return };
    let later = Later::default();
    let client = AsyncClient::builder(CLIENT_ID)
        .oidc(world.issuer())
        .transport(transport(&world))
        .clock(LaterOn(later.clone(), runtime))
        .cache(OnThread::new(cache(&world)))
        .blocking_browser(browser(&world))
        .build()
        .unwrap();
    let (scope, page) = (world.scope(), format!("{}api/me", world.app_url()));
    let granted = || (world.granted("authorization_code"), world.granted("refresh_token"));
    let get = async || {
        let answer = client.get(&page, &[&scope]).await.unwrap();
        let body = answer.into_body().read_to_limit(1 << 20).await.unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["user"], USER);
    };

    assert!(client.silent(&[&scope]).await.unwrap_err().needs_ui());
    get().await;
    get().await;
    assert_eq!(granted(), (1, 0), "one sign-in, and the cache");
    later.put_forward(Duration::from_secs(2 * 3600));
    get().await;
    assert_eq!(granted(), (1, 1), "one refresh, without the user");

    world.revoke_refresh_tokens();
    later.put_forward(Duration::from_secs(2 * 3600));
    let error = client.silent(&[&scope]).await.unwrap_err();
    assert!(error.needs_ui(), "the authority says that the user must be seen");
    assert_eq!(client.token(&[&scope]).await.unwrap().source, TokenSource::SignIn);
    client.sign_out(None).await.unwrap();
    assert!(client.accounts().await.unwrap().is_empty());
}
