//! Connections: kept between commands, opened anew where one is lost, each wait bounded.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{Client, Cmd, ConnectionLike, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};

/// More than this are not kept while nobody needs them.
const IDLE: usize = 16;

type Connection = Box<dyn ConnectionLike + Send>;

pub(crate) struct Connections {
    source: Source,
    connect_timeout: Duration,
    response_timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

/// What connections are made with.
pub(crate) enum Source {
    One(Box<Client>),
    #[cfg(feature = "cluster")]
    Cluster(Box<redis::cluster::ClusterClient>),
}

impl Connections {
    pub(crate) fn new(source: Source, connect_timeout: Duration, response_timeout: Duration) -> Self {
        Self { source, connect_timeout, response_timeout, idle: Mutex::default() }
    }

    /// Sends a command that may be sent twice; once more over a new connection where the old one was lost.
    pub(crate) fn run<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let Some(kept) = self.idle().pop() else { return self.run_over(self.open()?, command) };
        match self.run_over(kept, command) {
            Err(error) if is_lost(&error) || is_demoted(&error) => {
                // What was kept beside it is most likely lost with it.
                self.idle().clear();
                self.run_over(self.open()?, command)
            }
            done => done,
        }
    }

    fn run_over<T: FromRedisValue>(&self, mut connection: Connection, command: &Cmd) -> RedisResult<T> {
        let answer = command.query::<T>(&mut *connection);
        // After a time-out the answer may still come, to a question that it does not belong to.
        let is_sound = answer
            .as_ref()
            .err()
            .is_none_or(|error| matches!(error.kind(), ErrorKind::Server(_)) && !is_demoted(error));
        let mut idle = self.idle();
        if is_sound && idle.len() < IDLE {
            idle.push(connection);
        }
        drop(idle);
        answer
    }

    fn open(&self) -> RedisResult<Connection> {
        match &self.source {
            Source::One(client) => {
                let connection = client.get_connection_with_timeout(self.connect_timeout)?;
                connection.set_read_timeout(Some(self.response_timeout))?;
                connection.set_write_timeout(Some(self.response_timeout))?;
                Ok(Box::new(connection))
            }
            #[cfg(feature = "cluster")]
            Source::Cluster(client) => {
                let connection = client.get_connection()?;
                connection.set_read_timeout(Some(self.response_timeout))?;
                connection.set_write_timeout(Some(self.response_timeout))?;
                Ok(Box::new(connection))
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() && !error.is_timeout()
}

/// Whether the primary has become a replica: after a failover its address leads to another, its connections do not.
/// Before version 7 a script's errors are of the kind `ERR`.
fn is_demoted(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::ReadOnly) => true,
        ErrorKind::Server(ServerErrorKind::ResponseError) => error.detail().unwrap_or_default().contains("READONLY"),
        _ => false,
    }
}
