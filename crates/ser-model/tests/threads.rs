//! Tests what another number of libtorch threads changes. The test is alone in its file because the number holds for the
//! whole process.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use common::{CNN, recipe, task};
use ser_model::train;

/// Largest difference of a probability that the other order of sums may cause in a short training.
const MOST: f32 = 1e-3;

#[test]
fn more_threads_give_the_same_answers_within_a_thousandth() {
    let seen = task(80, 1);
    let answers = |threads: i32| {
        let recipe = recipe(CNN, &format!("threads = {threads}"));
        let trained = train(&recipe, seen.data(64), 5, &mut |_| {}).unwrap();
        trained.model.predict(&seen.views()).unwrap()
    };
    let (one, two) = (answers(1), answers(2));
    let pairs = one.iter().flatten().zip(two.iter().flatten());
    let most = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    eprintln!("largest difference of a probability between 1 and 2 threads: {most:e}");
    assert!(most < MOST, "{most}");
}
