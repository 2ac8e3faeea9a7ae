//! Builds the networks of the seeds of the fuzz target `recipe` and of every case that it has found.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../../../fuzz/src/network.rs"]
mod network;
#[path = "../../../fuzz/src/seeds.rs"]
mod seeds;

#[test]
fn any_text_is_recipes_whose_networks_are_as_large_as_was_said_or_an_error() {
    seeds::each("recipe", network::check);
}
