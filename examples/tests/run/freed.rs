//! `c`: what it frees is wiped before. A `free` of our own keeps all that is freed, to be searched for the secrets of
//! that run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use entrada_authority::{Endpoint, Stage};
use tempfile::TempDir;

use crate::c::{Linked, beside, compile, with_arguments};
use crate::session::{DEVICE_CODE, run, run_for_a_slow_user, stage};

/// Of a secret so many bytes in a row, wherever in it they are, are no chance: in base64 they are one of 2^72, and with
/// a few thousand of them in a few megabytes no more than one run of 10^11 finds one that is none. How a secret begins
/// would be no sign of one: behind the same `1.A` as a refresh token an ID token has 32 random bytes as its claim `rh`.
const PIECE: usize = 12;

/// A program whose freed blocks go to a file.
fn kept(dir: &TempDir, source: &str) -> (Command, PathBuf) {
    let program = compile(dir, &[source, "tests/run/freed.c"], Linked::Static, &beside());
    let freed = dir.path().join("freed");
    let mut command = Command::new(program);
    command.env("FREED", &freed);
    (command, freed)
}

/// All that was issued to the program, by kind.
fn secrets(stage: &Stage) -> Vec<(&'static str, String)> {
    let mut secrets = Vec::new();
    for issued in stage.issued() {
        secrets.push(("access token", issued.access_token));
        secrets.push(("refresh token", issued.refresh_token.unwrap()));
        secrets.push(("id token", issued.id_token.unwrap()));
    }
    for request in stage.requests_at(Endpoint::Token) {
        secrets.extend(request.parameter("device_code").map(|code| ("device code", code.to_owned())));
    }
    for (kind, secret) in &secrets {
        // A form and a URL carry such characters as they are (RFC 3986 2.3): encoded they are the same bytes.
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        assert!(secret.len() > 2 * PIECE && secret.bytes().all(is_unreserved), "the {kind}");
    }
    secrets
}

/// Where a piece of the secret is among the bytes, and which part of the secret it is.
fn remnant(freed: &[u8], secret: &str) -> Option<(usize, usize)> {
    let mut pieces: Vec<(&[u8], usize)> = secret.as_bytes().windows(PIECE).zip(0..).collect();
    pieces.sort_unstable();
    // Most of what is freed is zeros.
    let mut begins = [false; 256];
    pieces.iter().for_each(|(piece, _)| begins[usize::from(piece[0])] = true);
    freed.windows(PIECE).enumerate().filter(|(_, bytes)| begins[usize::from(bytes[0])]).find_map(|(place, bytes)| {
        let found = pieces.binary_search_by_key(&bytes, |(piece, _)| *piece).ok()?;
        Some((place, pieces[found].1))
    })
}

fn contains(freed: &[u8], text: &str) -> bool {
    freed.windows(text.len()).any(|bytes| bytes == text.as_bytes())
}

#[test]
fn what_is_freed_holds_no_secret() {
    let (stage, dir) = (stage(), tempfile::tempdir().unwrap());
    // The code is entered late, so that it is asked for in vain as well, as by every user of flesh and blood.
    for (ahead, grant, polls) in [(0, DEVICE_CODE, 2), (0, "", 0), (24 * 3600, "refresh_token", 0)] {
        let (mut command, freed) = kept(&dir, "c/main.c");
        stage.advance(Duration::from_secs(ahead));
        let asked = stage.count(Endpoint::Token, "");
        let said = run_for_a_slow_user(&stage, with_arguments(&stage, &dir, &mut command), polls);
        assert_eq!((said.code, said.complaints.as_str()), (Some(0), ""), "{grant}");
        let asked = stage.count(Endpoint::Token, "") - asked;
        assert!(asked > polls || grant.is_empty(), "{grant}: {asked}");
        assert!(stage.count(Endpoint::Token, grant) > 0);

        let file = freed;
        let freed = fs::read(&file).unwrap();
        fs::remove_file(file).unwrap();
        // The library's own blocks are among them: it has copies of this, which is no secret.
        assert!(contains(&freed, stage.client_id()), "{} bytes and no client id", freed.len());
        let secrets = secrets(&stage);
        for kind in ["access token", "refresh token", "id token", "device code"] {
            assert!(secrets.iter().any(|(known, _)| *known == kind), "no {kind} was issued");
        }
        for (kind, secret) in secrets {
            let found = remnant(&freed, &secret).map(|(place, part)| {
                let around = freed[place.saturating_sub(40)..freed.len().min(place + PIECE + 40)].escape_ascii();
                format!("byte {part} of the {kind}, in {:?}", around.to_string())
            });
            assert_eq!(found, None, "{grant}: freed with a secret in it");
        }
    }
}

/// The negative control of that, for each kind, and for any part of it.
#[test]
fn a_secret_that_is_freed_is_found() {
    let (stage, dir) = (stage(), tempfile::tempdir().unwrap());
    let mut signs_in = Command::new(compile(&dir, &["c/main.c"], Linked::Static, &beside()));
    assert_eq!(run(&stage, with_arguments(&stage, &dir, &mut signs_in)).code, Some(0));
    for (kind, secret) in secrets(&stage) {
        for part in [0, secret.len() / 2, secret.len() - PIECE] {
            let (mut command, freed) = kept(&dir, "tests/run/spills.c");
            let piece = &secret[part..part + PIECE];
            let said = run(&stage, command.env("SECRET", piece));
            assert_eq!((said.code, said.complaints.as_str()), (Some(0), ""));
            let bytes = fs::read(&freed).unwrap();
            let (place, _) = remnant(&bytes, &secret).unwrap_or_else(|| panic!("the {kind} is not found at {part}"));
            assert_eq!(&bytes[place..place + PIECE], piece.as_bytes());
            // And is not found where one byte less was left of it.
            fs::remove_file(&freed).unwrap();
            run(&stage, command.env("SECRET", &piece[1..]));
            assert_eq!(remnant(&fs::read(&freed).unwrap(), &secret), None);
            fs::remove_file(&freed).unwrap();
        }
    }
}
