//! Sign in with one, and find, refresh and sign out with the others: two users, two clients, one file.
//!
//! What the others do among themselves is theirs, and stands here as it was found (msal 1.39.0, msal-node 7.2.3):
//!
//! - msal-node gives its refresh tokens no date and a key of their own. msal for Python, which takes the latest
//!   date first, prefers an older one.
//! - After msal for Python has refreshed what msal-node had, there are two access tokens that fit. msal-node drops
//!   both and refreshes.
//! - Signing out, msal for Python also drops the account and the access tokens that other clients have of that
//!   user, and msal-node all that they have.
//! - On another port than 443 msal for Python files tokens under the host alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use entrada_authority::Endpoint;
use entrada_core::cache::TokenCache;
use entrada_core::{App, Authority};
use entrada_interop::skip;
use serde_json::{Map, Value, json};

use crate::House;
use crate::hand::{Hand, Order, Pair};

const SECTIONS: [&str; 5] = ["AccessToken", "RefreshToken", "IdToken", "Account", "AppMetadata"];

/// What is in the file beside all that the test is about, and must be there to the end.
fn beside() -> Map<String, Value> {
    let strangers = json!({
        "home_account_id": "eve.fabrikam", "environment": "login.example", "client_id": "a-third-client",
        "credential_type": "RefreshToken", "secret": "eves", "of_another_library": { "x": [1] },
    });
    let root = json!({
        "RefreshToken": { "eve.fabrikam-login.example-refreshtoken-a-third-client--": strangers },
        "SomethingNew": [1, { "two": 2 }],
        "Entrada": { "of_tomorrow": { "a": 1 } },
    });
    root.as_object().unwrap().clone()
}

/// A file, its authority, and all who share it.
struct Table {
    house: House,
    binary: PathBuf,
    hands: [Hand; 3],
}

const ENTRADA: usize = 0;
const PYTHON: usize = 1;
const NODE: usize = 2;

impl Table {
    /// `None`, and said so, where something is missing.
    fn laid(port: u16) -> Option<Self> {
        let Some(binary) = entrada_interop::binary() else {
            skip(&"the command `entrada` is missing; run cargo build -p entrada-cli");
            return None;
        };
        let house = match House::at(port) {
            Ok(house) => house,
            Err(error) => {
                skip(&format!("port {port} cannot be had: {error}"));
                return None;
            }
        };
        let hands = [Hand::Entrada, Hand::python(&house)?, Hand::node(&house)?];
        std::fs::write(house.cache(), Value::from(beside()).to_string()).unwrap();
        Some(Self { house, binary, hands })
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let stage = &self.house.stage;
        let users = [stage.ada().upn.clone(), stage.bob().upn.clone()];
        let clients = [stage.client_id(), stage.other_client_id()];
        clients.into_iter().flat_map(|client| users.clone().map(|user| (client, user))).collect()
    }

    fn does(&mut self, who: usize, order: Order, pair: Pair<'_>) -> Option<String> {
        self.ages(2);
        let (before, held) = (self.read(), self.refresh_tokens());
        let token = self.hands[who].does(&self.house, &self.binary, order, pair);
        let after = self.read();
        let step = format!("{} {order:?} {pair:?}", ["entrada", "python", "node"][who]);
        self.is_well_formed(&step, &after);
        if who != ENTRADA {
            assert_eq!(after["Entrada"], before["Entrada"], "{step}: our notes are kept");
        }
        if order != Order::SignOut {
            let (held, holds) = (held.keys(), self.refresh_tokens());
            let lost: Vec<_> = held.filter(|held| !holds.contains_key(*held)).collect();
            assert!(lost.is_empty(), "{step}: {lost:?} lost their refresh tokens");
        }
        token
    }

    fn read(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.house.cache()).unwrap()).unwrap()
    }

    /// What holds after every step, whoever made it.
    fn is_well_formed(&self, step: &str, root: &Value) {
        let beside = beside();
        assert_eq!(root["SomethingNew"], beside["SomethingNew"], "{step}");
        assert_eq!(root["Entrada"]["of_tomorrow"], beside["Entrada"]["of_tomorrow"], "{step}");
        for (key, entry) in beside["RefreshToken"].as_object().unwrap() {
            assert_eq!(&root["RefreshToken"][key], entry, "{step}: what is a stranger's stays to the letter");
        }
        for section in SECTIONS {
            for (key, entry) in root[section].as_object().into_iter().flatten() {
                assert_eq!(key, &key.to_lowercase(), "{step}: {section}");
                let needed: &[&str] = match section {
                    "AccessToken" => {
                        &["home_account_id", "client_id", "realm", "target", "secret", "expires_on", "cached_at"]
                    }
                    "RefreshToken" => &["home_account_id", "client_id", "secret"],
                    "IdToken" => &["home_account_id", "client_id", "realm", "secret"],
                    "Account" => &["home_account_id", "realm", "username", "local_account_id", "authority_type"],
                    _ => &["client_id"],
                };
                for name in [needed, &["environment"]].concat() {
                    let text = entry[name].as_str().unwrap_or_default();
                    assert!(!text.is_empty(), "{step}: {section} {key} has no {name}: {entry}");
                    if ["expires_on", "cached_at"].contains(&name) {
                        text.parse::<u64>().unwrap_or_else(|_| panic!("{step}: {section} {key}: {name} is {text}"));
                    }
                }
            }
        }
    }

    /// The refresh tokens in the file, by client and home account.
    fn refresh_tokens(&self) -> BTreeMap<(String, String), Vec<String>> {
        let root = self.read();
        let mut tokens: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for entry in root["RefreshToken"].as_object().unwrap().values() {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            tokens.entry((text("client_id"), text("home_account_id"))).or_default().push(text("secret"));
        }
        tokens
    }

    /// Makes all that is in the file older, for no test waits for a clock.
    fn ages(&self, seconds: u64) {
        let mut text = std::fs::read_to_string(self.house.cache()).unwrap();
        for name in ["\"cached_at\"", "\"expires_on\"", "\"last_modification_time\""] {
            let mut from = 0;
            while let Some(at) = text[from..].find(name) {
                let start = from + at + name.len();
                let digits = start + text[start..].find(|c: char| c.is_ascii_digit()).unwrap();
                let end = digits + text[digits..].find('"').unwrap();
                let older = text[digits..end].parse::<u64>().unwrap() - seconds;
                text.replace_range(digits..end, &older.to_string());
                from = digits;
            }
        }
        std::fs::write(self.house.cache(), text).unwrap();
    }

    /// What each of them finds without the authority; `None` where one finds nothing, or had to ask.
    fn found_by_all(&mut self, pair: Pair<'_>) -> [Option<String>; 3] {
        [ENTRADA, PYTHON, NODE].map(|who| {
            let count = self.house.stage.count(Endpoint::Token, "");
            let token = self.does(who, Order::Silent, pair);
            token.filter(|_| self.house.stage.count(Endpoint::Token, "") == count)
        })
    }

    /// Who has refresh tokens, strangers aside: the numbers of pairs.
    fn holders(&self) -> Vec<usize> {
        let users = self.house.stage.users();
        let pairs = self.pairs().into_iter().map(|(client, upn)| {
            let user = users.iter().find(|user| user.upn == upn).unwrap();
            (client.to_owned(), user.object_id.clone())
        });
        let held = self.refresh_tokens();
        let holds =
            |(client, id): &(String, String)| held.keys().any(|(c, h)| c == client && h.starts_with(id.as_str()));
        pairs.enumerate().filter(|(_, pair)| holds(pair)).map(|(number, _)| number).collect()
    }

    /// The refresh token that the last request used, and the newest that the pair had before it.
    fn used_and_newest(&self, pair: Pair<'_>) -> (String, String) {
        let requests = self.house.stage.requests_at(Endpoint::Token);
        let used = requests.last().unwrap().parameter("refresh_token").unwrap().to_owned();
        let issued = self.house.stage.issued();
        let mut theirs = issued.iter().filter(|issued| (issued.client_id.as_str(), issued.upn.as_str()) == pair);
        theirs.next_back();
        (used, theirs.next_back().unwrap().refresh_token.clone().unwrap())
    }
}

fn signed_in_by(table: &mut Table, signer: usize) {
    for (client, user) in table.pairs() {
        table.does(signer, Order::SignIn, (client, &user));
    }
    assert_eq!(table.holders(), [0, 1, 2, 3]);
}

/// The whole way of a file whose tokens come from one of them.
fn goes_round(signer: usize) {
    let Some(mut table) = Table::laid(443) else { return };
    signed_in_by(&mut table, signer);
    let pairs = table.pairs();
    let pairs: Vec<Pair<'_>> = pairs.iter().map(|(client, user)| (*client, user.as_str())).collect();
    for pair in &pairs {
        let [first, second, third] = table.found_by_all(*pair);
        assert!(first.is_some() && first == second && second == third, "{pair:?}: one finds another's token");
    }

    let mut last = signer;
    for who in [ENTRADA, PYTHON, NODE, ENTRADA, NODE, PYTHON, ENTRADA] {
        let token = table.does(who, Order::Refresh, pairs[0]);
        let (used, newest) = table.used_and_newest(pairs[0]);
        let is_blind = who == PYTHON && last == NODE;
        assert_eq!(used == newest, !is_blind, "{who} after {last}: the newest refresh token is used");
        let [by_entrada, by_python, by_node] = table.found_by_all(pairs[0]);
        assert_eq!([&by_entrada, &by_python], [&token, &token], "{who} after {last}: its token is found");
        assert_eq!(by_node, token.filter(|_| !is_blind), "{who} after {last}");
        last = if is_blind { NODE } else { who };
    }

    table.does(ENTRADA, Order::SignOut, pairs[0]);
    assert_eq!(table.holders(), [1, 2, 3]);
    assert_eq!(table.found_by_all(pairs[0]), [None, None, None]);
    let others = table.found_by_all(pairs[2]);
    assert!(others.iter().all(Option::is_some), "the other client's token of the same user stays: {others:?}");

    // What one of the others left, and entrada has refreshed, the others can take out.
    table.does(NODE, Order::Refresh, pairs[1]);
    table.does(ENTRADA, Order::Refresh, pairs[1]);
    table.does(PYTHON, Order::SignOut, pairs[1]);
    assert_eq!(table.holders(), [2, 3]);
    assert_eq!(table.found_by_all(pairs[1]), [None, None, None]);
    table.does(NODE, Order::SignOut, pairs[2]);
    assert_eq!(table.holders(), [3]);
    // Python took the account away, and with it the name; by its id the other client's is still found.
    let bob = table.house.stage.bob();
    let id = format!("{}.{}", bob.object_id, bob.tenant_id);
    assert!(table.does(ENTRADA, Order::Refresh, (pairs[3].0, &id)).is_some());
}

#[test]
fn what_entrada_signed_in_goes_round() {
    goes_round(ENTRADA);
}

#[test]
fn what_msal_for_python_signed_in_goes_round() {
    goes_round(PYTHON);
}

#[test]
fn what_msal_for_node_signed_in_goes_round() {
    goes_round(NODE);
}

/// What one of them has kept, taken over into another cache, or a client's part of it alone.
#[test]
fn what_was_taken_over_from_any_is_found_by_all() {
    for signer in [ENTRADA, PYTHON, NODE] {
        let Some(mut table) = Table::laid(443) else { return };
        signed_in_by(&mut table, signer);
        let pairs = table.pairs();
        let pairs: Vec<Pair<'_>> = pairs.iter().map(|(client, user)| (*client, user.as_str())).collect();
        let kept = TokenCache::from_bytes(std::fs::read(table.house.cache()).unwrap()).unwrap();
        let app = App::new(pairs[0].0, Authority::entra(&table.house.stage.authority_url()).unwrap()).unwrap();
        for (part, is_found) in [(kept.clone(), [true; 4]), (kept.extract(&app), [true, true, false, false])] {
            let mut elsewhere = TokenCache::parse(Value::from(beside()).to_string().as_bytes()).unwrap();
            let root: Value = serde_json::from_slice(&part.to_bytes()).unwrap();
            let strangers = usize::from(root["RefreshToken"].as_object().unwrap().len() == 5);
            let entries: usize = SECTIONS.iter().map(|section| root[section].as_object().map_or(0, Map::len)).sum();
            assert_eq!(elsewhere.absorb(&part), entries - strangers, "none is malformed, or taken for another");
            std::fs::write(table.house.cache(), elsewhere.to_bytes()).unwrap();
            for (pair, is_found) in pairs.iter().zip(is_found) {
                let [first, second, third] = table.found_by_all(*pair);
                assert_eq!([&first, &first], [&second, &third], "{pair:?}");
                assert_eq!(first.is_some(), is_found, "{pair:?}");
            }
        }
    }
}

/// A token filed under the host alone may be of any port: entrada takes it for none but that of https.
#[test]
fn on_another_port_entrada_and_node_agree_and_ports_are_kept_apart() {
    let (Some(mut table), Some(mut next_door)) = (Table::laid(0), Table::laid(0)) else { return };
    let (client, user) = table.pairs().swap_remove(0);
    let pair = (client, user.as_str());

    table.does(PYTHON, Order::SignIn, pair);
    let [by_entrada, by_python, by_node] = table.found_by_all(pair);
    assert!(by_python.is_some() && by_entrada.is_none() && by_node.is_none(), "it leaves the port out");
    assert_eq!(table.refresh_tokens().len(), 2);

    for signer in [ENTRADA, NODE] {
        table.does(signer, Order::SignIn, pair);
        let [by_entrada, by_python, by_node] = table.found_by_all(pair);
        assert!(by_entrada.is_some() && by_entrada == by_node && by_python.is_some(), "each has its own");
        assert_ne!(by_entrada, by_python);
        let refreshed = table.does(ENTRADA, Order::Refresh, pair);
        let [by_entrada, still_by_python, by_node] = table.found_by_all(pair);
        assert_eq!([&by_entrada, &by_node], [&refreshed, &refreshed]);
        assert_eq!(still_by_python, by_python, "what is filed without a port is left alone");
    }

    // The same host next door, with the same file.
    std::fs::copy(table.house.cache(), next_door.house.cache()).unwrap();
    for who in [ENTRADA, NODE] {
        assert_eq!(next_door.does(who, Order::Silent, pair), None);
    }
    next_door.does(ENTRADA, Order::SignIn, pair);
    assert_eq!(next_door.house.stage.count(Endpoint::Token, "refresh_token"), 0, "no token went to the wrong port");
    assert_eq!(next_door.refresh_tokens().len(), 2);
}
