//! What zbus runs on: the thread that asks, while it asks. No thread is started for it, nor left behind.

use std::future::{self, Future};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, ExitStatus, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;

use zbus::runtime::{Interest, IoSource, traits};
use zruntime::net::TcpStream;
use zruntime::net::unix::UnixStream;
use zruntime::{Shared, SharedRuntime};

/// A runtime that makes progress where somebody blocks on it, and nowhere else.
pub(super) struct OnThisThread(pub(super) SharedRuntime);

type Pinned<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

impl traits::Runtime for OnThisThread {
    type RegisteredIoSource = Watched;
    type Sleep = zruntime::Sleep<Shared>;
    type Task<T>
        = Task<T>
    where
        T: Send + 'static;

    fn register_io_source(&self, source: IoSource) -> io::Result<Watched> {
        self.0.register(source).map(Watched)
    }

    fn sleep(&self, duration: Duration) -> zruntime::Sleep<Shared> {
        self.0.sleep(duration)
    }

    fn spawn<T: Send + 'static>(&self, name: &str, future: impl Future<Output = T> + Send + 'static) -> Task<T> {
        Task(self.0.spawn(name.to_owned(), future))
    }

    async fn connect_tcp(&self, address: SocketAddr) -> io::Result<IoSource> {
        let stream = TcpStream::<Shared>::connect(&self.0, address).await?.into_std();
        Ok(OwnedFd::from(stream).into())
    }

    async fn connect_unix(&self, path: &Path) -> io::Result<IoSource> {
        let stream = UnixStream::<Shared>::connect_addr(&self.0, &socket_address(path)?).await?.into_std();
        Ok(OwnedFd::from(stream).into())
    }

    fn spawn_process(&self, _: Command, _: Stdio, _: Stdio, _: Stdio) -> io::Result<Pinned<io::Result<ExitStatus>>> {
        // A bus is found, and never started.
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The look-up of a bus's host. The thread has nothing else to do, and whoever waits for it waits for so long.
    fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Pinned<T> {
        Box::pin(future::ready(work()))
    }
}

/// By a path that begins with a zero, zbus means a name that is no file's.
fn socket_address(path: &Path) -> io::Result<net::SocketAddr> {
    #[cfg(any(target_os = "android", target_os = "linux"))]
    {
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;

        if let Some(name) = path.as_os_str().as_bytes().strip_prefix(b"\0") {
            return net::SocketAddr::from_abstract_name(name);
        }
    }
    net::SocketAddr::from_pathname(path)
}

pub(super) struct Watched(zruntime::Registration<Shared>);

impl traits::PollIo for Watched {
    fn poll_io<T>(
        &self,
        context: &mut Context<'_>,
        interest: Interest,
        operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let interest = match interest {
            Interest::Readable => zruntime::Interest::Readable,
            Interest::Writable => zruntime::Interest::Writable,
            _ => return Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        };
        self.0.poll_io(context, interest, operation)
    }
}

/// It ends where this is dropped.
pub(super) struct Task<T>(zruntime::Task<T, Shared>);

impl<T> Future for Task<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T: Send + 'static> traits::TaskHandle<T> for Task<T> {
    fn detach(self) {
        self.0.detach();
    }
}
