//! OpenQASM, from outside: what programs mean, what is refused and how, and that circuits survive writing and reading.

mod dense;
mod errors;
mod libraries;
mod never_panics;
mod programs;
mod round_trip;
