#![no_main]

#[path = "../src/network.rs"]
mod network;
#[path = "../src/recipe.rs"]
mod recipe;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    recipe::check(data);
    network::check(data);
});
