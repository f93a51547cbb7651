//! All of them at once at one file, each with tokens of its own, round after round: nobody's are lost.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use entrada_interop::skip;
use serde_json::Value;

use crate::House;
use crate::hand::{Hand, Order, Pair};

/// The file, which msal for Python and msal-node empty before they fill it.
fn read(path: &Path) -> Value {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        if let Ok(root) = serde_json::from_slice(&std::fs::read(path).unwrap()) {
            return root;
        }
        assert!(Instant::now() < deadline, "the file stays unreadable");
    }
}

fn has(root: &Value, section: &str, secret: &str) -> bool {
    root[section].as_object().into_iter().flatten().any(|(_, entry)| entry["secret"] == secret)
}

/// Refreshes so often, and looks each time whether what came of it is there.
fn plays(house: &House, binary: &Path, mut hand: Hand, pair: Pair<'_>, rounds: usize) -> Vec<String> {
    let mut lost = Vec::new();
    for round in 0..rounds {
        let token = hand.does(house, binary, Order::RefreshAgain, pair).unwrap();
        // For the others' turn: they ask for the lock ten or four times a second.
        thread::sleep(Duration::from_millis(50));
        let root = read(&house.cache());
        if !has(&root, "AccessToken", &token) {
            lost.push(format!("{pair:?} round {round}: the access token"));
        }
        if !has(&root, "RefreshToken", &newest_refresh_token(house, pair)) {
            lost.push(format!("{pair:?} round {round}: the refresh token"));
        }
    }
    lost
}

fn newest_refresh_token(house: &House, pair: Pair<'_>) -> String {
    let issued = house.stage.issued();
    let mut theirs = issued.iter().filter(|issued| (issued.client_id.as_str(), issued.upn.as_str()) == pair);
    theirs.next_back().unwrap().refresh_token.clone().unwrap()
}

#[test]
fn at_once_nobody_loses_a_token() {
    let Some(binary) = entrada_interop::binary() else {
        return skip(&"the command `entrada` is missing; run cargo build -p entrada-cli");
    };
    // Where there is a port in the name, msal for Python does without it.
    let house = match House::at(443) {
        Ok(house) => house,
        Err(error) => return skip(&format!("port 443 cannot be had: {error}")),
    };
    let (Some(mut python), Some(mut node)) = (Hand::python(&house), Hand::node(&house)) else { return };
    let (ada, bob) = (house.stage.ada().upn.as_str(), house.stage.bob().upn.as_str());
    let (one, other) = (house.stage.client_id(), house.stage.other_client_id());
    python.does(&house, &binary, Order::SignIn, (one, ada));
    node.does(&house, &binary, Order::SignIn, (one, bob));
    for user in [ada, bob] {
        Hand::Entrada.does(&house, &binary, Order::SignIn, (other, user));
    }

    let lost: Vec<String> = thread::scope(|scope| {
        let (house, binary) = (&house, binary.as_path());
        let turns = [
            (python, (one, ada), 8),
            (node, (one, bob), 25),
            (Hand::Entrada, (other, ada), 50),
            (Hand::Entrada, (other, bob), 50),
        ];
        let all = turns.map(|(hand, pair, rounds)| scope.spawn(move || plays(house, binary, hand, pair, rounds)));
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    // Between the other two no lock helps: they take one another's file for read within a tick of its clock.
    let (entradas, others): (Vec<String>, Vec<String>) = lost.into_iter().partition(|what| what.contains(other));
    assert_eq!(entradas, [""; 0]);
    assert!(others.len() <= 2, "{others:?}");
    let root = read(&house.cache());
    for pair in [(one, ada), (one, bob), (other, ada), (other, bob)] {
        assert!(has(&root, "RefreshToken", &newest_refresh_token(&house, pair)), "{pair:?}");
    }
    let files = std::fs::read_dir(house.folder.path()).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["ca.pem", "tokens.json"], "no lock stays, and nothing was set aside");
}
