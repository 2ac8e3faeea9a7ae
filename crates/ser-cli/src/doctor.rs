//! `ser doctor`

use anyhow::Result;
use ser_model::Experiment;

use crate::Outcome;
use crate::output::table;

pub fn run(json: bool) -> Result<Outcome> {
    // An operation with a known answer shows that libtorch is found and computes.
    let libtorch = ser_model::check_libtorch()?;
    let recipes = Experiment::built_in_names()
        .map(|name| Experiment::load(name).map(|experiment| experiment.name().to_owned()))
        .collect::<ser_model::Result<Vec<_>>>()?;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let facts = [
        ("program", format!("ser {}", env!("CARGO_PKG_VERSION"))),
        ("libtorch", libtorch),
        ("cores", cores.to_string()),
        (
            "system",
            format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ),
        ("recipes", recipes.join(", ")),
    ];
    if json {
        let facts: std::collections::BTreeMap<_, _> = facts.into_iter().collect();
        println!("{}", serde_json::to_string(&facts)?);
    } else {
        let rows = facts
            .into_iter()
            .map(|(key, value)| vec![key.to_owned(), value]);
        println!("{}", table(&["what", "found"], rows));
        println!("all well");
    }
    Ok(Outcome::Done)
}
