//! The arguments of `entrada proxy` and `entrada exec`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use entrada_forwarder::Listen;

/// Lend the token to other tools: a local address that stands for the app
///
/// For each URL it prints a local one, under which any tool reaches the app as if it needed no sign-in. A later
/// sign-in is not asked for here: requests are answered with 502 until it is done elsewhere, which it says.
///
/// Only pages of the local address itself may use it, and no name but its own. Whoever else has an account on this
/// computer can reach it, too, unless it is a Unix socket or has a secret.
#[derive(Debug, Args)]
pub(crate) struct Proxy {
    /// URL of an app; its whole origin is forwarded to, and may be named once
    #[arg(required = true, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) urls: Vec<String>,
    /// Where to listen: an address of loopback, or unix:PATH; once for each URL, or not at all for free ports
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Vec<Listen>,
    /// Write the port to a file when it listens, one line for each URL; the file goes at the end
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) port_file: Option<PathBuf>,
    /// Let those in alone who know a secret: it is in the printed URL, or can be sent as X-Entrada-Secret
    #[arg(long)]
    pub(crate) secret: bool,
}

/// Run a command with a forwarder of its own
///
/// The command finds the local URL in ENTRADA_URL, and those of several apps in ENTRADA_URL_1, ENTRADA_URL_2 and so on.
/// Their path begins with a secret, so that no other user of this computer can use them; what is put after them is a path
/// of the app. The forwarder ends with the command. Its exit code is the command's: 128 and the number of a signal that
/// ended it, 127 where it is not found, 126 where it cannot be run.
#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// URL of an app; its whole origin is forwarded to, and may be named once
    #[arg(required = true, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) urls: Vec<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,
}
