//! A program with a window of its own for the sign-in, where the registration has the "native client" redirect URI alone.

mod place;

use std::error::Error;
use std::io;

use entrada::Client;
use entrada::webview_browser::WebviewBrowser;
use place::Place;

fn main() -> Result<(), Box<dyn Error>> {
    let place = Place::from_arguments()?;
    let client = Client::builder(place.client_id)
        .authority(place.authority)
        .browser(WebviewBrowser::builder().build()?)
        .build()?;
    let mut page = client.get(&place.url, &[&place.scope])?;
    io::copy(page.body_mut(), &mut io::stdout())?;
    Ok(())
}
