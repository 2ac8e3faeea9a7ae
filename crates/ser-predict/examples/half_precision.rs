//! Halves the size of a model file by rounding its weights to 16-bit floats, as `ser fit` does.
//!
//! `cargo run --release -p ser-predict --example half_precision -- model.safetensors half.safetensors`

use anyhow::{Result, bail};
use ser_predict::Model;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &args[..] else {
        bail!("usage: half_precision MODEL.safetensors HALF.safetensors");
    };
    let model = Model::load(from.as_ref())?;
    model.in_half_precision()?.save(to.as_ref())?;
    Ok(())
}
