//! Runs the seeds of the fuzz target `wav` and every case it has found.

#[path = "../../../../fuzz/src/seeds.rs"]
mod seeds;
#[path = "../../../../fuzz/src/wav.rs"]
mod wav;

#[test]
fn any_bytes_are_a_sound_waveform_or_an_error() {
    seeds::each("wav", wav::check);
}
