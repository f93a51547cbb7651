//! The arguments, defined once: the parser, the help and the completions all come from here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::config::Config;
use crate::curl::Curl;
use crate::forwarding::{Exec, Proxy};
use crate::git::Git;
use crate::help::Help;
use crate::man::Man;
use crate::topics;

/// Reach apps published through Microsoft Entra application proxy.
///
/// entrada gets a token (from its cache, by a silent refresh, or by a sign-in when one is needed) and calls the
/// app with it. The token goes to the app's own origin only.
#[derive(Debug, Parser)]
#[command(name = "entrada", version, max_term_width = 100, after_help = topics::after_help(), disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Get a page of a published app
    Get(Call),
    /// Send a POST to a published app
    Post(Call),
    /// Send a PUT to a published app
    Put(Call),
    /// Send a PATCH to a published app
    Patch(Call),
    /// Send a DELETE to a published app
    Delete(Call),
    /// Send a HEAD to a published app
    Head(Call),
    /// Print a token
    Token(Token),
    /// Run curl with the token: in no argument, no variable and no file
    Curl(Curl),
    /// Let git reach repositories behind the proxy
    #[command(disable_help_subcommand = true)]
    Git(Git),
    /// Sign in, whatever the cache holds
    Login(Login),
    /// Sign out: take an account and its tokens out of the cache
    Logout(Logout),
    /// Tell who is signed in
    Accounts(Accounts),
    /// Show the settings and where each comes from; change those in the user's file
    #[command(disable_help_subcommand = true)]
    Config(Config),
    /// Tell whom a published app's URL sends to for tokens; sends none itself
    Discover(Discover),
    /// Publish an app, register a client and grant it access in Microsoft Entra, as an administrator
    Setup(crate::setup::args::Setup),
    /// Find out why an app cannot be reached, and what to do about it
    Doctor(crate::doctor::Doctor),
    /// Lend the token to other tools: a local address that stands for the app
    Proxy(Proxy),
    /// Run a command with a forwarder of its own
    Exec(Exec),
    /// Show the main job on loopback, without a tenant
    Demo(Demo),
    /// Print completions for a shell
    Completions(Completions),
    /// Write the manual pages
    Man(Man),
    /// Tell of a command or of a topic
    Help(Help),
}

/// Whom to be, whom to ask, where to keep tokens, and how to speak.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Application (client) ID of the native registration
    #[arg(long, global = true, value_name = "ID", help_heading = "Identity")]
    pub(crate) client_id: Option<String>,
    /// Tenant: its id, a domain of it, or organizations, common, consumers
    #[arg(long, global = true, value_name = "T", help_heading = "Identity", conflicts_with_all = ["authority", "oidc"])]
    pub(crate) tenant: Option<String>,
    /// Authority: https://HOST/TENANT, AD FS (https://HOST/adfs), B2C or External ID; trusted as named
    #[arg(long, global = true, value_name = "URL", help_heading = "Identity", conflicts_with = "oidc")]
    pub(crate) authority: Option<String>,
    /// Any OpenID provider by its issuer; trusted as named
    #[arg(long, global = true, value_name = "ISSUER", help_heading = "Identity")]
    pub(crate) oidc: Option<String>,
    /// Scope, verbatim to the slash; may be repeated
    #[arg(long, global = true, value_name = "S", help_heading = "Identity")]
    pub(crate) scope: Vec<String>,
    /// Account by user name or home account id
    #[arg(long, global = true, value_name = "NAME", help_heading = "Identity")]
    pub(crate) account: Option<String>,
    /// Cloud that the tenant is in
    #[arg(long, global = true, value_enum, help_heading = "Identity")]
    pub(crate) cloud: Option<Cloud>,
    /// Section [profile.P] of the configuration
    #[arg(long, global = true, value_name = "P", help_heading = "Identity")]
    pub(crate) profile: Option<String>,

    /// How to sign in
    #[arg(long, global = true, value_enum, help_heading = "Sign-in")]
    pub(crate) flow: Option<Flow>,
    /// Never ask: where a sign-in is needed, exit 10
    #[arg(long, global = true, help_heading = "Sign-in")]
    pub(crate) no_input: bool,
    /// Open no browser: with --flow browser show its URL, else use a user code
    #[arg(long, global = true, help_heading = "Sign-in")]
    pub(crate) no_browser: bool,
    /// How long a sign-in may take, or a keyring's question for its password, in seconds
    #[arg(long, global = true, value_name = "S", help_heading = "Sign-in")]
    pub(crate) sign_in_timeout: Option<u64>,

    /// Where to keep tokens; auto if not said
    ///
    /// The first sign-in decides for auto: where a keyring answers, the file is encrypted; else it is plain, and that is
    /// said. From then on auto stays with the file that is there, so that programs which share a plain file keep seeing
    /// it. To encrypt what is in a plain file, use keyring once: it takes it over and deletes the plain file. A locked
    /// keyring asks for its password only where a user may be asked.
    #[arg(long, global = true, value_enum, help_heading = "Surroundings")]
    pub(crate) store: Option<Store>,
    /// File to keep tokens in; a plain one, except with --store keyring
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Surroundings")]
    pub(crate) cache: Option<PathBuf>,
    /// Certificate authorities to trust besides the system's, PEM
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Surroundings")]
    pub(crate) ca: Option<PathBuf>,

    /// Errors as one line of JSON
    #[arg(long, global = true, help_heading = "Speech")]
    pub(crate) json_errors: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true, help_heading = "Speech", conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice, even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Speech")]
    pub(crate) verbose: u8,
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, help_heading = "Speech")]
    pub(crate) color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cloud {
    Public,
    Usgov,
    China,
    Bleu,
    Delos,
    Govsg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flow {
    /// The browser where one can be opened, else a user code, else a pasted redirect
    Auto,
    /// The user's browser, with a loopback redirect
    Browser,
    /// A user code, entered on any device
    Device,
    /// The redirect's URL, pasted from the browser's address bar
    Paste,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// The file that is there already; else as keyring, where one answers within three seconds, or as file
    Auto,
    /// A file, encrypted with a key in the system's keyring; it takes over what the plain file holds
    Keyring,
    /// A plain file for the user alone, which programs with entrada or Microsoft's libraries can share
    File,
    /// This process's memory: nothing is kept
    Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// URL of the page: https, or http on loopback
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: String,
    /// Another method
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// Header to send; may be repeated
    #[arg(short = 'H', long = "header", value_name = "K: V")]
    pub(crate) headers: Vec<String>,
    /// Body: text, @FILE, or @- for standard input
    #[arg(short = 'd', long, value_name = "DATA", conflicts_with_all = ["json", "form"])]
    pub(crate) data: Option<String>,
    /// JSON body: text, @FILE, or @-
    #[arg(long, value_name = "JSON", conflicts_with = "form")]
    pub(crate) json: Option<String>,
    /// Field of a multipart form: name=value or name=@FILE; may be repeated
    #[arg(short = 'F', long, value_name = "K=V")]
    pub(crate) form: Vec<String>,
    /// Write the body to a file
    #[arg(short = 'o', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Go on with a download that was cut: what came of it is in FILE.part
    #[arg(short = 'C', long, value_name = "-", value_parser = ["-"], allow_hyphen_values = true, requires = "output")]
    pub(crate) continue_at: Option<String>,
    /// Print the answer's head before its body
    #[arg(short = 'i', long)]
    pub(crate) include: bool,
    /// Follow redirects; the token stays with the app's origin
    #[arg(short = 'L', long)]
    pub(crate) location: bool,
    /// Try again that often after a passing failure
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) retry: u32,
    /// How long to wait for the answer, in seconds
    #[arg(long, value_name = "S", default_value_t = 200)]
    pub(crate) timeout: u64,
    /// Write the body of a 4xx or 5xx to standard output, too
    #[arg(long)]
    pub(crate) fail_with_body: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    /// URL of the app: what is not named is learnt from it, and it chooses the configuration's [app."URL"] section
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = TokenOutput::Token)]
    pub(crate) output: TokenOutput,
    /// How long it must be good for at least, in seconds
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) min_ttl: u64,
    /// Refresh it, even where the cached one is good
    #[arg(long)]
    pub(crate) refresh: bool,
    /// Print what the token says instead of the token
    #[arg(long)]
    pub(crate) decode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenOutput {
    /// The token alone
    Token,
    /// The header, Authorization: Bearer ...
    Header,
    /// JSON with scopes, expiry and account
    Json,
    /// An assignment for a POSIX shell
    Env,
    /// A configuration for curl -K -
    Curl,
    /// A Kubernetes ExecCredential
    ExecCredential,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// URL of the app: what is not named is learnt from it, and it chooses the configuration's [app."URL"] section
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// Page to insist on
    #[arg(long, value_enum)]
    pub(crate) prompt: Option<Prompt>,
    /// User name to fill in
    #[arg(long, value_name = "NAME")]
    pub(crate) login_hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Prompt {
    SelectAccount,
    Login,
    Consent,
    None,
}

#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// All accounts
    #[arg(long, conflicts_with = "account")]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Accounts {
    /// How to print them
    #[arg(long, value_enum, default_value_t = AccountsOutput::Table)]
    pub(crate) output: AccountsOutput,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountsOutput {
    Table,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// URL of the app, or of a page of it
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: String,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// What to do
    #[arg(value_enum, default_value_t = DemoMode::Run)]
    pub(crate) mode: DemoMode,
    /// Let the real browser sign in, and not the built-in stand-in
    #[arg(long)]
    pub(crate) browser: bool,
    /// With serve: something is broken, and this is its name; `list` prints the names
    #[arg(long = "break", value_name = "NAME")]
    pub(crate) breakage: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoMode {
    /// Go through the main job and end
    Run,
    /// Stay up, and print the environment for a second shell
    Serve,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// For which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
