//! A program on a desktop: the tokens are in a file that is encrypted with a key from the system's keyring.

mod place;

use std::error::Error;
use std::io;

use entrada::Client;
use entrada::keyring_cache::{EncryptedFileCache, Keyring};
use place::Place;

fn main() -> Result<(), Box<dyn Error>> {
    let place = Place::from_arguments()?;
    let path = EncryptedFileCache::default_path().ok_or("there is no home directory")?;
    let cache = EncryptedFileCache::with_keyring(path, Keyring::new());
    let client = Client::builder(place.client_id).authority(place.authority).cache(cache).build()?;
    let mut page = client.get(&place.url, &[&place.scope])?;
    io::copy(page.body_mut(), &mut io::stdout())?;
    Ok(())
}
