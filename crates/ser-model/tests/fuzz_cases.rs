//! Seeds of the fuzz targets `recipe` and `model` and every case they have found.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../../../fuzz/src/model.rs"]
mod model;
#[path = "../../../fuzz/src/network.rs"]
mod network;
#[path = "../../../fuzz/src/seeds.rs"]
mod seeds;

#[test]
fn any_text_is_recipes_whose_networks_are_as_large_as_was_said_or_an_error() {
    seeds::each("recipe", network::check);
}

#[test]
fn any_bytes_are_a_model_that_comes_back_and_answers_or_an_error() {
    seeds::each("model", model::check);
}
