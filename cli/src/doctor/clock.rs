//! The clock here, against those of the others.

use std::time::Duration;

use entrada::words::span;

use super::check::Check;
use crate::failure::CONFIGURATION;

/// Beyond this, tokens are taken for ended, or for not yet good.
const FAR: u64 = 300;
/// Beyond this, something is amiss, though nothing fails yet.
const NEAR: u64 = 60;

/// From by how many seconds each of the others is ahead.
pub(super) fn check(others: &[(String, i64)]) -> Check {
    let Some((who, ahead)) = others.iter().max_by_key(|(_, ahead)| ahead.unsigned_abs()) else {
        return Check::skipped("clock", "nobody has told the time");
    };
    let off = ahead.unsigned_abs();
    if off <= NEAR {
        let mut names: Vec<&str> = others.iter().map(|(who, _)| who.as_str()).collect();
        names.dedup();
        return Check::ok("clock", format!("it agrees with {}, to {off} s", names.join(" and ")));
    }
    let direction = if *ahead > 0 { "behind" } else { "ahead of" };
    let finding = format!("the clock here is {} {direction} that of {who}", span(Duration::from_secs(off)));
    // One that agrees speaks for the clock here, by which tokens are judged.
    if others.iter().any(|(_, ahead)| ahead.unsigned_abs() <= NEAR) {
        let remedy = "tell whoever runs that server: its clock is wrong";
        return Check::warn("clock", finding + "; others agree with it", remedy);
    }
    let remedy = "set this computer's clock by the network (NTP)";
    match off > FAR {
        true => Check::fail("clock", CONFIGURATION, finding + ": tokens seem ended, or not yet good", remedy),
        false => Check::warn("clock", finding, remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::super::observe::Answer;
    use super::*;

    #[test]
    fn a_minute_is_odd_and_five_are_a_failure() {
        let others = |ahead: &[i64]| ahead.iter().map(|ahead| ("login.example".to_owned(), *ahead)).collect::<Vec<_>>();
        for (ahead, status, words) in [
            (&[][..], Status::Skipped, "nobody"),
            (&[0, -3], Status::Ok, "to 3 s"),
            (&[61], Status::Warn, "61 seconds behind"),
            (&[-200, -201], Status::Warn, "3 minutes ahead of"),
            (&[301, 300], Status::Fail, "5 minutes behind"),
            (&[-7200, 0], Status::Warn, "others agree"),
        ] {
            let check = check(&others(ahead));
            assert_eq!(check.status, status, "{ahead:?}");
            assert!(check.finding.contains(words), "{}", check.finding);
        }
        assert!(check(&others(&[301])).remedy.unwrap().contains("NTP"));
    }

    #[test]
    fn a_date_counts_with_the_age_of_what_a_cache_has_kept() {
        let ahead = |headers: &[(&str, &str)]| Answer::made(200, headers, "").ahead();
        let date = ("Date", "Sun, 06 Nov 1994 08:44:37 GMT");
        assert_eq!(ahead(&[date]), Some(-300));
        assert_eq!(ahead(&[date, ("age", "299")]), Some(-1));
        assert_eq!((ahead(&[]), ahead(&[("date", "today")])), (None, None));
    }
}
