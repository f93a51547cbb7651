//! One of many processes of a fleet: reqwest on tokio, and each user's tokens in a Redis server. Nobody can sign in here.

mod place;

use std::error::Error;
use std::io::{self, Write as _};

use entrada::AsyncClient;
use entrada::redis_cache::RedisServer;
use place::Place;

/// The longest page that is taken, in bytes.
const MOST: usize = 1 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let place = Place::from_arguments()?;
    let server = RedisServer::open(&std::env::var("REDIS_URL")?)?;
    let cache = server.cache("ada@contoso.example")?;
    let client = AsyncClient::builder(place.client_id)
        .authority(place.authority)
        .tokio()
        .blocking_cache(cache)
        .sign_in_with(|_, _, error| async { Err(error) })
        .build()?;
    let page = client.get(&place.url, &[&place.scope]).await?.into_body();
    let bytes = page.read_to_limit(MOST).await?.ok_or("the page is too large")?;
    io::stdout().write_all(&bytes)?;
    Ok(())
}
