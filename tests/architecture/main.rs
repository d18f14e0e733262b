//! The repository's shape, kept by tests: who may depend on whom, and what every file has and has not.
//!
//! It needs `std`, `cargo` and `git` alone, so that `make architecture` compiles it by itself within seconds.

mod arrows;
mod capabilities;
mod files;
mod repository;
