//! The session's bus: one call after the other, each bounded, on the thread that calls.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use futures_lite::StreamExt;
use percent_encoding::percent_decode;
use serde_core::Serialize;
use zbus::address::transport::{Transport, Unix, UnixSocket};
use zbus::connection::Builder;
use zbus::wire::DynamicDeserialize;
use zbus::{Address, Connection, DBusError, DynamicType, Message, MessageStream};
use zruntime::SharedRuntime;

use super::runtime::OnThisThread;

const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
/// What the names of the bus's own errors begin with.
const ERROR: &str = "org.freedesktop.DBus.Error.";

/// What the bus says, or the service, or whoever cannot reach them: by the names of
/// <https://dbus.freedesktop.org/doc/dbus-specification.html>.
#[derive(Debug)]
pub(super) struct Error {
    name: String,
    message: String,
}

impl Error {
    fn new(short_name: &str, message: impl ToString) -> Self {
        Self { name: format!("{ERROR}{short_name}"), message: message.to_string() }
    }

    /// As whoever was asked tells it.
    fn told(name: &str, message: Option<&str>) -> Self {
        let message = message.filter(|message| !message.is_empty()).unwrap_or("no reason is given");
        Self { name: name.to_owned(), message: message.to_owned() }
    }

    fn failed(why: impl ToString) -> Self {
        Self::new("Failed", why)
    }

    fn late() -> Self {
        Self::new("NoReply", "there was no answer in time")
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The name without what those of the bus's own begin with; empty for any other.
    pub(super) fn short_name(&self) -> &str {
        self.name.strip_prefix(ERROR).unwrap_or_default()
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

impl From<zbus::Error> for Error {
    fn from(error: zbus::Error) -> Self {
        let short = match &error {
            zbus::Error::MethodError(name, message, _) => return Self::told(name.as_str(), message.as_deref()),
            zbus::Error::FDO(error) => return Self::told(error.name().as_str(), error.description()),
            zbus::Error::Connection(error, _) => match error.kind() {
                io::ErrorKind::NotFound => "FileNotFound",
                io::ErrorKind::PermissionDenied => "AccessDenied",
                io::ErrorKind::ConnectionRefused => "NoServer",
                io::ErrorKind::TimedOut => "Timeout",
                _ => "Failed",
            },
            zbus::Error::Address(_) | zbus::Error::InvalidGUID => "BadAddress",
            zbus::Error::Unsupported => "NotSupported",
            // Whoever is there ends the connection, or does not let this user in.
            zbus::Error::InputOutput(_) | zbus::Error::Handshake(_) => "Disconnected",
            _ => "Failed",
        };
        Self::new(short, error)
    }
}

/// A connection of its own, which is closed with it.
pub(super) struct Bus {
    connection: Connection,
    runtime: SharedRuntime,
    timeout: Duration,
}

impl Bus {
    /// A connection to the session's bus. It never starts one.
    pub(super) fn connect(timeout: Duration) -> Result<Self, Error> {
        let [list, folder] = ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"].map(env::var_os);
        Self::connect_to(addresses(list, folder)?, timeout)
    }

    /// A connection to the first of them that is there.
    fn connect_to(addresses: Vec<zbus::Result<Address>>, timeout: Duration) -> Result<Self, Error> {
        let runtime = SharedRuntime::new().map_err(Error::failed)?;
        let mut first = None;
        for address in addresses {
            let connected = address.map_err(Error::from).and_then(|address| {
                let building = Builder::address(address).runtime(OnThisThread(runtime.clone())).build();
                runtime.block_on(runtime.timeout(timeout, building)).map_err(|_| Error::late())?.map_err(Error::from)
            });
            match connected {
                Ok(connection) => return Ok(Self { connection, runtime, timeout }),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| Error::new("BadAddress", "its address is empty")))
    }

    /// Asks whoever has that name.
    pub(super) fn call<A: Serialize + DynamicType>(
        &self,
        name: &str,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &A,
    ) -> Result<Message, Error> {
        let calling = self.connection.call_method(Some(name), path, Some(interface), method, arguments);
        let answer = self.runtime.block_on(self.runtime.timeout(self.timeout, calling));
        answer.map_err(|_| Error::late())?.map_err(Error::from)
    }

    /// Asks the bus itself.
    pub(super) fn ask<R, A>(&self, method: &str, arguments: &A) -> Result<R, Error>
    where
        R: for<'a> DynamicDeserialize<'a>,
        A: Serialize + DynamicType,
    {
        Ok(self.call(BUS, BUS_PATH, BUS, method, arguments)?.body().deserialize()?)
    }

    /// Has the bus pass on the signals that match the rule.
    pub(super) fn hear(&self, rule: &str) -> Result<Messages<'_>, Error> {
        let messages = Messages { stream: MessageStream::from(&self.connection), runtime: &self.runtime };
        self.call(BUS, BUS_PATH, BUS, "AddMatch", &(rule,))?;
        Ok(messages)
    }

    /// Whether the bus ended.
    pub(super) fn is_cut(&self) -> bool {
        self.connection.is_closed()
    }
}

/// All that comes over the connection, as long as it lives.
pub(super) struct Messages<'a> {
    stream: MessageStream,
    runtime: &'a SharedRuntime,
}

impl Messages<'_> {
    /// The next one; `None` where there is none in that time.
    pub(super) fn next(&mut self, within: Duration) -> Result<Option<Message>, Error> {
        match self.runtime.block_on(self.runtime.timeout(within, self.stream.next())) {
            Ok(Some(message)) => Ok(Some(message?)),
            Ok(None) => Err(Error::new("Disconnected", "the bus ended")),
            Err(_) => Ok(None),
        }
    }
}

/// Where the session's bus may be, in the order in which that is tried.
fn addresses(list: Option<OsString>, folder: Option<OsString>) -> Result<Vec<zbus::Result<Address>>, Error> {
    if let Some(list) = list {
        let list = list.to_str().ok_or_else(|| Error::new("BadAddress", "its address is no text"))?;
        return Ok(list.split(';').filter(|address| !address.is_empty()).map(address).collect());
    }
    let folder = folder.ok_or_else(|| Error::new("NotSupported", "it has no address"))?;
    Ok(vec![Ok(unix(UnixSocket::File(PathBuf::from(folder).join("bus"))))])
}

/// The address as it is meant: of a Unix socket zbus takes what is escaped in it to the letter.
fn address(text: &str) -> zbus::Result<Address> {
    let address = Address::try_from(text)?;
    let Transport::Unix(socket) = address.transport() else { return Ok(address) };
    let meant = match socket.path() {
        UnixSocket::File(path) => unix(UnixSocket::File(unescaped(path.as_os_str()).into())),
        #[cfg(target_os = "linux")]
        UnixSocket::Abstract(name) => unix(UnixSocket::Abstract(unescaped(name))),
        _ => return Ok(address),
    };
    match address.guid() {
        Some(guid) => meant.set_guid(guid.to_owned()),
        None => Ok(meant),
    }
}

fn unix(socket: UnixSocket) -> Address {
    Transport::Unix(Unix::new(socket)).into()
}

fn unescaped(value: &OsStr) -> OsString {
    OsString::from_vec(percent_decode(value.as_bytes()).collect())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    use std::{process, thread};

    use entrada_conformance::session::Session;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn connect(list: &str, timeout: Duration) -> Result<Bus, Error> {
        Bus::connect_to(addresses(Some(list.into()), None)?, timeout)
    }

    /// What comes of such an address.
    #[track_caller]
    fn refused(list: &str, timeout: Duration) -> String {
        let Err(error) = connect(list, timeout) else { panic!("it is connected") };
        error.short_name().to_owned()
    }

    #[test]
    fn a_bus_is_where_its_address_says() {
        let found = |list: Option<&str>, folder: Option<&str>| -> Vec<String> {
            let addresses = addresses(list.map(Into::into), folder.map(Into::into)).unwrap();
            addresses.into_iter().map(|address| format!("{:?}", address.unwrap().transport())).collect()
        };
        let file = |path: &str| format!("{:?}", unix(UnixSocket::File(path.into())).transport());
        let name = |name: &str| format!("{:?}", unix(UnixSocket::Abstract(name.into())).transport());
        assert_eq!(found(None, Some("/run/a,b")), [file("/run/a,b/bus")]);
        assert_eq!(found(Some("unix:path=/a%20b%2c"), Some("/run")), [file("/a b,")]);
        let guid = "guid=0123456789abcdef0123456789abcdef";
        let list = format!("unix:abstract=/tmp/dbus-%41,{guid};;unix:path=/b,{guid}");
        assert_eq!(found(Some(&list), None), [name("/tmp/dbus-A"), file("/b")]);
        let address = address(&format!("unix:path=/b,{guid}")).unwrap();
        assert!(address.to_string().ends_with(guid), "{address}");
    }

    #[test]
    fn the_first_bus_that_is_there_is_taken() {
        let Some(session) = Session::without_keyring() else { return };
        let home = session.home().display();
        let list = format!("launchd:env=NONE;unix:path={home}/nowhere;unix:path={home}/%62us");
        let bus = connect(&list, HOUR).unwrap();
        let names: Vec<String> = bus.ask("ListNames", &()).unwrap();
        assert!(names.contains(&BUS.to_owned()), "{names:?}");
    }

    #[test]
    fn a_bus_that_cannot_be_reached_is_told_from_one_that_hangs() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| format!("unix:path={}/{name}", home.path().display());
        assert_eq!(refused(&path("nowhere"), HOUR), "FileNotFound");
        for wrong in ["disabled:", "rubbish", "autolaunch:", "unix:", ""] {
            assert_eq!(refused(wrong, HOUR), "BadAddress", "{wrong:?}");
        }
        // The first reason counts.
        assert_eq!(refused(&format!("{};rubbish", path("nowhere")), HOUR), "FileNotFound");

        let listener = UnixListener::bind(home.path().join("hangs")).unwrap();
        assert_eq!(refused(&path("hangs"), Duration::from_millis(20)), "NoReply");
        let hanging_up = thread::spawn(move || drop(listener.accept().and_then(|_| listener.accept())));
        assert_eq!(refused(&path("hangs"), HOUR), "Disconnected");
        hanging_up.join().unwrap();
        assert_eq!(refused(&path("hangs"), HOUR), "NoServer", "nobody listens there any more");
    }

    #[test]
    fn a_bus_may_be_at_a_name_that_is_no_files_and_on_another_host() {
        let name = format!("entrada bus {}", process::id());
        let _named = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let on_host = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = on_host.local_addr().unwrap().port();
        // Whoever is connected hears nothing: these two say nothing.
        let moment = Duration::from_millis(20);
        assert_eq!(refused(&format!("unix:abstract={}", name.replace(' ', "%20")), moment), "NoReply");
        assert_eq!(refused(&format!("tcp:host=localhost,port={port},family=ipv4"), moment), "NoReply");
        assert_eq!(refused("unix:abstract=entrada%20nowhere", HOUR), "NoServer");
    }
}
