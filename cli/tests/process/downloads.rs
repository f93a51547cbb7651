//! `get -o`: cut, gone on with, tried again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::*;

const PAGE: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

/// An app with one page, of which each request that is not answered by `cut` gets what it asks for.
fn app(etag: &'static str, cut: impl Fn(usize) -> Option<usize> + Send + Sync + 'static) -> Plain {
    Plain::answering(move |count, seen| {
        let all = PAGE.as_bytes();
        let from = seen.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let from: usize = from.filter(|_| seen.header("if-range") == Some(etag)).unwrap_or(0);
        if from >= all.len() {
            return reply("416", &format!("content-range: bytes */{}\r\n", all.len()), "");
        }
        let status = if from > 0 { "206 Part" } else { "200 Whole" };
        let part = &all[from..];
        let mut bytes = format!(
            "HTTP/1.1 {status}\r\netag: {etag}\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{}/{}\r\n\r\n",
            part.len(),
            all.len() - 1,
            all.len()
        )
        .into_bytes();
        bytes.extend_from_slice(&part[..cut(count).unwrap_or(part.len())]);
        bytes
    })
}

struct Files<'a>(&'a World);

impl Files<'_> {
    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.0.home.path().join(name)).ok()
    }

    fn all(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.home.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with("out"))
            .collect();
        names.sort();
        names
    }
}

#[test]
fn what_was_cut_is_kept_beside_and_gone_on_with() {
    let world = World::signed_in();
    let files = Files(&world);
    world.home.file("out", "old");
    let app = app("\"v1\"", |count| (count == 0).then_some(10));
    let url = app.url("/");
    let done = world.run(&["get", &url, "-o", "out"]).done();
    done.fails(7, "ended before it was whole", "kept in").says("out.part").says("-C -");
    assert_eq!(files.read("out").as_deref(), Some("old"), "the file is whole or not at all");
    assert_eq!(files.read("out.part").as_deref(), Some(&PAGE[..10]));
    assert!(!files.read("out.part.json").unwrap().contains("127.0.0.1"), "no URL, which may hold a secret");

    world.run(&["get", &url, "-o", "out", "-C", "-"]).done().expect_code(0);
    assert_eq!((files.read("out").as_deref(), files.all()), (Some(PAGE), vec!["out".to_owned()]));
    let seen = app.seen();
    assert_eq!((seen[1].header("range"), seen[1].header("if-range")), (Some("bytes=10-"), Some("\"v1\"")));
    assert!(seen.iter().all(|seen| seen.header("authorization").is_some()));
}

#[test]
fn a_retry_goes_on_where_it_was_cut() {
    let world = World::signed_in();
    let app = app("\"v1\"", |count| [Some(10), Some(0), Some(16), None][count.min(3)]);
    let done = world.run(&["get", &app.url("/"), "-o", "out", "--retry", "3"]).done().expect_code(0);
    assert!(done.stderr.contains("Try 3 of 4 failed"), "{}", done.stderr);
    let ranges: Vec<_> = app.seen().iter().map(|seen| seen.header("range").map(str::to_owned)).collect();
    let expected = [None, Some("bytes=10-"), Some("bytes=10-"), Some("bytes=26-")];
    assert_eq!(ranges.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    let files = Files(&world);
    assert_eq!((files.read("out").as_deref(), files.all()), (Some(PAGE), vec!["out".to_owned()]));
}

#[test]
fn another_version_begins_anew() {
    let world = World::signed_in();
    let files = Files(&world);
    let first = app("\"v1\"", |_| Some(10));
    world.run(&["get", &first.url("/"), "-o", "out"]).done().expect_code(7);
    let note = files.read("out.part.json").unwrap().replace("v1", "v0");
    world.home.file("out.part.json", note);
    let first_url = first.url("/");
    world.run(&["get", &first_url, "-o", "out", "-C", "-"]).done().expect_code(7);
    assert_eq!(files.read("out.part").as_deref(), Some(&PAGE[..10]), "written anew, and cut again");

    // Another page does not go on with it, and a weak validator leaves nothing to go on with.
    let weak = app("W/\"v1\"", |count| (count == 0).then_some(5));
    world.run(&["get", &weak.url("/other"), "-o", "out2"]).done().expect_code(7);
    assert_eq!(files.read("out2.part"), None);
    world.run(&["get", &weak.url("/other"), "-o", "out", "-C", "-"]).done().expect_code(0);
    assert_eq!((weak.seen()[1].header("range"), files.read("out").as_deref()), (None, Some(PAGE)));
}

#[test]
fn two_versions_are_not_joined_where_if_range_is_not_heeded() {
    let world = World::signed_in();
    let files = Files(&world);
    let old = "Thu, 29 Feb 2024 23:59:57 GMT";
    for (noted, later) in [
        ("etag: \"a\"", "etag: \"b\""),
        (&format!("last-modified: {old}"), "last-modified: Fri, 01 Mar 2024 00:00:00 GMT"),
    ] {
        for refusal in ["206", "416"] {
            let (noted, later) = (noted.to_owned(), later.to_owned());
            let app = Plain::answering(move |count, seen| match (count, seen.header("range")) {
                (0, _) => format!(
                    "HTTP/1.1 200 OK\r\n{noted}\r\ndate: Sat, 02 Mar 2024 00:00:00 GMT\r\ncontent-length: 6\r\n\r\nold"
                )
                .into_bytes(),
                (_, Some(_)) if refusal == "206" => {
                    reply("206", &format!("{later}\r\ncontent-range: bytes 3-5/6\r\n"), "new")
                }
                // What came is as long as the whole of the other version.
                (_, Some(_)) => reply("416", &format!("{later}\r\ncontent-range: bytes */3\r\n"), ""),
                _ => reply("200", &format!("{later}\r\n"), "NEWnew"),
            });
            let url = app.url("/");
            world.run(&["get", &url, "-o", "out"]).done().expect_code(7);
            assert_eq!(files.read("out.part").as_deref(), Some("old"));
            world.run(&["get", &url, "-o", "out", "-C", "-"]).done().expect_code(0);
            assert_eq!((files.read("out").as_deref(), files.all()), (Some("NEWnew"), vec!["out".to_owned()]));
            assert_eq!(app.seen().len(), 3);
            std::fs::remove_file(world.home.path().join("out")).unwrap();
        }
    }
}

#[test]
fn a_part_that_cannot_be_deleted_is_not_asked_about_for_ever() {
    let world = World::signed_in();
    let app = Plain::answering(|count, seen| match (count, seen.header("range")) {
        (0, _) => b"HTTP/1.1 200 OK\r\netag: \"a\"\r\ncontent-length: 9\r\n\r\nabc".to_vec(),
        (_, Some(_)) => reply("416", "content-range: bytes */2\r\n", ""),
        _ => reply("403", "", ""),
    });
    let url = app.url("/");
    let folder = world.home.path().join("folder");
    fs::create_dir(&folder).unwrap();
    world.run(&["get", &url, "-o", "folder/out"]).done().expect_code(7);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    // Root may delete everything.
    let is_root = fs::write(folder.join("other"), "").is_ok();
    world.run(&["get", &url, "-o", "folder/out", "-C", "-"]).done().expect_code(4);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!((app.seen().len(), folder.join("out.part").exists()), (3, !is_root));
}

#[test]
fn what_has_the_part_s_name_and_is_another_s_stays() {
    let world = World::signed_in();
    let files = Files(&world);
    let app = app("\"v1\"", |_| None);
    for (number, mine) in [&["part"][..], &["part.json"], &["part", "part.json"]].into_iter().enumerate() {
        let name = |end: &str| format!("out{number}.{end}");
        mine.iter().for_each(|end| drop(world.home.file(&name(end), "{\"mine\": 1}")));
        let (before, target) = (files.all().len(), format!("out{number}"));
        world.run(&["get", &app.url("/"), "-o", &target]).done().expect_code(0);
        assert_eq!((files.read(&target).as_deref(), files.all().len()), (Some(PAGE), before + 1));
        for end in mine {
            assert_eq!(files.read(&name(end)).as_deref(), Some("{\"mine\": 1}"), "{}", name(end));
        }
    }
}

#[test]
fn the_part_of_a_private_file_is_private() {
    let world = World::signed_in();
    let old = world.home.file("out", "old");
    let mode = |name: &str| fs::metadata(world.home.path().join(name)).unwrap().permissions().mode() & 0o777;
    for (number, private) in [0o600, 0o400].into_iter().enumerate() {
        fs::set_permissions(&old, fs::Permissions::from_mode(private)).unwrap();
        let app = app("\"v1\"", |count| (count == 0).then_some(10));
        world.run(&["get", &app.url("/"), "-o", "out"]).done().expect_code(7);
        assert_eq!(mode("out.part"), 0o600, "{number}");
        world.run(&["get", &app.url("/"), "-o", "out", "-C", "-"]).done().expect_code(0);
        assert_eq!((mode("out"), Files(&world).read("out").as_deref()), (private, Some(PAGE)));
    }
}

#[test]
fn what_is_there_already_is_not_asked_for_again() {
    let world = World::signed_in();
    let files = Files(&world);
    let app = app("\"v1\"", |count| (count == 0).then_some(10));
    let url = app.url("/");
    world.run(&["get", &url, "-o", "out"]).done().expect_code(7);
    world.home.file("out.part", PAGE);
    world.run(&["get", &url, "-o", "out", "-C", "-"]).done().expect_code(0);
    assert_eq!((files.read("out").as_deref(), files.all()), (Some(PAGE), vec!["out".to_owned()]));

    // More than all of it is no part of it.
    let longer = Plain::answering(|count, seen| match (count, seen.header("range")) {
        (0, _) => b"HTTP/1.1 200 OK\r\netag: \"a\"\r\ncontent-length: 9\r\n\r\nabc".to_vec(),
        (_, Some(_)) => reply("416", "content-range: bytes */9\r\n", ""),
        _ => reply("200", "", "abcdefghi"),
    });
    let url = longer.url("/");
    world.run(&["get", &url, "-o", "out3"]).done().expect_code(7);
    world.home.file("out3.part", "abcdefghijkl");
    world.run(&["get", &url, "-o", "out3", "-C", "-"]).done().expect_code(0);
    assert_eq!(files.read("out3").as_deref(), Some("abcdefghi"));
}

#[test]
fn another_part_than_was_asked_for_is_not_taken() {
    let world = World::signed_in();
    let app = Plain::answering(|count, _| match count {
        0 => b"HTTP/1.1 200 OK\r\netag: \"a\"\r\ncontent-length: 9\r\n\r\nabc".to_vec(),
        1 => reply("206", "content-range: bytes 4-8/9\r\n", "efghi"),
        2 => reply("206", "", "defghi"),
        _ => reply("206", "content-range: bytes 3-8/12\r\n", "defghi"),
    });
    let url = app.url("/");
    world.run(&["get", &url, "-o", "out"]).done().expect_code(7);
    for _ in 0..2 {
        let done = world.run(&["get", &url, "-o", "out", "-C", "-"]).done();
        done.fails(1, "another part", "without -C");
    }
    world.run(&["get", &url, "-o", "out", "-C", "-"]).done().expect_code(7).says("before it was whole");
    assert_eq!(Files(&world).read("out"), None);
}

#[test]
fn only_a_file_can_be_gone_on_with_and_no_link_is_followed() {
    let world = World::signed_in();
    let url = world.url("api/me");
    for args in [
        &["get", &url, "-C", "-"][..],
        &["get", &url, "-C", "5", "-o", "out"],
        &["get", &url, "-C", "-", "-o", "/dev/null"],
        &["get", &url, "-C", "-", "-o", "out", "-H", "Range: bytes=1-"],
        &["post", &url, "-C", "-", "-o", "out"],
        &["get", &url, "-C", "-", "-o", "out", "-d", "x"],
    ] {
        world.done(args).expect_code(2);
    }
    let other = world.home.file("other", "mine");
    std::os::unix::fs::symlink(&other, world.home.path().join("out.part")).unwrap();
    let app = app("\"v1\"", |_| None);
    world.run(&["get", &app.url("/"), "-o", "out"]).done().expect_code(0);
    assert_eq!(fs::read_to_string(other).unwrap(), "mine");
    assert_eq!(Files(&world).read("out").as_deref(), Some(PAGE));
}

#[test]
fn two_downloads_do_not_write_one_file() {
    let world = World::signed_in();
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    let may_go = std::sync::Mutex::new(may_go);
    let waiting = Plain::answering(move |_, _| {
        let _ = may_go.lock().unwrap().recv();
        reply("200", "etag: \"a\"\r\n", "abc")
    });
    // One holds the part, as a download that runs does.
    let part = world.home.file("out.part", "");
    let held = fs::File::open(&part).unwrap();
    held.lock().unwrap();
    let running = world.run(&["get", &waiting.url("/"), "-o", "out"]).start();
    go.send(()).unwrap();
    running.done().fails(1, "another download is writing", "wait for it");
    assert!(part.exists());
}

#[test]
fn a_terminal_shows_how_far_it_is() {
    if absent("script") {
        return;
    }
    let world = World::signed_in();
    let over = Arc::new(AtomicBool::new(false));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let stop = Arc::clone(&over);
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4000000000\r\n\r\n");
            // As slow as a network, until the test has seen enough.
            while !stop.load(Ordering::Relaxed) && stream.write_all(&[b'x'; 20_000]).is_ok() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    });
    let on_a_terminal = |args: &[&str]| {
        world.run(args).within("script", |own| {
            let words: Vec<String> = own.iter().map(|word| format!("'{}'", word.display())).collect();
            ["-q", "-e", "-c", &words.join(" "), "/dev/null"].map(Into::into).to_vec()
        })
    };
    let running = on_a_terminal(&["get", &url, "-o", "out"]).start();
    until(|| {
        fs::read_dir(world.home.path()).unwrap().flatten().any(|entry| {
            entry.file_name().to_string_lossy().starts_with(".entrada-")
                && entry.metadata().is_ok_and(|about| about.len() > 900_000)
        })
    });
    over.store(true, Ordering::Relaxed);
    let said = running.done().text();
    assert!(said.contains("\r  0% [                    ] ") && said.contains(" of 4.0 GB  "), "{said:?}");
    assert!(said.contains("/s  ") && said.contains(" left\u{1b}[K"), "{said:?}");
    assert!(
        said.contains("\r\u{1b}[K") && said.contains("ended before it was whole"),
        "it goes when it ends: {said:?}"
    );

    // And an upload.
    over.store(false, Ordering::Relaxed);
    let big = fs::File::create(world.home.path().join("big")).unwrap();
    big.set_len(3_000_000).unwrap();
    world.run(&["post", &world.url("upload"), "-d", "@big"]).done().expect_code(0);
    let quiet = world.run(&["get", &url, "-o", "out", "--timeout", "1"]).start();
    over.store(true, Ordering::Relaxed);
    let quiet = quiet.done();
    assert!(!quiet.stderr.contains('\r'), "no terminal: {:?}", quiet.stderr);
}
