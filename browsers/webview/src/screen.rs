//! The thread that the windows live on: one in a process, as toolkits want it.

use std::panic;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use tao::event::{Event, WindowEvent};
use tao::event_loop::{ControlFlow, EventLoop, EventLoopBuilder, EventLoopProxy};
use tao::platform::run_return::EventLoopExtRunReturn;

use crate::desk::Signal;
use crate::window::{Opening, Window};

/// What that thread is asked to do. Windows have the numbers that their desk gave them.
pub(crate) enum Order {
    /// Opens a window.
    Open(Opening),
    /// Shows another page in a window.
    Load(u64, String),
    /// Closes windows, those of them that are still there.
    Close(Vec<u64>),
    /// Closes all of them, for good.
    Leave,
}

/// What is known of the screen.
enum Screen {
    Untried,
    Lit(EventLoopProxy<Order>),
    /// For good, for this reason.
    Dark(String),
}

static SCREEN: Mutex<Screen> = Mutex::new(Screen::Untried);

/// Every change is one assignment, so a panic leaves nothing half done.
fn lock() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes sure that windows can open.
pub(crate) fn start() -> Result<(), AdapterError> {
    let mut screen = lock();
    if matches!(*screen, Screen::Untried) {
        if cfg!(target_os = "macos") {
            return Err(AdapterError::new(
                Fault::NotFound,
                "on macOS windows belong to the main thread, and this program has not given it to them \
                 (windows_on_main_thread): sign in with the system browser or with a user code",
            ));
        }
        *screen = light();
    }
    match &*screen {
        Screen::Lit(_) => Ok(()),
        Screen::Dark(why) => Err(AdapterError::new(Fault::NotFound, why.clone())),
        Screen::Untried => Err(AdapterError::new(Fault::NotFound, "there is no thread for a window")),
    }
}

/// Gives an order; what it leads to is told to the desk.
pub(crate) fn order(order: Order) -> Result<(), AdapterError> {
    let given = match &*lock() {
        Screen::Lit(proxy) => proxy.send_event(order).is_ok(),
        _ => false,
    };
    if given { Ok(()) } else { Err(AdapterError::new(Fault::NotFound, "the thread of the windows has ended")) }
}

/// Closes windows. Where the thread has ended they are closed already.
pub(crate) fn close(windows: Vec<u64>) {
    if !windows.is_empty() {
        let _ = order(Order::Close(windows));
    }
}

/// Gives this thread, the process's main one, to the windows, and runs the program on another.
///
/// macOS wants windows on the main thread; elsewhere this is not needed, and does no harm. It returns what the program
/// returned, once that has; a panic of the program goes on here. It serves once in a process: where the windows have a
/// thread already, or there is no screen, the program simply runs here.
///
/// ```
/// use entrada_browser_webview::{WebviewBrowser, windows_on_main_thread};
///
/// fn program() -> Result<(), entrada_core::ports::AdapterError> {
///     let browser = WebviewBrowser::builder().build()?;
///     // A client with `.browser(browser)` signs in here, from any thread.
///     # let _ = browser;
///     Ok(())
/// }
///
/// windows_on_main_thread(program)?
/// # ; Ok::<(), entrada_core::ports::AdapterError>(())
/// ```
///
/// # Errors
///
/// No thread could be started for the program.
///
/// # Panics
///
/// On macOS, where it is called on any other thread.
pub fn windows_on_main_thread<T: Send + 'static>(
    program: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AdapterError> {
    let mut screen = lock();
    let event_loop = match *screen {
        Screen::Untried => event_loop(),
        _ => Err(String::new()),
    };
    let event_loop = match event_loop {
        Ok(event_loop) => event_loop,
        Err(why) => {
            if matches!(*screen, Screen::Untried) {
                *screen = Screen::Dark(why);
            }
            drop(screen);
            return Ok(program());
        }
    };
    let proxy = event_loop.create_proxy();
    let running = move || {
        let _end = End(proxy);
        program()
    };
    let thread = thread::Builder::new().name("entrada-program".into()).spawn(running);
    let thread = thread.map_err(|error| AdapterError::io("starting a thread beside the windows", error))?;
    *screen = Screen::Lit(event_loop.create_proxy());
    drop(screen);
    live(event_loop);
    thread.join().map_or_else(|panic| panic::resume_unwind(panic), Ok)
}

/// The program's end, also by a panic, is that of the windows.
struct End(EventLoopProxy<Order>);

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.0.send_event(Order::Leave);
    }
}

/// Starts the thread.
fn light() -> Screen {
    let (tell, told) = std::sync::mpsc::channel();
    let run = move || match event_loop() {
        Ok(event_loop) => {
            let _ = tell.send(Screen::Lit(event_loop.create_proxy()));
            live(event_loop);
        }
        Err(why) => drop(tell.send(Screen::Dark(why))),
    };
    match thread::Builder::new().name("entrada-windows".into()).spawn(run) {
        Ok(_) => told.recv().unwrap_or_else(|_| Screen::Dark("the toolkit of the windows has failed".to_owned())),
        Err(error) => Screen::Dark(format!("no thread could be started for a window: {error}")),
    }
}

/// The toolkit's loop, for this thread.
fn event_loop() -> Result<EventLoop<Order>, String> {
    let mut builder = EventLoopBuilder::<Order>::with_user_event();
    #[cfg(not(any(windows, target_os = "macos")))]
    {
        if gtk::is_initialized() {
            return Err(
                "this program uses GTK by itself, and that can be on one thread only: sign in with the system \
                        browser or with a user code"
                    .to_owned(),
            );
        }
        gtk::init().map_err(|_| {
            "there is no screen for a window ($DISPLAY and $WAYLAND_DISPLAY lead to none): sign in with a user code, or \
             by pasting the redirect"
        })?;
        tao::platform::unix::EventLoopBuilderExtUnix::with_any_thread(&mut builder, true);
    }
    #[cfg(windows)]
    tao::platform::windows::EventLoopBuilderExtWindows::with_any_thread(&mut builder, true);
    Ok(builder.build())
}

/// Follows orders until the one to leave.
fn live(mut event_loop: EventLoop<Order>) {
    let proxy = event_loop.create_proxy();
    let mut windows: Vec<Window> = Vec::new();
    event_loop.run_return(|event, target, control_flow| match event {
        Event::NewEvents(_) => *control_flow = ControlFlow::Wait,
        // Its listener may have gone while the order was on its way.
        Event::UserEvent(Order::Open(opening)) if !opening.desk.expects(opening.number) => {}
        Event::UserEvent(Order::Open(opening)) => match Window::open(&opening, target, &proxy) {
            Ok(window) => windows.push(window),
            Err(why) => opening.desk.lost(opening.number, Signal::Failed(why)),
        },
        Event::UserEvent(Order::Load(number, url)) => {
            if let Some(window) = windows.iter().find(|window| window.number == number) {
                window.load(&url);
            }
        }
        Event::UserEvent(Order::Close(numbers)) => windows.retain(|window| !numbers.contains(&window.number)),
        Event::UserEvent(Order::Leave) => *control_flow = ControlFlow::Exit,
        Event::WindowEvent { window_id, event: WindowEvent::CloseRequested | WindowEvent::Destroyed, .. } => {
            if let Some(at) = windows.iter().position(|window| window.id() == window_id) {
                windows.remove(at).closed_by_user();
            }
        }
        _ => {}
    });
    *lock() = Screen::Dark("the thread of the windows has ended".to_owned());
}
