//! What a page in the window can and cannot do, and when the window closes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use common::{LONG, Server, on_a_screen, page, point_at, redirect, titles, until, xdotool};
use entrada_browser_webview::{NATIVE_CLIENT, WebviewBrowser};
use entrada_core::ports::blocking::{Browser, Listener};
use entrada_core::protocol::ResponseMode;
use entrada_core::{Fault, Listen, Prompt, Receive, Redirect};

fn quiet() -> WebviewBrowser {
    WebviewBrowser::builder().writer(std::io::sink()).build().unwrap()
}

fn listen(browser: &WebviewBrowser) -> Box<dyn Listener> {
    browser.listen(&Listen { response_modes: vec![ResponseMode::Query] }).unwrap()
}

fn show(browser: &WebviewBrowser, url: &str) {
    browser.present(&Prompt::SignIn { url: url.to_owned(), expires_in: Duration::from_secs(300) }).unwrap();
}

fn receive(state: &str, timeout: Duration) -> Receive {
    Receive { state: state.to_owned(), timeout }
}

fn title(server: &Server) -> String {
    format!("{} - Sign-in", server.origin)
}

/// The redirect that ends the sign-in of this state.
fn end(state: &str) -> String {
    format!("{NATIVE_CLIENT}?code=c&state={state}")
}

#[test]
fn the_window_closes_in_time_and_with_its_listener() {
    on_a_screen("the_window_closes_in_time_and_with_its_listener", || {
        let server = Server::start(|_| page("<title>login.microsoftonline.com</title>"));
        let browser = quiet();
        let url = format!("{}/?state=s1", server.origin);

        let mut listener = listen(&browser);
        show(&browser, &url);
        until("the title is the host's, not the page's", || titles() == [title(&server)]);
        let error = listener.receive(&receive("s1", Duration::from_millis(100))).unwrap_err();
        assert_eq!(error.fault(), Fault::TimedOut);
        until("the time-out closes the window", || titles().is_empty());

        show(&browser, &url);
        until("the same listener may have another window", || titles() == [title(&server)]);
        drop(listener);
        until("the listener's end closes it", || titles().is_empty());

        let listener = listen(&browser);
        show(&browser, &url);
        until("a window opens", || titles() == [title(&server)]);
        drop(listener);
        until("also where nobody has waited yet", || titles().is_empty());

        let prompt = Prompt::SignIn { url, expires_in: Duration::from_secs(300) };
        assert!(browser.present(&prompt).is_err(), "nobody would hear of what comes");
    });
}

#[test]
fn two_sign_ins_have_a_window_each() {
    on_a_screen("two_sign_ins_have_a_window_each", || {
        let first = Server::start(|_| page("first"));
        let second = Server::start(|_| redirect(&end("s2")));
        let browser = quiet();
        let (mut one, mut two) = (listen(&browser), listen(&browser));
        show(&browser, &format!("{}/?state=s1", first.origin));
        until("the first window opens", || titles() == [title(&first)]);
        // It ends before anybody waits for it, and is not lost.
        show(&browser, &format!("{}/?state=s2", second.origin));
        until("the second one goes to its page", || !second.asked().is_empty());
        // The listener that came first waits for the second one's.
        let Redirect::Parameters(parameters) = one.receive(&receive("s2", LONG)).unwrap() else { panic!() };
        assert_eq!(parameters.expose(), "code=c&state=s2");
        until("only the first window is left", || titles() == [title(&first)]);
        let waiting = thread::spawn(move || two.receive(&receive("s1", LONG)).unwrap_err().fault());
        thread::sleep(Duration::from_millis(100));
        browser.canceller().cancel();
        assert_eq!(waiting.join().unwrap(), Fault::Cancelled);
        until("no window is left", || titles().is_empty());
    });
}

#[test]
fn a_page_finds_a_browser_and_no_more() {
    on_a_screen("a_page_finds_a_browser_and_no_more", || {
        // What is refused leaves the page where it is, so that it can go on to the next.
        let server = Server::start(|target| match target {
            "/file" => "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; \
                        filename=\"entrada-test.bin\"\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfile"
                .to_owned(),
            target if target.starts_with("/?state=") => page(
                "<script>
                const pause = () => new Promise(go => setTimeout(go, 200));
                const found = () => [typeof window.ipc, typeof window.chrome,
                    Object.keys(window.webkit?.messageHandlers ?? {}).length].join();
                // What is about to leave the page cancels what it has asked for.
                const tell = async (what) => {
                    for (;;) try { return await fetch(what); } catch { await pause(); }
                };
                (async () => {
                    await tell('/found?' + found());
                    for (const to of ['file:///etc/passwd', 'http://192.0.2.1/', 'ms-settings:privacy', '/file']) {
                        location.href = to;
                        await pause();
                        await tell('/still?' + encodeURIComponent(to));
                    }
                    await tell('/end');
                })();
                </script>",
            ),
            _ => page(""),
        });
        let browser = quiet();
        let mut listener = listen(&browser);
        show(&browser, &format!("{}/?state=s1", server.origin));
        until("the page has tried all", || {
            ["/file", "/end"].iter().all(|wanted| server.asked().iter().any(|target| target == wanted))
        });
        let asked = server.asked();
        assert_eq!(asked[1], "/found?undefined,undefined,0", "{asked:?}");
        assert_eq!(titles().len(), 1, "it is still the one window");
        let home = std::env::var("HOME").unwrap();
        assert!(!contains(Path::new(&home), "entrada-test.bin"), "nothing is downloaded");
        let error = listener.receive(&receive("s1", Duration::from_millis(100))).unwrap_err();
        assert_eq!(error.fault(), Fault::TimedOut);
    });
}

fn contains(folder: &Path, name: &str) -> bool {
    let entries: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    entries.iter().any(|path| path.ends_with(name) || path.is_dir() && contains(path, name))
}

#[test]
fn what_a_page_opens_in_a_new_window_comes_in_the_same_one() {
    on_a_screen("what_a_page_opens_in_a_new_window_comes_in_the_same_one", || {
        let server = Server::start(|target| match target {
            "/terms" => page(&format!("<script>location.href = '{}'</script>", end("s1"))),
            // Only a person's own key or click may open a window.
            _ => page(
                "<a href='/terms' target='_blank' id='terms'>Terms</a><script>
                const link = document.getElementById('terms');
                addEventListener('keydown', () => link.click());
                </script>",
            ),
        });
        let browser = quiet();
        let mut listener = listen(&browser);
        show(&browser, &format!("{}/?state=s1", server.origin));
        let waiting = thread::spawn(move || listener.receive(&receive("s1", LONG)).is_ok());
        point_at(&title(&server));
        until("the page has heard the key", || {
            xdotool(&["key", "Return"]);
            thread::sleep(Duration::from_millis(200));
            assert!(titles().len() <= 1, "{:?}", titles());
            server.asked().contains(&"/terms".to_owned())
        });
        assert!(waiting.join().unwrap(), "the redirect is caught there as well");
    });
}

#[test]
fn cookies_live_as_long_as_the_window_or_in_their_folder() {
    on_a_screen("cookies_live_as_long_as_the_window_or_in_their_folder", || {
        let home = std::env::var("HOME").unwrap();
        let folder = Path::new(&home).join("contoso/webview");
        for (keeps, builder) in
            [(false, WebviewBrowser::builder()), (true, WebviewBrowser::builder().data_folder(&folder))]
        {
            let server = Server::start(|_| {
                let end = redirect(&end("s1"));
                end.replacen("\r\n", "\r\nSet-Cookie: session=a; Max-Age=3600\r\n", 1)
            });
            let browser = builder.writer(std::io::sink()).build().unwrap();
            for visit in 0..2 {
                let mut listener = listen(&browser);
                show(&browser, &format!("{}/?state=s1", server.origin));
                listener.receive(&receive("s1", LONG)).unwrap();
                let has_cookie = server.heads()[visit].contains("session=a");
                assert_eq!(has_cookie, keeps && visit == 1, "{:?}", server.heads());
            }
        }
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{mode:o}");
    });
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error() {
    on_a_screen("a_folder_that_cannot_be_used_is_an_error", || {
        let browser = WebviewBrowser::builder().data_folder("/dev/null/webview").writer(std::io::sink());
        let browser = browser.build().unwrap();
        let mut listener = listen(&browser);
        show(&browser, "http://127.0.0.1:1/?state=s1");
        let error = listener.receive(&receive("s1", LONG)).unwrap_err();
        assert_eq!(error.fault(), Fault::NotFound);
        assert!(error.to_string().contains("/dev/null/webview"), "{error}");
    });
}

#[test]
fn what_no_window_should_open_is_refused() {
    on_a_screen("what_no_window_should_open_is_refused", || {
        let browser = quiet();
        let _listener = listen(&browser);
        for url in [
            "http://login.example/?state=s1",
            "file:///etc/passwd?state=s1",
            "https://login.example/",
            "https://login.example/\u{1b}[2J?state=s1",
            "",
        ] {
            let prompt = Prompt::SignIn { url: url.to_owned(), expires_in: Duration::from_secs(300) };
            assert!(browser.present(&prompt).is_err(), "{url}");
        }
        assert_eq!(titles(), [""; 0]);
    });
}
