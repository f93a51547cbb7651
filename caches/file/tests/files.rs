//! The file itself: who may read it, where it is, and that it survives.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use entrada_cache_file::FileCache;
use entrada_core::Fault;
use entrada_core::ports::blocking::{Cache, TryLock};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_and_made_folders_are_for_the_user_alone() {
    let (folder, _) = folder();
    set_mode(folder.path(), 0o755);
    let path = folder.path().join("a/b/tokens.json");
    let cache = FileCache::new(&path);
    let guard = cache.try_lock().unwrap();
    cache.save(b"{}").unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.path().join("a/b/tokens.json.lockfile")), 0o600);
    assert_eq!((mode(&folder.path().join("a")), mode(&folder.path().join("a/b"))), (0o700, 0o700));
    assert_eq!(mode(folder.path()), 0o755, "a folder that was there is left alone");
    drop(guard);
    assert_eq!(names(&folder.path().join("a/b")), ["tokens.json"], "nothing is left behind");
}

#[test]
fn a_wide_mode_is_narrowed_and_a_narrow_one_not_widened() {
    let (_folder, path) = folder();
    fs::write(&path, "{}").unwrap();
    for (before, after) in [(0o644, 0o600), (0o666, 0o600), (0o604, 0o600), (0o440, 0o400), (0o400, 0o400)] {
        set_mode(&path, before);
        assert_eq!(FileCache::new(&path).load().unwrap().as_deref(), Some(&b"{}"[..]));
        assert_eq!(mode(&path), after, "{before:o}");
        FileCache::new(&path).save(b"{}").unwrap();
        assert_eq!(mode(&path), after, "{before:o}, saved");
    }
    set_mode(&path, 0o644);
    FileCache::new(&path).save(b"{}").unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_symbolic_link_stays_one() {
    let (folder, path) = folder();
    let dotfiles = folder.path().join("dotfiles");
    fs::create_dir(&dotfiles).unwrap();
    symlink("dotfiles/link", &path).unwrap();
    symlink("real.json", dotfiles.join("link")).unwrap();
    let cache = FileCache::new(&path);
    assert_eq!(cache.load().unwrap(), None, "a link to nothing yet");
    for content in ["one", "two"] {
        cache.save(content.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(dotfiles.join("real.json")).unwrap(), content);
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    }
    assert_eq!(names(&dotfiles), ["link", "real.json"]);
    let aside = cache.set_aside().unwrap();
    assert_eq!(fs::read_to_string(aside).unwrap(), "two");
    assert_eq!(cache.load().unwrap(), None);
    cache.save(b"three").unwrap();
    assert_eq!(fs::read_to_string(dotfiles.join("real.json")).unwrap(), "three");

    let circle = folder.path().join("circle");
    symlink("circle", &circle).unwrap();
    FileCache::new(&circle).load().unwrap_err();
    FileCache::new(&circle).save(b"{}").unwrap_err();
}

#[test]
fn only_a_regular_file_is_read_or_replaced() {
    let (folder, path) = folder();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let device = PathBuf::from("/dev/null");
    for path in [folder.path(), &pipe, &device] {
        let cache = FileCache::new(path);
        assert_eq!(cache.load().unwrap_err().fault(), Fault::Denied);
        assert_eq!(cache.save(b"{}").unwrap_err().fault(), Fault::Denied);
        assert_eq!(cache.set_aside().unwrap_err().fault(), Fault::Denied);
    }
    assert!(fs::metadata(&device).unwrap().file_type().is_char_device());

    let large = fs::File::create(&path).unwrap();
    large.set_len(512 * 1024 * 1024 + 1).unwrap();
    let error = FileCache::new(&path).load().map(|_| "read").unwrap_err();
    assert_eq!(error.fault(), Fault::TooLarge, "{error}");
    assert!(error.to_string().contains("tokens.json"), "{error}");
    large.set_len(0).unwrap();
    assert_eq!(FileCache::new(&path).load().unwrap(), None, "an empty file holds no tokens yet");
}

#[test]
fn what_is_set_aside_gets_the_next_number() {
    let (folder, path) = folder();
    fs::write(folder.path().join("tokens.json.corrupt-1"), "of long ago").unwrap();
    for (content, number) in [("two", 2), ("three", 3)] {
        fs::write(&path, content).unwrap();
        let aside = FileCache::new(&path).set_aside().unwrap();
        assert!(aside.ends_with(&format!("tokens.json.corrupt-{number}")), "{aside}");
        assert_eq!(fs::read_to_string(aside).unwrap(), content);
    }
    assert_eq!(fs::read_to_string(folder.path().join("tokens.json.corrupt-1")).unwrap(), "of long ago");
    assert_eq!(FileCache::new(&path).set_aside().unwrap_err().fault(), Fault::NotFound);
}

#[test]
fn what_a_killed_process_left_is_swept_away() {
    let (folder, path) = folder();
    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let (dead, alive) = (format!(".tokens.json.new-{}-0", ended.id()), ".tokens.json.new-1-0".to_owned());
    fs::write(folder.path().join(&dead), "tokens").unwrap();
    fs::write(folder.path().join(&alive), "of a process that runs").unwrap();
    FileCache::new(&path).save(b"{}").unwrap();
    assert_eq!(names(folder.path()), [alive.as_str(), "tokens.json"]);
}

#[test]
fn another_users_file_stays_his_when_root_writes() {
    let (_folder, path) = folder();
    fs::write(&path, "{}").unwrap();
    if std::os::unix::fs::chown(&path, Some(65_534), Some(65_534)).is_err() {
        return println!("skipped: it takes root");
    }
    FileCache::new(&path).save(b"{\"new\":1}").unwrap();
    assert_eq!((fs::metadata(&path).unwrap().uid(), mode(&path)), (65_534, 0o600));
}

/// Runs the named part of this file where it may mount a file system of its own.
fn in_a_mount_namespace(part: &str) {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
    match command.args([part, "--exact", "--ignored", "--nocapture"]).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) if output.stdout.is_empty() && std::env::var_os("CI").is_none() => {
            println!("skipped: no mount namespace here: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output) => panic!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        Err(error) if std::env::var_os("CI").is_none() => println!("skipped: no unshare here: {error}"),
        Err(error) => panic!("{error}"),
    }
}

fn mount(options: &str, place: &Path) {
    let status = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(place).status().unwrap();
    assert!(status.success(), "mount -o {options}");
}

#[test]
fn a_full_disk_leaves_the_old_content() {
    in_a_mount_namespace("part_full_disk");
}

#[test]
#[ignore = "a part of the test above"]
fn part_full_disk() {
    let (folder, path) = folder();
    mount("size=64k", folder.path());
    let cache = FileCache::new(&path);
    cache.save(b"the old content").unwrap();
    let error = cache.save(&vec![b'x'; 200_000]).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    assert_eq!(cache.load().unwrap().as_deref(), Some(&b"the old content"[..]));
    assert_eq!(names(folder.path()), ["tokens.json"], "the temporary file is gone");
    // The lock needs no room but its name.
    fs::write(folder.path().join("ballast"), vec![b'x'; 70_000]).unwrap_err();
    assert!(matches!(cache.try_lock().unwrap(), TryLock::Held(_)));
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    in_a_mount_namespace("part_read_only");
}

#[test]
#[ignore = "a part of the test above"]
fn part_read_only() {
    let (folder, path) = folder();
    mount("size=64k", folder.path());
    let cache = FileCache::new(&path);
    cache.save(b"{}").unwrap();
    mount_again_read_only(folder.path());
    assert_eq!(cache.load().unwrap().as_deref(), Some(&b"{}"[..]));
    let error = cache.save(b"new").unwrap_err();
    assert_eq!(error.fault(), Fault::Denied, "{error}");
    assert_eq!(cache.set_aside().unwrap_err().fault(), Fault::Denied);
    assert!(matches!(cache.try_lock().unwrap(), TryLock::Unsupported));
    let deeper = FileCache::new(folder.path().join("not/there/tokens.json"));
    assert_eq!(deeper.load().unwrap(), None);
    assert_eq!(deeper.save(b"new").unwrap_err().fault(), Fault::Denied);
    assert!(matches!(deeper.try_lock().unwrap(), TryLock::Unsupported));
}

fn mount_again_read_only(place: &Path) {
    assert!(Command::new("mount").args(["-o", "remount,ro"]).arg(place).status().unwrap().success());
}

/// The times of a file as if it had been left alone for a while.
fn settle(path: &std::path::Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
}

#[test]
fn a_snapshot_is_of_the_file_as_it_is() {
    let (_folder, path) = folder();
    let cache = FileCache::new(&path);
    let told = || format!("{:?}", cache.snapshot().unwrap());
    assert_eq!(told(), "Snapshot(nothing)");
    // In place, of the same length, and with the same time of modification: the file's own change shows.
    fs::write(&path, r#"{"Account":{"a":1}}"#).unwrap();
    settle(&path);
    std::thread::sleep(std::time::Duration::from_millis(150));
    let first = told();
    assert!(first.contains("Account: 1"), "{first}");
    assert_eq!(told(), first);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    std::io::Write::write_all(&mut &file, br#"{"IdToken":{"a":1}}"#).unwrap();
    file.set_modified(modified).unwrap();
    assert!(told().contains("IdToken: 1"), "{}", told());
    fs::remove_file(&path).unwrap();
    assert_eq!(told(), "Snapshot(nothing)");
    fs::create_dir(&path).unwrap();
    assert_eq!(cache.snapshot().unwrap_err().fault(), Fault::Denied);
}

/// As Microsoft's libraries write: the file is emptied, and filled, under the lock.
#[test]
fn what_another_has_half_written_is_read_when_it_is_whole() {
    let (folder, path) = folder();
    let lockfile = folder.path().join("tokens.json.lockfile");
    for half in ["", "{\"Account\":{\"a\""] {
        fs::write(&path, half).unwrap();
        // Process 1 always runs.
        fs::write(&lockfile, "1 python").unwrap();
        let writer = std::thread::spawn({
            let (path, lockfile) = (path.clone(), lockfile.clone());
            move || {
                std::thread::sleep(std::time::Duration::from_millis(40));
                fs::write(&path, r#"{"Account":{"a":1}}"#).unwrap();
                fs::remove_file(&lockfile).unwrap();
            }
        });
        let told = format!("{:?}", FileCache::new(&path).snapshot().unwrap());
        assert!(told.contains("Account: 1"), "{half:?}: {told}");
        writer.join().unwrap();
    }

    // What nobody is writing is what it is, at once; and so it is for whoever has the lock.
    for content in ["", "{"] {
        fs::write(&path, content).unwrap();
        let cache = FileCache::new(&path);
        let since = std::time::Instant::now();
        assert_eq!(cache.snapshot().unwrap().is_corrupt(), content == "{");
        let _held = cache.try_lock().unwrap();
        assert_eq!(cache.snapshot().unwrap().is_corrupt(), content == "{");
        assert!(since.elapsed() < std::time::Duration::from_millis(500));
    }
}
