//! `ser-bindgen MODULE.wasm FOLDER` writes the module with the JavaScript and the types to call it, for `cargo xtask page`. It is a
//! program of its own because it takes longer to compile than all of xtask.

use std::path::PathBuf;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (module, folder) = args
        .next()
        .zip(args.next())
        .context("usage: ser-bindgen MODULE.wasm FOLDER")?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen.generate(folder)
}
