//! The seeds of the fuzz target `model`, and every case that it has found.

#[path = "../../../../fuzz/src/model.rs"]
mod model;
#[path = "../../../../fuzz/src/seeds.rs"]
mod seeds;

use ser_predict::Model;

#[test]
fn every_seed_is_a_model_unless_its_name_says_otherwise() {
    for path in seeds::paths("model") {
        let name = path.file_name().unwrap().to_string_lossy();
        let is_model = Model::load(&path).is_ok();
        assert_eq!(is_model, !name.starts_with("no-model"), "{name}");
    }
}

#[test]
fn any_bytes_are_a_model_that_comes_back_and_answers_or_an_error() {
    seeds::each("model", model::check);
}
