//! Small recipes of each architecture.
#![allow(dead_code, clippy::unwrap_used)] // every test file uses its own part

use ser_recipe::Recipe;

pub const COEFFICIENTS: usize = 12;

pub const CNN: &str = r#"
architecture = "cnn"
embedding = 16
dropout = 0.2
block_dropout = 0.05
blocks = [{ channels = 4, kernel = 3, stride = 2, pool = [2, 1] }, { channels = 6, kernel = 3 }]
"#;

pub const LSTM: &str = r#"
architecture = "lstm"
hidden = 8
layers = 2
stack = 2
dropout = 0.2
"#;

pub const MLP: &str = r#"
architecture = "mlp"
hidden = [16, 8]
dropout = 0.1
"#;

pub fn recipe(network: &str, training: &str) -> Recipe {
    Recipe::parse(&recipe_text(network, training), "test").unwrap()
}

pub fn recipe_text(network: &str, training: &str) -> String {
    format!(
        r#"
        name = "test"
        description = "three bumps"
        [task]
        protocol = "speakers-5"
        [features]
        output = "log_mel"
        n_mels = {COEFFICIENTS}
        [input]
        frames = 30
        [augmentation]
        masks = 1
        time_mask = 4
        coefficient_mask = 2
        [network]
        {network}
        [training]
        epochs = 12
        batch_size = 16
        learning_rate = 0.01
        {training}
        "#
    )
}
