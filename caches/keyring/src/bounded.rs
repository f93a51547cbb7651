//! A wait that ends.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;

/// Does it on a thread of its own, and waits for no longer than that.
///
/// What takes longer is left to end by itself; whatever it holds, it holds until then.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, AdapterError> + Send + 'static,
) -> Result<T, AdapterError> {
    let (done, result) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("entrada-keyring".to_owned()).spawn(move || {
        let _ = done.send(work());
    });
    thread.map_err(|error| AdapterError::io("no thread can be started to ask the keyring", error))?;
    match result.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(AdapterError::new(
            Fault::TimedOut,
            format!(
                "the keyring did not answer within {limit:?}: unlock it where it is locked, or keep the tokens in a file"
            ),
        )),
        Err(RecvTimeoutError::Disconnected) => {
            Err(AdapterError::new(Fault::Other, "the call to the keyring broke off".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_is_waited_for_no_longer_than_was_said() {
        let (release, held) = mpsc::channel::<()>();
        let limit = Duration::from_millis(20);
        let error = within(limit, move || {
            let _ = held.recv();
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.fault(), Fault::TimedOut);
        assert!(error.to_string().contains("within 20ms: unlock it"), "{error}");
        drop(release);
    }

    #[test]
    fn what_answers_is_passed_on() {
        let hour = Duration::from_secs(3600);
        assert_eq!(within(hour, || Ok(7)).unwrap(), 7);
        let error = within::<()>(hour, || Err(AdapterError::new(Fault::Denied, "no"))).unwrap_err();
        assert_eq!(error.fault(), Fault::Denied);
        assert_eq!(within::<()>(hour, || panic!("a bug of somebody's")).unwrap_err().fault(), Fault::Other);
    }
}
