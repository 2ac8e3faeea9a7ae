//! Seeds of the fuzz target `recipe` and every case it has found: what networks they make.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../../../fuzz/src/network.rs"]
mod network;
#[path = "../../../fuzz/src/seeds.rs"]
mod seeds;

#[test]
fn any_text_is_recipes_whose_networks_are_as_large_as_was_said_or_an_error() {
    seeds::each("recipe", network::check);
}
