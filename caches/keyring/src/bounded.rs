//! A wait that ends.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;

/// How long is waited for whom.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// For the keyring itself.
    pub(crate) answer: Duration,
    /// For a user whom it asks to unlock it.
    pub(crate) unlock: Duration,
}

/// How much longer the wait for a user is than was said, so that whoever asks can take the question back in time.
const GRACE: Duration = Duration::from_secs(1);

/// Tells whoever waits that a user is asked now, or no longer.
pub(crate) type Asking = Box<dyn Fn(bool) + Send>;

enum News<T> {
    Asking(bool),
    Done(Result<T, AdapterError>),
}

/// Does it on a thread of its own, and waits for no longer than that.
///
/// What takes longer is left to end by itself; whatever it holds, it holds until then.
pub(crate) fn within<T: Send + 'static>(
    limits: Limits,
    work: impl FnOnce(Asking) -> Result<T, AdapterError> + Send + 'static,
) -> Result<T, AdapterError> {
    let (tell, news) = mpsc::channel();
    let thread = thread::Builder::new().name("entrada-keyring".to_owned()).spawn(move || {
        let teller = tell.clone();
        let asking = Box::new(move |is_asked| drop(teller.send(News::Asking(is_asked))));
        let _ = tell.send(News::Done(work(asking)));
    });
    thread.map_err(|error| AdapterError::io("no thread can be started to ask the keyring", error))?;
    let Limits { answer, unlock } = limits;
    let mut is_user_asked = false;
    loop {
        return match news.recv_timeout(if is_user_asked { unlock.saturating_add(GRACE) } else { answer }) {
            Ok(News::Done(result)) => result,
            Ok(News::Asking(is_asked)) => {
                is_user_asked = is_asked;
                continue;
            }
            Err(RecvTimeoutError::Timeout) if is_user_asked => Err(nobody_unlocked(unlock)),
            Err(RecvTimeoutError::Timeout) => Err(AdapterError::new(
                Fault::TimedOut,
                format!(
                    "the keyring did not answer within {answer:?}: see whether its service hangs, or keep the tokens \
                     in a file"
                ),
            )),
            Err(RecvTimeoutError::Disconnected) => {
                Err(AdapterError::new(Fault::Other, "the call to the keyring broke off".to_owned()))
            }
        };
    }
}

/// A user who was asked did not answer in that time.
pub(crate) fn nobody_unlocked(within: Duration) -> AdapterError {
    AdapterError::new(
        Fault::Denied,
        format!("the keyring is locked, and nobody unlocked it within {within:?}: unlock it, and try again"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MOMENT: Duration = Duration::from_millis(20);

    #[test]
    fn what_hangs_is_waited_for_no_longer_than_was_said() {
        let (release, held) = mpsc::channel::<()>();
        let error = within(Limits { answer: MOMENT, unlock: HOUR }, move |_| {
            let _ = held.recv();
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.fault(), Fault::TimedOut);
        assert!(error.to_string().contains("did not answer within 20ms"), "{error}");
        drop(release);
    }

    #[test]
    fn a_user_who_is_asked_has_more_time_and_the_keyring_none_of_it() {
        let (release, held) = mpsc::channel::<()>();
        // Were a user not waited for longer than the keyring, this would end before the half second.
        let unlocked = within(Limits { answer: MOMENT, unlock: HOUR }, move |asking| {
            asking(true);
            thread::sleep(Duration::from_millis(500));
            asking(false);
            Ok(7)
        });
        assert_eq!(unlocked.unwrap(), 7);

        let error = within(Limits { answer: HOUR, unlock: MOMENT }, move |asking| {
            asking(true);
            let _ = held.recv();
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.fault(), Fault::Denied);
        assert!(error.to_string().contains("nobody unlocked it within 20ms"), "{error}");
        drop(release);

        let (release, held) = mpsc::channel::<()>();
        let error = within(Limits { answer: MOMENT, unlock: HOUR }, move |asking| {
            asking(true);
            asking(false);
            let _ = held.recv();
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.fault(), Fault::TimedOut, "once it is unlocked, it has to answer");
        drop(release);
    }

    #[test]
    fn what_answers_is_passed_on() {
        let limits = Limits { answer: HOUR, unlock: HOUR };
        assert_eq!(within(limits, |_| Ok(7)).unwrap(), 7);
        let error = within::<()>(limits, |_| Err(AdapterError::new(Fault::Denied, "no"))).unwrap_err();
        assert_eq!(error.fault(), Fault::Denied);
        assert_eq!(within::<()>(limits, |_| panic!("a bug of somebody's")).unwrap_err().fault(), Fault::Other);
    }
}
