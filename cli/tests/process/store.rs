//! Where tokens are kept: what is wrong with it is a warning, what was in it is not lost.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::*;

/// Root may write anywhere: then the same is tried as nobody, for whom the file modes hold.
fn as_nobody(run: Run, world: &World) -> Option<Run> {
    if !is_root() {
        return Some(run);
    }
    if absent("setpriv") {
        return None;
    }
    // The program itself may lie in a folder of root's own.
    let copy = world.home.path().join("entrada");
    // Copied by another process: a file that is open for writing here, if only in the child of another test, is busy.
    assert!(Command::new("cp").arg(program()).arg(&copy).status().unwrap().success());
    Some(run.within("setpriv", |own| {
        let words = ["--reuid=65534", "--regid=65534", "--clear-groups"].map(PathBuf::from);
        words.into_iter().chain([copy]).chain(own[1..].iter().cloned()).collect()
    }))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0)
}

/// Gives all of the home to nobody, where root runs the tests.
fn hand_over(world: &World) {
    if is_root() {
        assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(world.home.path()).status().unwrap().success());
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_corrupt_cache_is_left_alone_until_a_sign_in_sets_it_aside() {
    let world = World::new();
    let cache = world.home.cache();
    for (number, content) in
        ["{\"AccessToken\":", "not json", "[]", "{\"AccessToken\":[]}", "\u{0}\u{1}"].iter().enumerate()
    {
        world.home.file(".local/state/entrada/tokens.json", content);
        let done = world.done(&["token"]);
        done.fails(10, "warning: the token cache is unreadable", "run: entrada login");
        assert_eq!(fs::read_to_string(&cache).unwrap(), *content);

        let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
        world.visit(&running.sign_in_url());
        let done = running.done().expect_code(0).says("warning: the token cache was unreadable; it was set aside");
        let aside = cache.with_extension(format!("json.corrupt-{}", number + 1));
        assert!(done.stderr.contains(&aside.display().to_string()), "{}", done.stderr);
        assert_eq!(fs::read_to_string(&aside).unwrap(), *content);
        assert_eq!(fs::metadata(&aside).unwrap().permissions().mode() & 0o077, 0);
        world.done(&["token"]).expect_code(0);
    }
}

#[test]
fn a_corrupt_cache_is_no_empty_table_and_nothing_to_sign_out_of() {
    let world = World::new();
    let cache = world.home.file(".local/state/entrada/tokens.json", "not json");
    for args in [&["accounts"][..], &["logout"], &["logout", "--all"]] {
        world.done(args).fails(16, "the token cache cannot be used", &cache.display().to_string());
    }
    assert_eq!(fs::read_to_string(&cache).unwrap(), "not json");
}

#[test]
fn an_empty_file_is_an_empty_cache() {
    let world = World::new();
    world.home.file(".local/state/entrada/tokens.json", "");
    let done = world.done(&["token"]).expect_code(10);
    assert!(!done.stderr.contains("warning"), "{}", done.stderr);
    world.sign_in();
    world.done(&["token"]).expect_code(0);
}

#[test]
fn a_folder_in_its_place_costs_the_cache_and_not_the_answer() {
    let world = World::new();
    let cache = world.home.cache();
    fs::create_dir_all(&cache).unwrap();
    world.done(&["token"]).expect_code(10).says("warning: the token cache could not be read");
    let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    world.visit(&running.sign_in_url());
    running.done().expect_code(0).says("warning: the token could not be stored");
    world.done(&["accounts"]).expect_code(16).says("is a folder");
    assert!(cache.is_dir() && fs::read_dir(&cache).unwrap().next().is_none());
}

#[test]
fn what_may_not_be_read_is_left_alone() {
    let world = World::signed_in();
    let cache = world.home.cache();
    let before = fs::read(&cache).unwrap();
    hand_over(&world);
    set_mode(&cache, 0o000);
    for (args, code, sentence) in [
        (&["token"][..], 10, "warning: the token cache could not be read and is left as it is"),
        (&["accounts"], 16, "tokens.json"),
        (&["logout", "--all"], 16, "tokens.json"),
    ] {
        let Some(run) = as_nobody(world.run(args), &world) else { return };
        run.done().expect_code(code).says(sentence);
    }
    assert_eq!(fs::read(&cache).unwrap(), before);
}

#[test]
fn a_folder_that_may_not_be_written_to_costs_a_warning() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    let before = fs::read(world.home.cache()).unwrap();
    hand_over(&world);
    let folder = world.home.cache().parent().unwrap().to_owned();
    set_mode(&folder, 0o500);
    let url = world.url("api/me");
    for round in 1..=2 {
        let Some(run) = as_nobody(world.run(&["get", &url]), &world) else { break };
        let done = run.done().expect_code(0).says("warning: the token could not be stored");
        assert_eq!(done.json()["name"], "Ada Lovelace");
        assert_eq!(world.refreshes(), round);
    }
    assert_eq!(fs::read(world.home.cache()).unwrap(), before);
    set_mode(&folder, 0o700);
}

#[test]
fn a_full_disk_costs_a_warning() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    let disk = world.home.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let Some(_mounted) = Mounted::tmpfs(&disk, "64k") else { return };
    let cache = disk.join("tokens.json");
    fs::copy(world.home.cache(), &cache).unwrap();
    let before = fs::read(&cache).unwrap();
    let _ = fs::write(disk.join("filler"), vec![0; 1 << 20]);

    let url = world.url("api/me");
    let name = cache.display().to_string();
    let done = world.done(&["get", &url, "--cache", &name]).expect_code(0);
    assert_eq!(done.says("warning: the token could not be stored").json()["name"], "Ada Lovelace");
    assert_eq!(fs::read(&cache).unwrap(), before);
    let names: Vec<_> = fs::read_dir(&disk).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names.len(), 2, "nothing else is left there: {names:?}");

    let out = disk.join("out").display().to_string();
    world.done(&["get", &world.url("bytes/100000"), "-o", &out]).expect_code(1).says("cannot be written");
    assert!(!disk.join("out").exists());
    fs::remove_file(disk.join("filler")).unwrap();
    world.done(&["get", &url, "--cache", &name]).expect_code(0);
    assert_ne!(fs::read(&cache).unwrap(), before);
}

/// A file system of its own, away again when this is dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` where this may not be done; on a build server it must be possible.
    fn tmpfs(at: &Path, size: &str) -> Option<Self> {
        let options = format!("size={size}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        let done = mount.is_ok_and(|output| output.status.success());
        assert!(done || std::env::var_os("CI").is_none(), "no tmpfs can be mounted");
        done.then(|| Self(at.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_link_stays_a_link() {
    let world = World::new();
    let target = world.home.path().join("elsewhere.json");
    fs::create_dir_all(world.home.cache().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&target, world.home.cache()).unwrap();
    world.sign_in();
    assert!(fs::symlink_metadata(world.home.cache()).unwrap().is_symlink() && target.is_file());
    world.done(&["token"]).expect_code(0);
}

#[test]
fn a_file_that_is_far_too_large_is_not_ours() {
    let world = World::new();
    let cache = world.home.file(".local/state/entrada/tokens.json", "x");
    fs::File::options().write(true).open(&cache).unwrap().set_len(513 << 20).unwrap();
    world.done(&["token"]).expect_code(10).says("warning: the token cache could not be read");
    world.done(&["accounts"]).expect_code(16).says("larger than 512 MiB");
    assert_eq!(fs::metadata(&cache).unwrap().len(), 513 << 20);
}

#[test]
fn what_others_keep_in_the_file_stays_there() {
    let world = World::signed_in();
    let mut cached = world.home.cached();
    let foreign = serde_json::json!({"client_id": "someone-else", "secret": "theirs", "of_their_own": [1, null]});
    cached["RefreshToken"]["theirs"] = foreign.clone();
    cached["SomethingNew"] = serde_json::json!({"kept": true});
    fs::write(world.home.cache(), cached.to_string()).unwrap();
    let kept = |step: &str| {
        let cached = world.home.cached();
        assert_eq!(
            (&cached["RefreshToken"]["theirs"], &cached["SomethingNew"]["kept"]),
            (&foreign, &true.into()),
            "{step}"
        );
    };
    world.done(&["token", "--refresh"]).expect_code(0);
    kept("a refresh");
    world.sign_in();
    kept("a sign-in");
    world.done(&["logout", "--all"]).expect_code(0);
    kept("a sign-out");
}
