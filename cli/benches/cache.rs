//! The cache beside MSAL's, in one run: `tests/bench`, or `cargo bench -p entrada-cli --bench cache`.
//!
//! A silent hit, reading and writing, each within one process. MSAL's hits are in a cache that is in memory
//! already, as its libraries are used; so is ours after the first look, but for the file it asks whether that has changed.
//! Nothing is asserted: timings belong to a machine.

mod common;

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, io};

use common::{CLIENT, FULL, SHORT, TENANT, cache_of, node, python, row, scope};
use entrada::cache::TokenCache;
use entrada::file_cache::FileCache;
use entrada::memory_cache::MemoryCache;
use entrada::ports::asynchronous::OnThread;
use entrada::ports::blocking::Cache;
use entrada::{AsyncClient, AsyncClientBuilder, Client, TokenRequest, TokenSource};

/// How long each thing is repeated, and how often at least.
const BUDGET: Duration = Duration::from_secs(1);
const LEAST: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("tokens.json");
    fs::write(&path, cache_of(1, FULL))?;
    hits("a silent hit, 1 token in the cache", &path, 1)?;
    fs::write(&path, cache_of(100_000, SHORT))?;
    hits("a silent hit, 100,000 tokens in the cache", &path, 100_000)?;
    fs::write(&path, cache_of(10_000, FULL))?;
    parse_and_save(&path)
}

/// Silent hits on the token in the middle.
fn hits(what: &str, path: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let memory = MemoryCache::new();
    memory.save(&fs::read(path)?)?;
    let request = TokenRequest::new([scope(count / 2)])?;
    for (who, client) in [
        ("entrada, cache in a file", Client::builder(CLIENT).cache(FileCache::new(path))),
        ("entrada, cache in memory", Client::builder(CLIENT).cache(memory.clone())),
    ] {
        let client = client.tenant(TENANT).build()?;
        let hit = || client.silent_for(&request).map(|token| token.source);
        assert_eq!(hit()?, TokenSource::Cache);
        row(what, who, &mut rounds(hit));
    }
    for (who, cache) in [
        ("entrada, asynchronous, cache in a file", asynchronous(FileCache::new(path))),
        ("entrada, asynchronous, cache in memory", asynchronous(memory)),
    ] {
        let client = cache.tenant(TENANT).smol().build()?;
        let hit = || smol::future::block_on(client.silent_for(&request)).map(|token| token.source);
        assert_eq!(hit()?, TokenSource::Cache);
        row(what, who, &mut rounds(hit));
    }
    peers(what, "hit", path)
}

fn asynchronous(cache: impl Cache + 'static) -> AsyncClientBuilder {
    AsyncClient::builder(CLIENT).cache(OnThread::looking_at_once(cache))
}

/// The whole file into memory and back into bytes.
fn parse_and_save(path: &Path) -> Result<(), Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let megabytes = bytes.len() / 1_000_000;
    let parse = format!("parse 10,000 tokens, {megabytes} MB");
    let save = format!("save 10,000 tokens, {megabytes} MB");
    row(&parse, "entrada", &mut rounds(|| TokenCache::parse(black_box(&bytes))));
    peers(&parse, "parse", path)?;
    let cache = TokenCache::parse(&bytes)?;
    row(&save, "entrada", &mut rounds(|| cache.to_bytes()));
    peers(&save, "save", path)
}

/// Repeats something; what it makes is dropped within the time, as it is with the peers.
fn rounds<T>(mut work: impl FnMut() -> T) -> Vec<Duration> {
    let mut times = Vec::new();
    let end = Instant::now() + BUDGET;
    while times.len() < LEAST || Instant::now() < end {
        let begun = Instant::now();
        drop(black_box(work()));
        times.push(begun.elapsed());
    }
    times
}

/// The same in MSAL's libraries, where they are installed.
fn peers(what: &str, work: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut found = Vec::new();
    if let Some((python, script)) = python("msal_cache.py") {
        let mut command = Command::new(python);
        command.arg(script);
        found.push(("msal for Python", command));
    }
    if let Some((script, modules)) = node("msal_cache.cjs") {
        let mut command = Command::new("node");
        command.arg(script).arg(modules);
        found.push(("@azure/msal-node", command));
    }
    for (who, mut command) in found {
        command.arg(path).arg(BUDGET.as_secs_f64().to_string()).arg(work);
        let output = command.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(format!("{who} failed: {said}")).into());
        }
        let times: Vec<f64> = serde_json::from_slice(&output.stdout)?;
        row(what, who, &mut times.into_iter().map(Duration::from_secs_f64).collect::<Vec<_>>());
    }
    Ok(())
}
