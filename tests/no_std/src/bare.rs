//! What std would have brought: memory, an end for panics, a beginning, and lines of text.
#![expect(
    unsafe_code,
    reason = "memory, `main`, `abort` and open files are the C library's: Rust cannot check its word"
)]

use alloc::format;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};
use core::fmt::Arguments;

use rustix::fd::{AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io;

#[cfg(not(any(feature = "std", panic = "unwind")))]
mod without_std {
    use core::alloc::{GlobalAlloc, Layout};

    /// The C library's own allocator.
    struct Malloc;

    #[global_allocator]
    static MALLOC: Malloc = Malloc;

    // SAFETY: `posix_memalign` gives a block of that size and alignment or fails, and `free` takes such a block back.
    unsafe impl GlobalAlloc for Malloc {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let mut block = core::ptr::null_mut();
            let alignment = layout.align().max(size_of::<usize>());
            // SAFETY: `block` is ours, and the alignment is a power of two and no smaller than a pointer.
            match unsafe { libc::posix_memalign(&raw mut block, alignment, layout.size()) } {
                0 => block.cast(),
                _ => core::ptr::null_mut(),
            }
        }

        unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
            // SAFETY: the caller got `block` from `alloc`, and uses it no more.
            unsafe { libc::free(block.cast()) }
        }
    }

    #[panic_handler]
    fn panicked(why: &core::panic::PanicInfo<'_>) -> ! {
        super::complain(format_args!("{why}"));
        abort()
    }

    // `alloc` comes compiled for this target with unwinding, and names these two. Nothing unwinds in here, so that they
    // are never called. On a target without an operating system it comes without them.
    #[unsafe(no_mangle)]
    extern "C" fn rust_eh_personality() {
        abort()
    }

    #[unsafe(no_mangle)]
    extern "C" fn _Unwind_Resume() {
        abort()
    }

    fn abort() -> ! {
        // SAFETY: it takes nothing, and does not come back.
        unsafe { libc::abort() }
    }
}

/// Where the C library begins.
///
/// # Safety
/// `values` points to `count` strings, each ended by a zero, and all there as long as the process (C17 5.1.2.2.1).
#[unsafe(no_mangle)]
unsafe extern "C" fn main(count: c_int, values: *const *const c_char) -> c_int {
    if open_streams().is_err() {
        return 1;
    }
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: there are as many strings as the caller says, and they are never changed.
    let value = |index| unsafe { CStr::from_ptr(*values.add(index)) };
    let arguments: Vec<&str> = (1..count).map(|index| value(index).to_str().unwrap_or_default()).collect();
    crate::start(&arguments)
}

/// Opens the standard streams that whoever started the program has closed, for good: a file would take their place, and get
/// the lines that are meant for them.
fn open_streams() -> io::Result<()> {
    loop {
        // The lowest descriptor that is free (POSIX.1-2024, 2.6).
        let null = open("/dev/null", OFlags::RDWR, Mode::empty())?;
        if null.as_raw_fd() > 2 {
            return Ok(());
        }
        let _ = null.into_raw_fd();
    }
}

/// Writes a line to standard output.
pub(crate) fn say(line: Arguments<'_>) {
    write(1, line);
}

/// Writes a line to standard error.
pub(crate) fn complain(line: Arguments<'_>) {
    write(2, line);
}

fn write(to: RawFd, line: Arguments<'_>) {
    // SAFETY: `main` sees to it that these two are open, and nothing in this program closes them.
    let to = unsafe { BorrowedFd::borrow_raw(to) };
    let _ = crate::host::write_all(to, format!("{line}\n").as_bytes());
}
