//! A program on async-std, which is no longer maintained: surf, the cache in a file, the system's browser.

mod place;

use std::error::Error;
use std::io::{self, Write as _};

use entrada::AsyncClient;
use place::Place;

/// The longest page that is taken, in bytes.
const MOST: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    async_std::task::block_on(async {
        let place = Place::from_arguments()?;
        let client = AsyncClient::builder(place.client_id).authority(place.authority).async_std().build()?;
        let page = client.get(&place.url, &[&place.scope]).await?.into_body();
        let bytes = page.read_to_limit(MOST).await?.ok_or("the page is too large")?;
        io::stdout().write_all(&bytes)?;
        Ok(())
    })
}
