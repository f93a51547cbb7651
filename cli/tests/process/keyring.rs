//! Tokens encrypted with a key from a real keyring, and where there is none.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use entrada_conformance::session::{At, Session};

use crate::support::*;

fn within(session: &Session, world: &World, args: &[&str]) -> Run {
    let bus = session.variables().into_iter().find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS").unwrap().1;
    world.run(args).var("DBUS_SESSION_BUS_ADDRESS", bus)
}

/// Ada signs in in the browser; what the command said.
fn sign_in(world: &World, run: Run) -> Done {
    let running = run.args(&["--flow", "browser", "--no-browser"]).start();
    world.visit(&running.sign_in_url());
    running.done().expect_code(0)
}

fn sealed(world: &World) -> PathBuf {
    world.home.cache().with_file_name("tokens.sealed")
}

/// No token that was issued stands in any file below that folder.
#[track_caller]
fn holds_no_token(world: &World, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            holds_no_token(world, &path);
        } else if kind.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            for issued in world.stage.issued() {
                for secret in [Some(issued.access_token), issued.refresh_token].into_iter().flatten() {
                    assert!(!text.contains(&secret[..secret.len().min(40)]), "a token in {}", path.display());
                }
            }
        }
    }
}

#[test]
fn a_sign_in_is_found_again_and_nothing_is_in_clear() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    sign_in(&world, within(&session, &world, &["login", "--store", "keyring"]));
    let token = within(&session, &world, &["token", "--store", "keyring"]).done().expect_code(0);
    assert_eq!(token.text().trim(), world.last_token());
    assert_eq!(token.stderr, "");
    within(&session, &world, &["token", "--store", "keyring", "--refresh"]).done().expect_code(0);
    let listed = within(&session, &world, &["accounts"]).done().expect_code(0);
    assert!(listed.text().contains("tokens.sealed"), "auto stays with the file that is there: {}", listed.text());
    holds_no_token(&world, world.home.path());
    holds_no_token(&world, session.home());
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(sealed(&world)).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn auto_takes_the_keyring_where_there_is_one() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    let done = sign_in(&world, within(&session, &world, &["login"]));
    assert!(!done.stderr.contains("unencrypted"), "{}", done.stderr);
    assert!(sealed(&world).exists() && !world.home.cache().exists());
    let token = within(&session, &world, &["token"]).done().expect_code(0);
    assert_eq!((token.text().trim(), token.stderr.as_str()), (world.last_token().as_str(), ""));

    // Without the session nothing is lost, and the reason is told.
    world.done(&["token"]).fails(10, "cannot be read here, as there is no keyring", "run: entrada login");
    assert!(sealed(&world).exists());
}

#[test]
fn auto_takes_a_file_where_there_is_no_keyring_and_says_so_once_per_sign_in() {
    let world = World::new();
    for _ in 0..2 {
        let done = sign_in(&world, world.run(&["login"]));
        assert_eq!(done.stderr.matches("kept unencrypted in").count(), 1, "{}", done.stderr);
    }
    assert!(world.home.cache().exists() && !sealed(&world).exists());
    assert_eq!(world.done(&["token"]).expect_code(0).stderr, "");
    assert_eq!(world.done(&["token", "--refresh"]).expect_code(0).stderr, "");
    world.done(&["token", "--store", "keyring", "--refresh"]).expect_code(0).says("could not be stored");
    assert!(world.home.cache().exists() && !sealed(&world).exists(), "nothing is lost");
}

#[test]
fn auto_falls_back_to_a_file_where_the_keyring_hangs() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    session.hang();
    let since = Instant::now();
    within(&session, &world, &["token"]).done().expect_code(10);
    assert!(since.elapsed() < Duration::from_secs(1), "nothing is kept yet: the keyring is not asked");
    let done = sign_in(&world, within(&session, &world, &["login"]));
    assert!(since.elapsed() < Duration::from_secs(8), "it took {:?}", since.elapsed());
    done.says("No keyring is used: the keyring did").says("kept unencrypted in");
    let token = within(&session, &world, &["token"]).done().expect_code(0);
    assert_eq!(token.stderr, "");
}

#[test]
fn auto_stays_with_a_plain_file_and_keyring_takes_it_over() {
    let Some(session) = Session::start() else { return };
    let world = World::signed_in();
    let token = within(&session, &world, &["token"]).done().expect_code(0);
    assert_eq!((token.text().trim(), token.stderr.as_str()), (world.last_token().as_str(), ""));
    within(&session, &world, &["token", "--refresh"]).done().expect_code(0);
    assert!(world.home.cache().exists() && !sealed(&world).exists(), "auto stays with the file that is there");

    let token = within(&session, &world, &["token", "--store", "keyring"]).done().expect_code(0);
    assert_eq!(token.text().trim(), world.last_token(), "the plain file is read");
    let done = within(&session, &world, &["token", "--store", "keyring", "--refresh"]).done().expect_code(0);
    done.says("is now encrypted in");
    assert!(!world.home.cache().exists() && sealed(&world).exists());
    holds_no_token(&world, world.home.path());
    let token = within(&session, &world, &["token"]).done().expect_code(0);
    assert_eq!((token.text().trim(), token.stderr.as_str()), (world.last_token().as_str(), ""));
}

#[test]
fn a_named_file_is_plain_with_auto_and_encrypted_with_keyring() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    let (plain, other) = (world.home.path().join("plain.json"), world.home.path().join("sealed"));
    let file = plain.display().to_string();
    sign_in(&world, within(&session, &world, &["login", "--cache", &file]));
    serde_json::from_slice::<serde_json::Value>(&fs::read(&plain).unwrap()).unwrap();
    let before = fs::read(&plain).unwrap();
    // A plain cache is no encrypted one, and none the worse for the mistake.
    let done = sign_in(&world, within(&session, &world, &["login", "--store", "keyring", "--cache", &file]));
    done.says("the token could not be stored");
    assert_eq!(fs::read(&plain).unwrap(), before);

    fs::remove_file(&plain).unwrap();
    let file = other.display().to_string();
    sign_in(&world, within(&session, &world, &["login", "--store", "keyring", "--cache", &file]));
    holds_no_token(&world, world.home.path());
}

#[test]
fn a_file_that_was_changed_is_set_aside_by_a_sign_in() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    sign_in(&world, within(&session, &world, &["login"]));
    let mut content = fs::read(sealed(&world)).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(sealed(&world), &content).unwrap();
    within(&session, &world, &["token"]).done().fails(10, "the token cache is unreadable", "run: entrada login");
    within(&session, &world, &["accounts"]).done().expect_code(16).says("cannot be decrypted");
    assert_eq!(fs::read(sealed(&world)).unwrap(), content);
    sign_in(&world, within(&session, &world, &["login"])).says("it was set aside");
    assert_eq!(fs::read(sealed(&world).with_file_name("tokens.sealed.corrupt-1")).unwrap(), content);
    within(&session, &world, &["token"]).done().expect_code(0);
}

#[test]
fn a_locked_keyring_is_told_and_a_script_asks_nobody() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    sign_in(&world, within(&session, &world, &["login"]));
    session.lock();
    let since = Instant::now();
    within(&session, &world, &["accounts"]).done().expect_code(16).says("the keyring is locked: unlock it");
    assert!(since.elapsed() < Duration::from_secs(2), "standard error is no terminal: nobody is asked");
}

/// Bob signs in in the browser.
fn sign_in_bob(world: &World, run: Run) {
    let running = run.args(&["--flow", "browser", "--no-browser"]).start();
    world.stage.visitor().user("bob@contoso.example").visit(&running.sign_in_url()).unwrap();
    running.done().expect_code(0);
}

#[test]
fn tokens_that_are_out_of_reach_are_not_signed_out_and_not_nobodys() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    sign_in(&world, within(&session, &world, &["login"]));
    let before = fs::read(sealed(&world)).unwrap();
    for args in [&["logout", "--all"][..], &["logout"], &["logout", "--account", "ada@contoso.example"]] {
        world.done(args).fails(16, "there is no keyring", "where its keyring is");
    }
    let listed = world.done(&["accounts"]).expect_code(0).says("cannot be read here, as there is no keyring");
    assert_eq!(listed.text(), "");
    assert_eq!(fs::read(sealed(&world)).unwrap(), before);

    // What is in reach is signed out all the same.
    sign_in_bob(&world, world.run(&["login"]));
    let listed = world.done(&["accounts"]).expect_code(0).says("cannot be read here, as there is no keyring");
    assert!(listed.text().contains("bob@") && !listed.text().contains("ada@"), "{}", listed.text());
    let done = world.done(&["logout", "--all"]).fails(16, "there is no keyring", "where its keyring is");
    done.says("Signed out bob@contoso.example");
    assert_eq!(fs::read(sealed(&world)).unwrap(), before);
}

#[test]
fn a_second_store_is_listed_and_signed_out_of() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    let listed = || within(&session, &world, &["accounts"]).done().expect_code(0).text();
    sign_in(&world, within(&session, &world, &["login"]));
    sign_in_bob(&world, world.run(&["login"]));
    assert!(sealed(&world).exists() && world.home.cache().exists());
    let table = listed();
    for words in ["ada@", "bob@", "tokens.sealed", "tokens.json"] {
        assert!(table.contains(words), "no {words} in {table}");
    }
    within(&session, &world, &["logout"]).done().expect_code(15).says("several accounts are signed in");
    within(&session, &world, &["logout", "--account", "carol@contoso.example"]).done().expect_code(15);
    within(&session, &world, &["logout", "--account", "bob@contoso.example"]).done().expect_code(0);
    assert!(listed().contains("ada@") && !listed().contains("bob@"));
    sign_in_bob(&world, world.run(&["login"]));
    let done = within(&session, &world, &["logout", "--all"]).done().expect_code(0);
    done.says("Signed out ada@contoso.example").says("Signed out bob@contoso.example");
    assert_eq!(listed(), "");
    holds_no_token(&world, world.home.path());
}

#[test]
fn what_is_still_in_the_plain_file_is_taken_over_by_each_save() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    let encrypting = |args: &[&str]| within(&session, &world, args).args(&["--store", "keyring"]);
    sign_in(&world, encrypting(&["login"]));
    sign_in_bob(&world, world.run(&["login", "--store", "file"]));
    let table = encrypting(&["accounts"]).done().expect_code(0).text();
    assert!(table.contains("ada@") && table.contains("bob@"), "{table}");
    let refresh = ["token", "--refresh", "--account", "ada@contoso.example"];
    encrypting(&refresh).done().expect_code(0).says("is now encrypted in");
    assert!(!world.home.cache().exists());
    encrypting(&["token", "--account", "bob@contoso.example"]).done().expect_code(0);
    holds_no_token(&world, world.home.path());

    // Nor does a sign-out leave there what the encrypted file would get back from it.
    sign_in_bob(&world, world.run(&["login", "--store", "file"]));
    encrypting(&["logout", "--all"]).done().expect_code(0).says("Signed out bob@").says("is now encrypted in");
    assert_eq!(encrypting(&["accounts"]).done().expect_code(0).text(), "");
    holds_no_token(&world, world.home.path());
}

#[test]
fn a_plain_file_that_cannot_be_deleted_is_a_warning_each_time() {
    let Some(session) = Session::start() else { return };
    let world = World::signed_in();
    let elsewhere = world.home.path().join("elsewhere.json");
    fs::rename(world.home.cache(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, world.home.cache()).unwrap();
    for _ in 0..2 {
        let done = within(&session, &world, &["token", "--store", "keyring", "--refresh"]).done().expect_code(0);
        done.says("warning: ").says("the plain file is still there");
    }
    assert!(sealed(&world).exists() && elsewhere.exists());
    fs::write(&elsewhere, "no cache").unwrap();
    let done = within(&session, &world, &["token", "--store", "keyring", "--refresh"]).done().expect_code(0);
    done.says("warning: what is in ").says("is not taken over");
    assert_eq!(fs::read(&elsewhere).unwrap(), b"no cache");
}

#[test]
fn a_plain_file_that_cannot_be_read_is_no_empty_one() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    fs::create_dir_all(world.home.cache()).unwrap();
    within(&session, &world, &["accounts", "--store", "keyring"]).done().expect_code(16).says("is a folder");
    sign_in(&world, within(&session, &world, &["login", "--store", "keyring"])).says("could not be stored");
    assert!(!sealed(&world).exists(), "what is in the plain file would be passed over from then on");
}

#[test]
fn a_locked_keyring_is_no_reason_for_a_plain_file() {
    let Some(session) = Session::start() else { return };
    let world = World::new();
    session.lock();
    let since = Instant::now();
    let done = sign_in(&world, within(&session, &world, &["login", "--sign-in-timeout", "8"]));
    let done = done.says("warning: the token could not be stored").says("nobody unlocked it within 8s: unlock it");
    assert!(!done.stderr.contains("unencrypted"), "{}", done.stderr);
    assert!(since.elapsed() >= Duration::from_secs(8), "the user has more than three seconds");
    assert!(!sealed(&world).exists() && !world.home.cache().exists());

    session.unlock();
    let done = sign_in(&world, within(&session, &world, &["login"]));
    assert!(!done.stderr.contains("unencrypted"), "{}", done.stderr);
    assert!(sealed(&world).exists() && !world.home.cache().exists());
    within(&session, &world, &["token"]).done().expect_code(0);
}

#[test]
fn a_keyring_that_ends_in_the_midst_of_a_call_is_no_reason_for_a_plain_file() {
    let Some(session) = Session::without_keyring() else { return };
    let world = World::new();
    let service = session.serve(false, &[At::Ends("CreateItem")]);
    let done = sign_in(&world, within(&session, &world, &["login"]));
    assert_eq!(service.calls().last().unwrap(), "CreateItem");
    let done = done.says("warning: nothing is kept: the keyring's service ended in the midst of a call");
    assert!(!done.stderr.contains("unencrypted"), "{}", done.stderr);
    assert!(!sealed(&world).exists() && !world.home.cache().exists());
}

#[test]
fn an_encrypted_file_stays_the_one_where_the_keyring_ends_in_the_midst_of_a_call() {
    let Some(mut session) = Session::start() else { return };
    let world = World::new();
    sign_in(&world, within(&session, &world, &["login"]));
    let before = fs::read(sealed(&world)).unwrap();
    session.end_keyring();
    let ends = || session.serve(false, &[At::Ends("GetSecret")]);
    let service = ends();
    let listed = within(&session, &world, &["accounts"]).done().expect_code(16);
    listed.says("the keyring's service ended in the midst of a call");
    assert_eq!(service.calls().last().unwrap(), "GetSecret");
    let _service = ends();
    // What it asks after that, it asks a bus without a keyring.
    let done = sign_in(&world, within(&session, &world, &["login"])).says("could not be stored");
    assert!(!done.stderr.contains("unencrypted"), "{}", done.stderr);
    assert!(fs::read(sealed(&world)).unwrap() == before && !world.home.cache().exists());
}
