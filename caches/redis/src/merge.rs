//! What becomes of two caches that were both made of an older one.

use std::collections::BTreeSet;

use entrada_core::cache::TokenCache;
use serde_json::Value;

/// What to do about a save that came second.
pub(crate) enum Merged {
    /// These bytes hold what both hold.
    Both(Vec<u8>),
    /// One of them is no cache: theirs is kept aside.
    Neither,
    /// One of them has signed somebody out: to put both together would undo it.
    SignedOut,
}

pub(crate) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Merged {
    let (Ok(mut merged), Ok(other)) = (TokenCache::parse(ours), TokenCache::parse(theirs)) else {
        return Merged::Neither;
    };
    let before = sign_ins(base);
    if !before.is_subset(&sign_ins(ours)) || !before.is_subset(&sign_ins(theirs)) {
        return Merged::SignedOut;
    }
    // Where nothing is taken over, the bytes stay what they were.
    if merged.absorb(&other) == 0 { Merged::Both(ours.to_vec()) } else { Merged::Both(merged.to_bytes()) }
}

/// Who can be signed in silently, by which client: what a sign-out takes away.
fn sign_ins(bytes: &[u8]) -> BTreeSet<(String, String)> {
    let cache: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let entries = ["Account", "RefreshToken"].into_iter().filter_map(|section| cache.get(section)?.as_object());
    let text = |entry: &Value, field| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    entries
        .flat_map(|entries| entries.values())
        .map(|entry| (text(entry, "home_account_id"), text(entry, "client_id")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(ids: &[&str]) -> Vec<u8> {
        let of = |id: &&str| format!(r#""{id}-h-t":{{"home_account_id":"{id}","environment":"h","realm":"t"}}"#);
        format!(r#"{{"Account":{{{}}}}}"#, ids.iter().map(of).collect::<Vec<_>>().join(",")).into_bytes()
    }

    #[test]
    fn what_both_have_added_is_kept() {
        let Merged::Both(bytes) = merge(&account(&["a"]), &account(&["a", "b"]), &account(&["a", "c"])) else {
            panic!("they can be put together")
        };
        let ids: Vec<String> = sign_ins(&bytes).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["a", "b", "c"]);
    }

    #[test]
    fn a_sign_out_is_not_undone_from_either_side() {
        let (both, one) = (account(&["a", "b"]), account(&["a"]));
        assert!(matches!(merge(&both, &one, &both), Merged::SignedOut));
        assert!(matches!(merge(&both, &both, &one), Merged::SignedOut));
        assert!(matches!(merge(b"", b"{}", b"half a cach"), Merged::Neither));
    }
}
