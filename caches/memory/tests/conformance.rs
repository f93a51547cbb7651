//! The memory cache against the suite of its port.

use entrada_cache_memory::MemoryCache;
use entrada_core::ports::blocking::Cache;

#[test]
fn it_passes_the_suite_of_its_port() {
    let cache = MemoryCache::new();
    entrada_conformance::cache::cache(|| cache.clone());
}

#[test]
fn what_is_set_aside_is_kept() {
    let cache = MemoryCache::from_bytes("broken");
    cache.set_aside().unwrap();
    cache.save(b"good").unwrap();
    assert_eq!(cache.aside(), [b"broken"]);
    assert_eq!(cache.bytes().unwrap(), b"good");
}

#[test]
fn debug_shows_no_content() {
    let text = format!("{:?}", MemoryCache::from_bytes("S3CRET"));
    assert_eq!(text, "MemoryCache { length: Some(6), .. }");
}

#[test]
fn nothing_can_be_set_aside_twice() {
    let cache = MemoryCache::from_bytes("broken");
    cache.set_aside().unwrap();
    assert_eq!(cache.set_aside().unwrap_err().fault(), entrada_core::Fault::NotFound);
}
