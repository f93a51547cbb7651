//! One window with one sign-in in it.

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tao::dpi::LogicalSize;
use tao::event_loop::{EventLoopProxy, EventLoopWindowTarget};
use tao::window::{WindowBuilder, WindowId};
use url::Url;
use wry::{NewWindowResponse, PermissionResponse, WebContext, WebView, WebViewBuilder};

use crate::desk::{Desk, Signal};
use crate::navigation::{Navigation, judge, origin_shown};
use crate::screen::Order;

/// Enough for the sign-in pages, which are made for telephones too.
const SIZE: LogicalSize<f64> = LogicalSize::new(520.0, 700.0);
/// The title where no page is shown.
const UNTITLED: &str = "Sign-in";

/// All that a window begins with.
pub(crate) struct Opening {
    /// From the desk.
    pub(crate) number: u64,
    /// The sign-in's page.
    pub(crate) url: String,
    /// Where it stops.
    pub(crate) redirect_uri: Arc<Url>,
    /// Where cookies live on.
    pub(crate) data_folder: Option<PathBuf>,
    /// Who hears of what comes.
    pub(crate) desk: Arc<Desk>,
}

/// An open window; dropping it closes it.
pub(crate) struct Window {
    pub(crate) number: u64,
    desk: Arc<Desk>,
    // In the order in which they must go.
    webview: WebView,
    _context: Option<WebContext>,
    frame: Rc<tao::window::Window>,
}

impl Window {
    /// Opens it; where that fails, the sentence says why.
    pub(crate) fn open(
        opening: &Opening,
        target: &EventLoopWindowTarget<Order>,
        proxy: &EventLoopProxy<Order>,
    ) -> Result<Self, String> {
        let frame = WindowBuilder::new().with_title(UNTITLED).with_inner_size(SIZE).build(target);
        let frame = Rc::new(frame.map_err(|error| format!("no window could be opened: {error}"))?);
        let mut context = match &opening.data_folder {
            Some(folder) => {
                create(folder).map_err(|error| format!("the folder {} cannot be used: {error}", folder.display()))?;
                Some(WebContext::new(Some(folder.clone())))
            }
            None => None,
        };
        let builder = match &mut context {
            Some(context) => WebViewBuilder::new_with_web_context(context),
            None => WebViewBuilder::new().with_incognito(true),
        };
        let number = opening.number;
        let (desk, redirect_uri) = (Arc::clone(&opening.desk), Arc::clone(&opening.redirect_uri));
        let (titled, proxy) = (Rc::clone(&frame), proxy.clone());
        let builder = builder
            .with_navigation_handler(move |address| match judge(&address, &redirect_uri) {
                Navigation::Page => true,
                Navigation::Refused => false,
                Navigation::Redirect(parameters) => {
                    desk.redirected(number, parameters);
                    false
                }
            })
            .with_on_page_load_handler(move |_, address| {
                let title = origin_shown(&address).map(|origin| format!("{origin} - {UNTITLED}"));
                titled.set_title(title.as_deref().unwrap_or(UNTITLED));
            })
            .with_new_window_req_handler(move |address, _| {
                // A second window would be one without a listener: what opens there, a terms page mostly, comes here.
                let _ = proxy.send_event(Order::Load(number, address));
                NewWindowResponse::Deny
            })
            .with_download_started_handler(|_, _| false)
            .with_permission_handler(|_| PermissionResponse::Deny)
            .with_devtools(false)
            .with_url(&opening.url);
        let webview = build(builder, &frame).map_err(|error| format!("the system's web view failed: {error}"))?;
        Ok(Self { number, desk: Arc::clone(&opening.desk), webview, _context: context, frame })
    }

    /// Shows another page, if the window may go there.
    pub(crate) fn load(&self, address: &str) {
        // It fails where the view has gone; then its window is about to.
        let _ = self.webview.load_url(address);
    }

    /// The toolkit's name of it.
    pub(crate) fn id(&self) -> WindowId {
        self.frame.id()
    }

    /// The user does not want to sign in.
    pub(crate) fn closed_by_user(self) {
        self.desk.lost(self.number, Signal::Closed);
    }
}

#[cfg(any(windows, target_os = "macos"))]
fn build(builder: WebViewBuilder<'_>, frame: &tao::window::Window) -> wry::Result<WebView> {
    builder.build(frame)
}

/// In the window's box, as X11 and Wayland have no other way in common.
#[cfg(not(any(windows, target_os = "macos")))]
fn build(builder: WebViewBuilder<'_>, frame: &tao::window::Window) -> wry::Result<WebView> {
    use tao::platform::unix::WindowExtUnix;
    use wry::WebViewBuilderExtUnix;

    match frame.default_vbox() {
        Some(container) => builder.build_gtk(container),
        None => builder.build_gtk(frame.gtk_window()),
    }
}

/// What sessions are kept in belongs to the user alone.
fn create(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
