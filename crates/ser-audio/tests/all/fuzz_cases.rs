//! Runs the seeds of the fuzz target `recording` and every case it has found.

#[path = "../../../../fuzz/src/recording.rs"]
mod recording;
#[path = "../../../../fuzz/src/seeds.rs"]
mod seeds;

#[test]
fn any_bytes_are_finite_samples_and_no_more_silence_than_they_account_for() {
    seeds::each("recording", recording::check);
}
