//! The commands `ser completions` and `ser man`: write the command line's description for shells and for `man`.

use anyhow::{Context, Result};

use crate::Outcome;
use crate::args::{Args, CompletionsArgs, ManArgs};

pub fn completions(args: &CompletionsArgs) -> Result<Outcome> {
    let mut command = Args::of_this_build();
    clap_complete::generate(args.shell, &mut command, "ser", &mut std::io::stdout());
    Ok(Outcome::Done)
}

pub fn pages(args: &ManArgs) -> Result<Outcome> {
    std::fs::create_dir_all(&args.dir).with_context(|| args.dir.display().to_string())?;
    clap_mangen::generate_to(Args::of_this_build(), &args.dir)
        .with_context(|| args.dir.display().to_string())?;
    println!(
        "written: manual pages; show them with `man {}`",
        args.dir.join("ser.1").display()
    );
    Ok(Outcome::Done)
}
