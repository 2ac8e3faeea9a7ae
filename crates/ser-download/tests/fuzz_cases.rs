//! The seeds of the fuzz target `archive`, and every case that it has found.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../../../fuzz/src/archive.rs"]
mod archive;
#[path = "../../../fuzz/src/seeds.rs"]
mod seeds;

#[test]
fn any_bytes_are_an_archive_that_stays_in_its_folder_or_an_error() {
    seeds::each("archive", archive::check);
}
