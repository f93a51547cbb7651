//! entrada for C: what `include/entrada.h` promises, and `main.c` uses.
//!
//! The header is the documentation. In here a call is a flow, run over the caller's callbacks: `drive` is the loop,
//! `result` what it ends with, and `abi` the one place in which a pointer is followed.

mod abi;
mod buffer;
mod drive;
mod result;
