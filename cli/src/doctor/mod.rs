//! `entrada doctor`: why an app cannot be reached, and what to do about it.
//!
//! The order is that in which a request goes out: this computer, the name, the connection, the edge, the authority, the
//! registration, the token, the app. Each file has the checks of one of them, as functions from what was observed; only
//! this one asks anybody. `docs/doctor.md` has the table of what it can find.

mod args;
mod call;
mod check;
mod clock;
mod connection;
mod dns;
mod edge;
mod explain;
mod local;
mod name;
mod observe;
mod registration;
mod reply;
mod report;
mod store;
mod token;
mod trial;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use entrada::ports::blocking::{Cache, Transport};
use entrada::protocol::{AppCall, EdgeRedirect, PublishedApp, ReplyUrl};
use entrada::{Authority, Client, Error, Port, TokenRequest, UnixTime};
use url::Url;

pub(crate) use args::Doctor;

use self::check::Check;
use self::observe::Answer;
use self::registration::{Known, LOOPBACK};
use self::report::Report;
use self::trial::Trial;
use crate::args::Common;
use crate::assemble::{self, Asking};
use crate::failure::{CONFIGURATION, Failure};
use crate::notice::Notice;
use crate::settings::Settings;
use crate::sign_in::native_client;

const AUTHORITY_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn run(args: &Doctor, common: &Common, notice: Notice) -> Result<ExitCode, Failure> {
    if let Some(code) = &args.code {
        return explain::run(code, args.output);
    }
    let url = args.url.as_deref();
    let mut report = Report::new(args.output, common.color, url);
    match Settings::resolve(common, url) {
        Ok(settings) => {
            let mut visit = Visit::new(args, common, settings, notice, &mut report)?;
            visit.go()?;
        }
        Err(failure) => report.add(Check::failure("configuration", &failure, "correct the configuration"))?,
    }
    report.finish()
}

/// One run: what is configured, and what has been learnt so far.
struct Visit<'a> {
    args: &'a Doctor,
    common: &'a Common,
    settings: Settings,
    notice: Notice,
    report: &'a mut Report,
    transport: Arc<dyn Transport>,
    timeout: Duration,
    /// Whether the authority cannot be reached, so that it is not asked again.
    is_authority_away: bool,
    /// By how many seconds others' clocks are ahead.
    clocks: Vec<(String, i64)>,
}

/// What the app's URL told without a token.
#[derive(Default)]
struct Learnt {
    redirect: Option<EdgeRedirect>,
    takes_tokens: bool,
    app: Option<PublishedApp>,
    /// The scope that the app's proxy accepted before.
    accepted: Option<String>,
}

impl<'a> Visit<'a> {
    fn new(
        args: &'a Doctor,
        common: &'a Common,
        settings: Settings,
        notice: Notice,
        report: &'a mut Report,
    ) -> Result<Self, Failure> {
        let transport = Arc::new(assemble::transport(&settings)?);
        let timeout = Duration::from_secs(args.timeout);
        Ok(Self {
            args,
            common,
            settings,
            notice,
            report,
            transport,
            timeout,
            is_authority_away: false,
            clocks: Vec::new(),
        })
    }

    fn go(&mut self) -> Result<(), Failure> {
        self.report.add(local::configuration(self.common, &self.settings))?;
        let cache = self.look_at_store()?;
        self.report.add(local::browser(&self.settings))?;
        let Some(named) = self.named_authority()? else { return Ok(()) };
        self.look_at_proxies(named.as_ref())?;
        let (asked, mut learnt) = self.ask_as_stranger()?;
        let authority = self.ask_authority(asked.as_ref(), named, &mut learnt)?;
        self.look_at_registration(authority.as_ref(), &mut learnt, cache.as_deref())?;
        self.use_token(asked.as_ref(), authority.as_ref(), &learnt)
    }

    fn look_at_store(&mut self) -> Result<Option<Arc<dyn Cache>>, Failure> {
        match crate::store::cache(&self.settings, self.args.sign_in, self.notice) {
            Ok(cache) => {
                self.report.add(store::check(&self.settings, &*cache))?;
                self.report.add(store::lock(&self.settings, &*cache))?;
                Ok(Some(cache))
            }
            Err(failure) => {
                self.report.add(Check::failure("store", &failure, "name a file with --cache"))?;
                self.report.add(Check::skipped("lock", "there is no store"))?;
                Ok(None)
            }
        }
    }

    /// The authority that is configured, if one is; `None` where it cannot be used: then there is nothing to hold anything
    /// against.
    fn named_authority(&mut self) -> Result<Option<Option<Authority>>, Failure> {
        if self.settings.authority.is_none() {
            return Ok(Some(None));
        }
        match self.settings.authority() {
            Ok(authority) => Ok(Some(Some(authority))),
            Err(failure) => {
                self.report.add(Check::failure("authority", &failure, "correct --tenant or --authority"))?;
                Ok(None)
            }
        }
    }

    fn look_at_proxies(&mut self, named: Option<&Authority>) -> Result<(), Failure> {
        let authority = named.map(Authority::url);
        let urls: Vec<&str> = self.args.url.as_deref().into_iter().chain(authority.as_deref()).collect();
        let check = local::proxies(&urls);
        self.report.add(check)
    }

    /// The name, the connection, TLS, and the edge's word.
    fn ask_as_stranger(&mut self) -> Result<(Option<AppCall>, Learnt), Failure> {
        let Some(url) = self.args.url.as_deref() else { return Ok((None, Learnt::default())) };
        let asked = match AppCall::new(url) {
            Ok(asked) => asked,
            Err(error) => {
                self.report.add(edge::no_url(&Failure::usage(error.to_string())))?;
                return Ok((None, Learnt::default()));
            }
        };
        self.report.add(look_up(asked.url()))?;
        match Answer::get(&*self.transport, asked.url(), Port::App, self.timeout) {
            Ok(answer) => {
                self.report.add_all(connection::checks(asked.url(), Ok(())))?;
                self.note_clock(asked.url(), &answer);
                let told = edge::stranger(&asked, &answer);
                self.report.add(told.check)?;
                Ok((
                    Some(asked),
                    Learnt { redirect: told.redirect, takes_tokens: told.takes_tokens, ..Learnt::default() },
                ))
            }
            Err(error) => {
                self.report.add_all(connection::checks(asked.url(), Err(&Failure::from(error))))?;
                self.report.add(Check::skipped("edge", "there is no connection"))?;
                Ok((Some(asked), Learnt::default()))
            }
        }
    }

    /// The authority's own word on itself, and whether it is the app's; then all clocks.
    fn ask_authority(
        &mut self,
        asked: Option<&AppCall>,
        named: Option<Authority>,
        learnt: &mut Learnt,
    ) -> Result<Option<Authority>, Failure> {
        // Where the edge leads is asked only where it would be trusted.
        let discovered = || PublishedApp::of_redirect(asked?, learnt.redirect.as_ref()?, None).ok();
        let authority = named.clone().or_else(|| discovered().map(|app| app.authority().clone()));
        let mut tenant = None;
        match &authority {
            None => self.report.add(Check::skipped("authority", "none is configured, and none is known"))?,
            Some(authority) => {
                let url = registration::metadata_url(authority);
                match self.ask(&url) {
                    Ok(answer) => {
                        self.note_clock(&url, &answer);
                        let (check, found) = registration::authority(authority, &answer);
                        tenant = found;
                        self.report.add(check)?;
                    }
                    Err(error) => {
                        self.is_authority_away = true;
                        self.report.add(connection::unreached("authority", &Failure::from(error)))?;
                    }
                }
            }
        }
        self.report.add(clock::check(&self.clocks))?;
        let (Some(asked), Some(redirect)) = (asked, &learnt.redirect) else {
            self.report.skip(&["tenant", "published-app"], "no redirect to sign-in tells the app's tenant")?;
            return Ok(authority);
        };
        let (check, app) = edge::tenant(asked, redirect, named.as_ref(), tenant.as_deref());
        self.report.add(check)?;
        let Some(app) = app else {
            self.report.add(Check::skipped("published-app", "the redirect is not to be trusted"))?;
            learnt.takes_tokens = false;
            return Ok(authority);
        };
        let reply = self.reply_url(app.authority(), app.app_id(), app.external_url());
        self.report.add(edge::published_app(&app, reply))?;
        learnt.app = Some(match reply {
            Some(reply) => app.with_reply(reply),
            None => app,
        });
        Ok(authority)
    }

    fn look_at_registration(
        &mut self,
        authority: Option<&Authority>,
        learnt: &mut Learnt,
        cache: Option<&dyn Cache>,
    ) -> Result<(), Failure> {
        let (Ok(client), Some(authority)) = (self.settings.client_id().map(str::to_owned), authority) else {
            self.report.skip(&["client-id", "redirect-uri"], "there is no client id, or no authority to ask")?;
            return self.report.add(registration::scope(&self.settings.scopes, authority, learnt.app.as_ref()));
        };
        let native = native_client(authority);
        let known = self
            .reply_url(authority, &client, LOOPBACK)
            .and_then(|loopback| Some(Known { loopback, native: self.reply_url(authority, &client, &native)? }));
        let check = registration::client_id(&client, learnt.app.as_ref(), known);
        let is_known = check.status != check::Status::Fail;
        self.report.add(check)?;
        self.report.add(match known {
            Some(known) if is_known => registration::redirect_uri(self.settings.flow, &native, known),
            Some(_) => Check::skipped("redirect-uri", "it is asked for once the client id is right"),
            None => Check::skipped("redirect-uri", "this authority cannot be asked whether it is registered"),
        })?;
        // What was accepted before is tried first, where it is of the app that the edge speaks of now.
        let before =
            cache.and_then(|cache| cache.snapshot().ok()?.published_app(self.args.url.as_deref()?, Some(authority)));
        let is_same = |before: &PublishedApp, app: &PublishedApp| {
            before.app_id().eq_ignore_ascii_case(app.app_id()) && before.external_url() == app.external_url()
        };
        let before = before.filter(|before| learnt.app.as_ref().is_some_and(|app| is_same(before, app)));
        learnt.accepted = before.and_then(|app| app.accepted_scope().map(String::from));
        let app = learnt.app.clone().map(|app| match &learnt.accepted {
            Some(scope) => app.accepting(scope),
            None => app,
        });
        self.report.add(registration::scope(&self.settings.scopes, Some(authority), app.as_ref()))
    }

    /// A token, what is written in it, and a call with it.
    fn use_token(
        &mut self,
        asked: Option<&AppCall>,
        authority: Option<&Authority>,
        learnt: &Learnt,
    ) -> Result<(), Failure> {
        let client = match self.client(authority) {
            Ok(client) => client,
            Err(why) => return self.without_token(Check::skipped("token", why)),
        };
        let result = self.token_and_call(&client, asked, learnt);
        assemble::finish(&client);
        result
    }

    fn token_and_call(&mut self, client: &Client, asked: Option<&AppCall>, learnt: &Learnt) -> Result<(), Failure> {
        let Trial { token, used, outcome } = match self.trial(client, asked, learnt) {
            Some(Ok(trial)) => trial,
            Some(Err(error)) => {
                let check = token::missing(error, &assemble::login_command(&self.settings));
                return self.without_token(check);
            }
            None => return self.without_token(Check::skipped("token", "it is not known which scope to ask for")),
        };
        self.report.add(token::found(&token, token::claims(&token).as_ref(), UnixTime::now()))?;
        let was_refused = match &outcome {
            Some(Ok(answer)) => Some(call::is_refusal(answer)),
            Some(Err(Error::ProxyRefused(_))) => Some(true),
            _ => None,
        };
        let is_another = used.secret.expose() != token.secret.expose();
        let (now, claims) = (UnixTime::now(), token::claims(&used));
        let of_claims = claims.as_ref().map(|claims| {
            let tenant = learnt.redirect.as_ref().map(|redirect| redirect.tenant.as_str());
            let client_id = client.app().client_id();
            let app = learnt.app.as_ref();
            token::checks(claims, &token::Expected { app, tenant, client_id, now, was_refused })
        });
        let of_claims = of_claims.unwrap_or(token::OF_CLAIMS.map(|name| Check::skipped(name, "the token is opaque")));
        let is_right = claims.is_some() && of_claims.iter().all(|check| check.status != check::Status::Fail);
        self.report.add_all(of_claims)?;
        self.report.add(match outcome {
            Some(Ok(answer)) => call::check(&answer, is_another),
            Some(Err(error)) if error.needs_ui() => {
                call::wants_sign_in(error, &assemble::command("get", &self.settings))
            }
            Some(Err(error)) => call::failed(&Failure::from(error), is_right),
            None => Check::skipped("app", "no token is sent there: see the checks above"),
        })
    }

    fn without_token(&mut self, check: Check) -> Result<(), Failure> {
        self.report.add(check)?;
        self.report.skip(&token::OF_CLAIMS, "there is no token")?;
        self.report.skip(&["app"], "it is not called without one")
    }

    /// A client of these settings, with what was learnt in place of what is not configured; the reason where none can be.
    fn client(&self, authority: Option<&Authority>) -> Result<Client, String> {
        let authority = authority.ok_or("no authority is known")?;
        let mut settings = self.settings.clone();
        settings.no_input |= !self.args.sign_in;
        let asking = if self.args.sign_in { Asking::Wanted } else { Asking::Allowed };
        let builder = assemble::builder(&settings, asking, self.notice).map_err(|failure| failure.message)?;
        let builder = builder.authority(authority.clone()).transport(Arc::clone(&self.transport));
        builder.build().map_err(|error| error.to_string())
    }

    /// A token, and a call with it where one is sent there; `None` where it is not known which scope to ask for.
    fn trial(&self, client: &Client, asked: Option<&AppCall>, learnt: &Learnt) -> Option<Result<Trial, Error>> {
        let choices = trial::choices(&self.settings.scopes, learnt.app.as_ref(), learnt.accepted.as_deref());
        let url = asked.filter(|_| learnt.takes_tokens).map(AppCall::url);
        trial::first_accepted(choices, |scopes| {
            let request = TokenRequest::new(scopes)?.account(assemble::account(&self.settings));
            Trial::make(client, &request, url, self.timeout)
        })
    }

    /// Whether the authority knows a redirect URI as the client's; `None` where it cannot be asked.
    fn reply_url(&self, authority: &Authority, client_id: &str, redirect_uri: &str) -> Option<ReplyUrl> {
        let question = ReplyUrl::question(authority, client_id, redirect_uri).filter(|_| !self.is_authority_away)?;
        let answer = self.ask(&question).ok()?;
        Some(ReplyUrl::read(redirect_uri, answer.status, answer.header("location"), &answer.body))
    }

    /// Asks the authority, which is not to take as long as an app may.
    fn ask(&self, url: &str) -> Result<Answer, Error> {
        Answer::get(&*self.transport, url, Port::Authority, self.timeout.min(AUTHORITY_TIMEOUT))
    }

    fn note_clock(&mut self, url: &str, answer: &Answer) {
        let host = Url::parse(url).ok().and_then(|url| url.host_str().map(String::from));
        if let (Some(host), Some(ahead)) = (host, answer.ahead()) {
            self.clocks.push((host, ahead));
        }
    }
}

fn look_up(url: &str) -> Check {
    let parsed = Url::parse(url).ok();
    let Some((host, port)) = parsed.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)))
    else {
        return Check::fail("name", CONFIGURATION, "the URL has no host", "give the app's URL: https://host/path");
    };
    match name::look_up(host, port, local::proxy_for(url)) {
        Ok(observed) => name::check(host, &observed),
        Err(skipped) => skipped,
    }
}
