//! The file cache against the suite of its port.

use entrada_cache_file::FileCache;

#[test]
fn it_passes_the_suite_of_its_port() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/when/needed/tokens.json");
    entrada_conformance::cache::cache(|| FileCache::new(&path));
}
