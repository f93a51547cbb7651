//! A user with a browser, without either.

use crate::authority::NATIVE_CLIENT;
use crate::connection;
use crate::directory::User;
use crate::form::{Form, first_form};
use crate::message::{Pairs, pairs};
use crate::realm::Realm;
use futures_rustls::TlsConnector;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use rustls::pki_types::ServerName;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::{fmt, io};
use url::Url;
use url::form_urlencoded::Serializer;

const MOST_STEPS: usize = 20;

/// Follows an authorize URL as a browser would: fills the forms of the sign-in, presses the buttons, follows redirects,
/// and delivers the result to the redirect URI. Keeps cookies from one visit to the next.
pub struct Visitor {
    realm: Arc<Realm>,
    user: User,
    consents: bool,
    signs_in: bool,
    delivers: bool,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What left the authority for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `POST` for `form_post`, else `GET`.
    pub method: String,
    /// The URL: with its parameters in the query and fragment modes.
    pub url: String,
    /// The parameters: `code`, `state`, `error`, ...
    pub parameters: Vec<(String, String)>,
}

impl Delivery {
    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
}

/// Where a visit ended.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The HTTP status of the last page.
    pub status: u16,
    /// The last page: of the client's listener after a delivery, else of the authority.
    pub page: String,
    /// The titles of the pages on the way, the last one included.
    pub titles: Vec<String>,
    /// What was delivered to the redirect URI, if it came to that.
    pub delivered: Option<Delivery>,
}

impl Visit {
    /// The AADSTS number on the page on which the visit is stuck.
    pub fn aadsts(&self) -> Option<u32> {
        let at = self.page.find("data-code=\"")? + 11;
        self.page[at..].split('"').next()?.parse().ok()
    }
}

impl Visitor {
    pub(crate) fn new(realm: Arc<Realm>) -> Self {
        let user = realm.directory.users[0].clone();
        Self { realm, user, consents: true, signs_in: true, delivers: true, cookies: Mutex::default() }
    }

    /// Signs in as this user of the stage; anyone else has no password that works.
    #[must_use]
    pub fn user(mut self, upn: &str) -> Self {
        self.user =
            self.realm.directory.user(upn).cloned().unwrap_or_else(|| User { upn: upn.to_owned(), ..self.user });
        self
    }

    /// Types this password.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.user.password);
        self
    }

    /// Presses Cancel where the app asks for consent or confirmation.
    #[must_use]
    pub fn declines(mut self) -> Self {
        self.consents = false;
        self
    }

    /// Presses Cancel where a password is asked for.
    #[must_use]
    pub fn cancels(mut self) -> Self {
        self.signs_in = false;
        self
    }

    /// Stops before the redirect URI: the delivery is reported and not made.
    #[must_use]
    pub fn keeps_delivery(mut self) -> Self {
        self.delivers = false;
        self
    }

    /// Opens a URL and goes on until there is nothing left to click.
    ///
    /// # Errors
    /// Where a server is not reached or there are more than 20 steps.
    pub fn visit(&self, url: &str) -> io::Result<Visit> {
        smol::block_on(self.browse(url, None))
    }

    /// Opens the device page and types a code.
    ///
    /// # Errors
    /// As [`Visitor::visit`].
    pub fn enter_user_code(&self, code: &str) -> io::Result<Visit> {
        smol::block_on(self.browse(&format!("{}/devicelogin", self.realm.instance), Some(code)))
    }

    async fn browse(&self, url: &str, user_code: Option<&str>) -> io::Result<Visit> {
        let mut url = parse(url)?;
        let mut form: Option<Pairs> = None;
        let mut visit = Visit { status: 0, page: String::new(), titles: Vec::new(), delivered: None };
        for _ in 0..MOST_STEPS {
            if url.origin().ascii_serialization() != self.realm.instance || url.path() == NATIVE_CLIENT {
                let parameters = form
                    .clone()
                    .unwrap_or_else(|| pairs(url.query().or(url.fragment()).unwrap_or_default().as_bytes()));
                let method = if form.is_some() { "POST" } else { "GET" }.to_owned();
                visit.delivered.get_or_insert(Delivery { method, url: url.to_string(), parameters });
                if !self.delivers {
                    return Ok(visit);
                }
            }
            let (parts, page) = self.fetch(&url, form.take()).await?;
            visit.status = parts.status.as_u16();
            visit.page = page;
            if let Some(to) = parts.headers.get(header::LOCATION).filter(|_| parts.status.is_redirection()) {
                let to = to.to_str().map_err(io::Error::other)?;
                url = url.join(to).map_err(io::Error::other)?;
                continue;
            }
            visit.titles.push(title(&visit.page));
            if visit.delivered.is_some() {
                return Ok(visit);
            }
            let Some(next) = first_form(&visit.page).and_then(|form| self.fill(form, &visit.page, user_code)) else {
                return Ok(visit);
            };
            url = url.join(&next.action).map_err(io::Error::other)?;
            form = Some(next.inputs);
        }
        Err(io::Error::other("the sign-in leads nowhere"))
    }

    /// What a user types and presses; `None` where they give up.
    fn fill(&self, mut form: Form, page: &str, user_code: Option<&str>) -> Option<Form> {
        if page.contains(r#"id="error""#) {
            return None;
        }
        for (name, value) in &mut form.inputs {
            match name.as_str() {
                "login" => self.user.upn.clone_into(value),
                "passwd" => self.user.password.clone_into(value),
                "otc" => user_code?.clone_into(value),
                _ => {}
            }
        }
        let has = |id: &str| form.buttons.iter().any(|(i, ..)| i == id);
        let declined = (has("accept") || has("continue")) && !self.consents || has("signin") && !self.signs_in;
        let pressed = if declined {
            form.buttons.iter().find(|(id, ..)| id == "cancel")
        } else {
            let mine = form.buttons.iter().find(|(id, _, value)| id == "account" && *value == self.user.upn);
            mine.or_else(|| form.buttons.iter().rfind(|(id, ..)| id != "cancel"))
        };
        if let Some((_, name, value)) = pressed.filter(|(_, name, _)| !name.is_empty()) {
            form.inputs.push((name.clone(), value.clone()));
        }
        Some(form)
    }

    async fn fetch(&self, url: &Url, form: Option<Pairs>) -> io::Result<(http::response::Parts, String)> {
        let host = url.host_str().ok_or(io::ErrorKind::InvalidInput)?;
        let port = url.port_or_known_default().ok_or(io::ErrorKind::InvalidInput)?;
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let ours = url.origin().ascii_serialization() == self.realm.instance;
        let mut request = Request::builder().uri(target).header(header::HOST, format!("{host}:{port}"));
        request = request.header(header::ACCEPT, "text/html").header(header::CONNECTION, "close");
        if ours {
            let cookies = crate::realm::locked(&self.cookies);
            let line: Vec<String> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            if !line.is_empty() {
                request = request.header(header::COOKIE, line.join("; "));
            }
        }
        let body = match form {
            Some(form) => {
                request = request.method("POST").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                request = request.header(header::ORIGIN, &self.realm.instance);
                Serializer::new(String::new()).extend_pairs(form).finish()
            }
            None => String::new(),
        };
        let request = request.body(Full::new(Bytes::from(body))).map_err(io::Error::other)?;
        let tcp = match self.realm.internet.as_ref().and_then(|internet| internet.address(host, port)) {
            Some(address) => smol::net::TcpStream::connect(address).await?,
            None => smol::net::TcpStream::connect((host, port)).await?,
        };
        let answer: Response<Incoming> = if url.scheme() == "https" {
            let tls = self.realm.tls.as_ref().ok_or(io::ErrorKind::Unsupported)?;
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            let stream = TlsConnector::from(tls.client.clone()).connect(name, tcp).await?;
            connection::send(Box::new(stream), request).await?
        } else {
            connection::send(Box::new(tcp), request).await?
        };
        let (parts, body) = answer.into_parts();
        if ours {
            let mut jar = crate::realm::locked(&self.cookies);
            for line in parts.headers.get_all(header::SET_COOKIE).iter().filter_map(|v| v.to_str().ok()) {
                if let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) {
                    jar.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        let page = body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok((parts, String::from_utf8_lossy(&page).into_owned()))
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").field("user", &self.user.upn).finish_non_exhaustive()
    }
}

fn parse(url: &str) -> io::Result<Url> {
    Url::parse(url).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))
}

fn title(page: &str) -> String {
    let inner = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    inner.map(|(title, _)| title.to_owned()).unwrap_or_default()
}
