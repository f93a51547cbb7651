//! A program on a machine without a browser, over SSH or in a container: the user enters a code elsewhere.

mod place;

use std::error::Error;
use std::io;

use entrada::Client;
use entrada::console_browser::ConsoleBrowser;
use place::Place;

fn main() -> Result<(), Box<dyn Error>> {
    let place = Place::from_arguments()?;
    let client = Client::builder(place.client_id)
        .authority(place.authority)
        .browser(ConsoleBrowser::user_code_only())
        .sign_in_with(|client, request, _| client.sign_in_by_code(request, client.sign_in_options()))
        .build()?;
    let mut page = client.get(&place.url, &[&place.scope])?;
    io::copy(page.body_mut(), &mut io::stdout())?;
    Ok(())
}
