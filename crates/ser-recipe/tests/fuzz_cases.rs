//! The seeds of the fuzz target `recipe`, and every case that it has found.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../../../fuzz/src/recipe.rs"]
mod recipe;
#[path = "../../../fuzz/src/seeds.rs"]
mod seeds;

#[test]
fn any_text_is_an_experiment_that_comes_back_or_an_error() {
    seeds::each("recipe", recipe::check);
}
