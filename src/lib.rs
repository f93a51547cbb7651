//! entrada.
