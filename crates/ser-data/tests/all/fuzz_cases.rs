//! The seeds of the fuzz targets `ravdess_name` and `manifest`, and every case that they have found.

#[path = "../../../../fuzz/src/manifest.rs"]
mod manifest;
#[path = "../../../../fuzz/src/ravdess_name.rs"]
mod ravdess_name;
#[path = "../../../../fuzz/src/seeds.rs"]
mod seeds;

#[test]
fn any_text_is_a_name_that_comes_back_or_an_error() {
    seeds::each("ravdess_name", ravdess_name::check);
}

#[test]
fn any_bytes_are_a_manifest_that_comes_back_or_an_error() {
    seeds::each("manifest", manifest::check);
}
