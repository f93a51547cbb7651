//! The server, and what holds for all partitions in it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use redis::{Client, Cmd, FromRedisValue, IntoConnectionInfo};

use crate::connection::{Connections, Source};
use crate::keys::Keys;
use crate::seal::Seal;
use crate::{RedisCache, errors};

/// A server, or a cluster of them, where a fleet's partitions are.
///
/// It connects when it is first used. Clones are cheap, and share the connections.
#[derive(Clone)]
pub struct RedisServer {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    connections: Connections,
    pub(crate) place: String,
    pub(crate) settings: Settings,
}

pub(crate) struct Settings {
    prefix: String,
    connect_timeout: Duration,
    response_timeout: Duration,
    pub(crate) lock_expiry: Duration,
    pub(crate) sign_in_expiry: Duration,
    pub(crate) partition_expiry: Option<Duration>,
    pub(crate) seal: Seal,
}

/// Sets up a [`RedisServer`].
pub struct RedisServerBuilder {
    urls: Vec<String>,
    is_cluster: bool,
    settings: Settings,
    #[cfg(feature = "tls")]
    root_certificates: Option<Vec<u8>>,
    #[cfg(feature = "tls")]
    client_certificate: Option<(Vec<u8>, Vec<u8>)>,
}

impl RedisServer {
    /// A server by its URL, with the settings' defaults: `redis://[user[:password]@]host[:port][/db]`, `rediss://…`
    /// for TLS (feature `tls`), `redis+unix:///path` for a Unix socket.
    ///
    /// # Errors
    ///
    /// [`Fault::Other`] where that is no such URL.
    pub fn open(url: &str) -> Result<Self, AdapterError> {
        Self::builder(url).build()
    }

    /// The same, with settings.
    pub fn builder(url: &str) -> RedisServerBuilder {
        RedisServerBuilder::new([url], false)
    }

    /// A cluster, by the URLs of some of its nodes.
    #[cfg(feature = "cluster")]
    pub fn cluster<'a>(urls: impl IntoIterator<Item = &'a str>) -> RedisServerBuilder {
        RedisServerBuilder::new(urls, true)
    }

    /// The token cache of one partition: a name for whoever's tokens are in it, such as the home account id, or the
    /// program's own id of the user.
    ///
    /// # Errors
    ///
    /// [`Fault::Other`] for an empty name: it would be everybody's.
    pub fn cache(&self, partition: &str) -> Result<RedisCache, AdapterError> {
        if partition.is_empty() {
            let why =
                "the partition of the token cache has no name: give the user's, so that nobody gets another's tokens";
            return Err(AdapterError::new(Fault::Other, why));
        }
        let keys = Keys::of(&self.shared.settings.prefix, partition);
        Ok(RedisCache::new(self.clone(), keys, partition.to_owned()))
    }

    pub(crate) fn run<T: FromRedisValue>(&self, doing: impl fmt::Display, command: &Cmd) -> Result<T, AdapterError> {
        self.shared.connections.run(command).map_err(|error| errors::of(doing, &self.shared.place, &error))
    }
}

impl RedisServerBuilder {
    fn new<'a>(urls: impl IntoIterator<Item = &'a str>, is_cluster: bool) -> Self {
        Self {
            urls: urls.into_iter().map(str::to_owned).collect(),
            is_cluster,
            settings: Settings {
                prefix: "entrada:".to_owned(),
                connect_timeout: Duration::from_secs(5),
                response_timeout: Duration::from_secs(5),
                lock_expiry: Duration::from_secs(40),
                sign_in_expiry: Duration::from_secs(600),
                partition_expiry: None,
                seal: Seal::default(),
            },
            #[cfg(feature = "tls")]
            root_certificates: None,
            #[cfg(feature = "tls")]
            client_certificate: None,
        }
    }

    /// What all keys begin with; `entrada:` unless told otherwise. Programs with different ones see nothing of each
    /// other.
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.settings.prefix);
        self
    }

    /// How long a connection may take, its log-in included; five seconds unless told otherwise. The resolver of
    /// names has its own time-outs.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// How long the server may leave a command unanswered; five seconds unless told otherwise.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.settings.response_timeout = timeout;
        self
    }

    /// When the lock of a holder that died is free again; 40 seconds unless told otherwise: longer than a request to
    /// the authority may take (30), and shorter than others wait before they go on without the lock, all at once (45).
    pub fn lock_expiry(mut self, expiry: Duration) -> Self {
        self.settings.lock_expiry = expiry;
        self
    }

    /// The same for the lock of a sign-in, which is held for as long as the user takes; ten minutes unless told
    /// otherwise, twice what a sign-in may take. Where a user takes longer, another may be asked beside them.
    pub fn sign_in_expiry(mut self, expiry: Duration) -> Self {
        self.settings.sign_in_expiry = expiry;
        self
    }

    /// How long after the last save a whole partition vanishes; never unless told otherwise. Refresh tokens are good
    /// for 90 days after their last use, so that a longer one loses nothing.
    pub fn partition_expiry(mut self, expiry: Duration) -> Self {
        self.settings.partition_expiry = Some(expiry);
        self
    }

    /// Encrypts what lies in the server by AES-256-GCM, bound to its key in the server. What was saved with another
    /// key, or with none, cannot be read any more.
    #[cfg(feature = "encryption")]
    pub fn encryption_key(mut self, key: &[u8; 32]) -> Self {
        self.settings.seal = Seal::with_key(key);
        self
    }

    /// Trusts these roots (PEM) instead of the system's.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Shows this certificate and has this key (both PEM), where the server wants one of its clients.
    #[cfg(feature = "tls")]
    pub fn client_certificate(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.client_certificate = Some((certificate.into(), key.into()));
        self
    }

    /// The server; nothing is connected yet.
    ///
    /// With a `rediss://` URL, where the process has no `rustls::crypto::CryptoProvider` yet, ring's becomes it: a program
    /// with one of its own installs it before.
    ///
    /// # Errors
    ///
    /// [`Fault::Other`] where a URL is none of a Redis server, asks for what this program was built without, or a
    /// setting is out of range.
    pub fn build(self) -> Result<RedisServer, AdapterError> {
        let refused = |why: &str| AdapterError::new(Fault::Other, why.to_owned());
        let no_url = "the URL of the Redis server cannot be used: it looks like redis://user:password@host:6379/0, or \
                      rediss:// with the feature `tls`";
        let mut places = Vec::new();
        let mut infos = Vec::new();
        for url in &self.urls {
            let info = url.as_str().into_connection_info().map_err(|_| refused(no_url))?;
            if !info.addr().is_supported() {
                return Err(refused(no_url));
            }
            places.push(info.addr().to_string());
            // One round trip less for each connection.
            let settings = info.redis_settings().clone().set_skip_set_lib_name();
            infos.push(info.set_redis_settings(settings));
        }
        let settings = self.settings;
        let waits = [settings.connect_timeout, settings.response_timeout];
        let expiries = [settings.lock_expiry, settings.sign_in_expiry];
        let is_short = |expiry: &Duration| expiry.as_millis() == 0;
        if waits.iter().chain(&expiries).chain(&settings.partition_expiry).any(is_short) {
            return Err(refused("a time-out or an expiry of the Redis cache is zero: give a millisecond at least"));
        }
        #[cfg(feature = "tls")]
        if infos.iter().any(|info| matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. }))
            && rustls::crypto::CryptoProvider::get_default().is_none()
        {
            // The library asks for the process's own. Which one is ambiguous where others of this program use another: then somebody else was first.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        #[cfg(feature = "tls")]
        let certificates = {
            let client_tls = self
                .client_certificate
                .map(|(client_cert, client_key)| redis::ClientTlsConfig { client_cert, client_key });
            (client_tls.is_some() || self.root_certificates.is_some())
                .then_some(redis::TlsCertificates { client_tls, root_cert: self.root_certificates })
        };
        let failed = |error: redis::RedisError| errors::of("the settings cannot be used", &places.join(", "), &error);
        let source = if self.is_cluster {
            #[cfg(feature = "cluster")]
            {
                let builder = redis::cluster::ClusterClientBuilder::new(infos)
                    .connection_timeout(settings.connect_timeout)
                    .response_timeout(settings.response_timeout)
                    .retries(2);
                #[cfg(feature = "tls")]
                let builder = match certificates {
                    Some(certificates) => builder.certs(certificates),
                    None => builder,
                };
                Source::Cluster(Box::new(builder.build().map_err(failed)?))
            }
            #[cfg(not(feature = "cluster"))]
            return Err(refused(no_url));
        } else {
            let info = infos.pop().ok_or_else(|| refused(no_url))?;
            #[cfg(feature = "tls")]
            let client = match certificates {
                Some(certificates) => Client::build_with_tls(info, certificates),
                None => Client::open(info),
            };
            #[cfg(not(feature = "tls"))]
            let client = Client::open(info);
            Source::One(Box::new(client.map_err(failed)?))
        };
        let connections = Connections::new(source, settings.connect_timeout, settings.response_timeout);
        Ok(RedisServer { shared: Arc::new(Shared { connections, place: places.join(", "), settings }) })
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisServer").field("place", &self.shared.place).finish_non_exhaustive()
    }
}

impl fmt::Debug for RedisServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URLs may hold passwords.
        f.debug_struct("RedisServerBuilder").field("prefix", &self.settings.prefix).finish_non_exhaustive()
    }
}
