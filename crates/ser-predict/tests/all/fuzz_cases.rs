//! The seeds of the fuzz target `model`, and every case that it has found.

#[path = "../../../../fuzz/src/model.rs"]
mod model;
#[path = "../../../../fuzz/src/seeds.rs"]
mod seeds;

#[test]
fn any_bytes_are_a_model_that_comes_back_and_answers_or_an_error() {
    seeds::each("model", model::check);
}
