//! Small inputs: recipes that train in seconds, sounds.
#![allow(dead_code, clippy::unwrap_used)] // every test file uses its own part

use std::path::Path;

/// Returns a recipe that trains in seconds.
pub fn quick_recipe_text(name: &str, protocol: &str, epochs: u32) -> String {
    format!(
        r#"
        name = "{name}"
        description = "a small network, for tests"
        [task]
        protocol = "{protocol}"
        emotions = ["neutral", "calm", "happy", "sad", "angry"]
        [features]
        sample_rate = 16000
        trim_db = 30.0
        n_fft = 512
        hop_length = 512
        output = "log_mel"
        n_mels = 32
        [input]
        frames = 64
        [network]
        architecture = "cnn"
        embedding = 32
        blocks = [
          {{ channels = 8, kernel = 5, stride = 2, pool = [2, 2] }},
          {{ channels = 16, kernel = 3, pool = [1, 2] }},
        ]
        [training]
        epochs = {epochs}
        batch_size = 16
        learning_rate = 3e-3
        schedule = "one-cycle"
        "#
    )
}

/// Returns a recipe that trains in seconds, is measured on an inner split, augments its clips, and may support enrolment.
pub fn inner_recipe_text(name: &str, enrols: bool) -> String {
    let mut text = quick_recipe_text(name, "loso", 2);
    text = text.replace("[features]", "inner = 1\n[features]");
    text = text.replace(
        "[network]",
        "average = 2\nrelative_level = true\n[augmentation]\nsemitones = [2.0]\nstretch = 0.1\n\
         masks = 1\ntime_mask = 4\ncoefficient_mask = 4\nmixup = 0.2\n[network]",
    );
    text += "label_smoothing = 0.1\nmonitor = \"last-epoch\"\n";
    if enrols {
        text += "[enrolment]\ngroup = 8\nshrinkage = 4.0\n";
    }
    text
}

/// Writes a 16-bit mono WAV file of a tone.
pub fn tone(path: &Path, hertz: f32, seconds: f32) {
    let sample = |n| {
        let phase = n as f32 / 22_050.0 * hertz * std::f32::consts::TAU;
        (phase.sin() * 8000.0) as i16
    };
    let samples = (0..(seconds * 22_050.0) as u32).map(sample);
    ser_fixtures::write_wav(path, 22_050, samples);
}
