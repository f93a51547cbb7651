//! `entrada proxy`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use entrada_forwarder::{Forwarder, Limits, Listen, PathSecret, raise_open_files};

use crate::answer;
use crate::args::Common;
use crate::assemble;
use crate::failure::Failure;
use crate::forwarding::{self, Proxy, live};
use crate::notice::Notice;
use crate::signals;

pub(crate) fn run(proxy: &Proxy, common: &Common, notice: Notice) -> Result<ExitCode, Failure> {
    let listens = listens(proxy)?;
    let apps = proxy.urls.iter().cloned().zip(listens);
    let (mut builder, clients) = forwarding::builder(apps, common, notice)?;
    // Not before a browser was started, which would inherit that.
    let files = raise_open_files();
    notice.detail(&format!("files that may be open: {files}"));
    builder = builder.limits(Limits::default());
    if proxy.secret {
        builder = builder.secret(PathSecret::random().map_err(|error| forwarding::failed(&error))?);
    }
    let mut signals = signals::caught()?;
    // Who waits for the file is not to find the ports of an earlier run.
    let mut port_file = proxy.port_file.as_deref().map(PortFile::cleared).transpose()?;
    let forwarder = builder.bind().map_err(|error| forwarding::failed(&error))?;
    let announced = announce(&forwarder, port_file.as_mut());
    let port_file = port_file;
    announced.inspect_err(|_| port_file.iter().for_each(PortFile::remove))?;
    live::begin(notice, Some(forwarder.counts()));
    say_that_it_listens(proxy, notice);

    let first = OnceLock::new();
    let stop = async {
        let signal = signals::next(&mut signals).await;
        let _ = first.set(signal);
        notice.say("Ending when what is under way is done; once more to end at once.");
        let port_file = port_file.clone();
        std::thread::spawn(move || {
            let signal = smol::block_on(signals::next(&mut signals));
            port_file.iter().for_each(PortFile::remove);
            live::end();
            std::process::exit(i32::from(signals::exit_code(signal)));
        });
    };
    let ran = forwarder.run(stop).map_err(|error| forwarding::failed(&error));
    port_file.iter().for_each(PortFile::remove);
    live::end();
    clients.iter().for_each(assemble::finish);
    ran?;
    Ok(ExitCode::from(first.get().copied().map_or(0, signals::exit_code)))
}

/// Where to listen for each URL.
fn listens(proxy: &Proxy) -> Result<Vec<Listen>, Failure> {
    let listens = match proxy.listen.as_slice() {
        [] => vec![Listen::default(); proxy.urls.len()],
        listens if listens.len() == proxy.urls.len() => listens.to_vec(),
        listens => {
            let (listens, urls) = (listens.len(), proxy.urls.len());
            return Err(Failure::usage(format!("{urls} URLs are given, and {listens} addresses to listen at"))
                .with_remedy("give --listen once for each URL, or not at all"));
        }
    };
    let has_socket = listens.iter().any(|listen| matches!(listen, Listen::Unix(_)));
    if has_socket && proxy.port_file.is_some() {
        return Err(Failure::usage("a Unix socket has no port to write to --port-file".to_owned()));
    }
    Ok(listens)
}

/// Where it listens, for programs.
fn announce(forwarder: &Forwarder, port_file: Option<&mut PortFile>) -> Result<(), Failure> {
    if let Some(file) = port_file {
        file.write(forwarder.ports().into_iter().flatten().map(|port| format!("{port}\n")).collect())?;
    }
    forwarder.local_urls().iter().try_for_each(|url| answer::print_line(url))
}

/// The same for people.
fn say_that_it_listens(proxy: &Proxy, notice: Notice) {
    for (url, listen) in proxy.urls.iter().zip(&proxy.listen) {
        if let Listen::Unix(path) = listen {
            notice.say(&format!("{url} is at the Unix socket {}.", path.display()));
        }
    }
    notice.say("Forwarding with a token until Ctrl-C.");
}

/// The file of `--port-file`, which is there while the ports in it are listened at.
#[derive(Clone)]
struct PortFile {
    path: PathBuf,
    text: String,
}

impl PortFile {
    /// Not there yet, nor that of an earlier run. A device or a pipe stays.
    fn cleared(path: &Path) -> Result<Self, Failure> {
        if std::fs::symlink_metadata(path).is_ok_and(|about| about.is_file()) {
            std::fs::remove_file(path).map_err(|error| Failure::output(&path.display().to_string(), &error))?;
        }
        Ok(Self { path: path.to_owned(), text: String::new() })
    }

    /// Whoever finds the file finds all of it.
    fn write(&mut self, text: String) -> Result<(), Failure> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.persist(&self.path).map(drop).map_err(|error| error.error)
        });
        written.map_err(|error| Failure::output(&self.path.display().to_string(), &error))?;
        self.text = text;
        Ok(())
    }

    /// Takes it away at the end, unless it is another run's by now.
    fn remove(&self) {
        if std::fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
