//! entrada for C: what `include/entrada.h` promises, and `main.c` uses.
//!
//! The header is the documentation. In here a call is a flow, run over the caller's callbacks: `drive` is the loop,
//! `result` what it ends with, and `abi` the one place in which a pointer is followed.
//!
//! To build it, shared and static, into `target/release-unwind`:
//!
//! ```text
//! cargo build --package entrada-example-c --profile release-unwind
//! ```
//!
//! With `--release` it works too, but a bug of the library then ends the program: this workspace's release profile has
//! `panic = "abort"`. A program can ask which one it has: `entrada_survives_panics`.

mod abi;
mod buffer;
mod drive;
mod result;
