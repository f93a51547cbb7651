//! An adapter in an `Arc` is an adapter, so that several clients can share one, of whatever type.

use std::boxed::Box;
use std::string::String;
use std::sync::Arc;
use std::time::Duration;
use std::vec::Vec;

use super::AdapterError;
use super::blocking::{Body, Browser, Cache, Clock, Entropy, Listener, Transport, TryLock};
use crate::cache::Snapshot;
use crate::{Listen, Prompt, UnixTime};

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(&self, request: http::Request<Body>, timeout: Duration) -> Result<http::Response<Body>, AdapterError> {
        (**self).send(request, timeout)
    }
}

impl<T: Cache + ?Sized> Cache for Arc<T> {
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        (**self).load()
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        (**self).snapshot()
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        (**self).save(bytes)
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        (**self).set_aside()
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        (**self).try_lock()
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        (**self).try_lock_sign_in(name)
    }

    fn location(&self) -> String {
        (**self).location()
    }
}

impl<T: Browser + ?Sized> Browser for Arc<T> {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        (**self).listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        (**self).present(prompt)
    }
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> UnixTime {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) {
        (**self).sleep(duration);
    }
}

impl<T: Entropy + ?Sized> Entropy for Arc<T> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), AdapterError> {
        (**self).fill(buffer)
    }
}

#[cfg(feature = "async")]
mod asynchronous {
    use async_trait::async_trait;
    use futures::future::BoxFuture;

    use super::*;
    use crate::ports::asynchronous::{Body, Browser, Cache, Clock, Listener, Runtime, Transport};

    #[async_trait]
    impl<T: Transport + ?Sized> Transport for Arc<T> {
        async fn send(
            &self,
            request: http::Request<Body>,
            timeout: Duration,
        ) -> Result<http::Response<Body>, AdapterError> {
            (**self).send(request, timeout).await
        }
    }

    #[async_trait]
    impl<T: Cache + ?Sized> Cache for Arc<T> {
        async fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
            (**self).load().await
        }

        async fn snapshot(&self) -> Result<Snapshot, AdapterError> {
            (**self).snapshot().await
        }

        async fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
            (**self).save(bytes).await
        }

        async fn set_aside(&self) -> Result<String, AdapterError> {
            (**self).set_aside().await
        }

        async fn try_lock(&self) -> Result<TryLock, AdapterError> {
            (**self).try_lock().await
        }

        async fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
            (**self).try_lock_sign_in(name).await
        }

        async fn unlock(&self, lock: Box<dyn Send>) {
            (**self).unlock(lock).await;
        }

        fn location(&self) -> String {
            (**self).location()
        }
    }

    #[async_trait]
    impl<T: Browser + ?Sized> Browser for Arc<T> {
        async fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
            (**self).listen(query).await
        }

        async fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
            (**self).present(prompt).await
        }
    }

    #[async_trait]
    impl<T: Clock + ?Sized> Clock for Arc<T> {
        fn now(&self) -> UnixTime {
            (**self).now()
        }

        async fn sleep(&self, duration: Duration) {
            (**self).sleep(duration).await;
        }
    }

    impl<T: Runtime + ?Sized> Runtime for Arc<T> {
        fn spawn(&self, task: BoxFuture<'static, ()>) {
            (**self).spawn(task);
        }
    }
}
