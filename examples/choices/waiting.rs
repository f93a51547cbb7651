//! A program that waits: ureq, the cache in a file, the system's browser.

mod place;

use std::error::Error;
use std::io;

use entrada::Client;
use place::Place;

fn main() -> Result<(), Box<dyn Error>> {
    let place = Place::from_arguments()?;
    let client = Client::builder(place.client_id).authority(place.authority).build()?;
    let mut page = client.get(&place.url, &[&place.scope])?;
    io::copy(page.body_mut(), &mut io::stdout())?;
    Ok(())
}
