//! `ser download`: which corpora are known, and how each is to be had.

use anyhow::Result;
use comfy_table::CellAlignment;
use ser_data::corpora::{self, Access, KnownCorpus};

use crate::Outcome;
use crate::args::DownloadArgs;
use crate::output::{in_words, table};

pub fn run(args: &DownloadArgs, json: bool) -> Result<Outcome> {
    let Some(known) = args.corpus else {
        return list(json);
    };
    introduce(known);
    #[cfg(feature = "download")]
    return crate::download::get(known, args, json);
    #[cfg(not(feature = "download"))]
    anyhow::bail!(
        "this program was built without downloads: get {} from its page, unpack it, and give the folder where `--data` \
         stands",
        known.title
    )
}

/// All corpora that are known.
fn list(json: bool) -> Result<Outcome> {
    if json {
        for known in corpora::ALL {
            println!("{}", serde_json::to_string(known)?);
        }
        return Ok(Outcome::Done);
    }
    let rows = corpora::ALL.map(|known| {
        let access = match known.access {
            Access::Archive { .. } => format!("ser download {}", known.name),
            Access::ByHand(_) => known.address.to_owned(),
        };
        let texts = [known.language, known.licence, &access].map(str::to_owned);
        let counted = [known.name.to_owned(), known.recordings.to_string()];
        [counted.as_slice(), &texts].concat()
    });
    let header = ["corpus", "recordings", "language", "licence", "to be had"];
    let mut table = table(&header, rows);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    println!("{table}");
    Ok(Outcome::Done)
}

/// Says what it is, whose, and under which terms, before anything is fetched.
fn introduce(known: &KnownCorpus) {
    eprintln!(
        "{}: {} of {}, {}",
        known.title,
        in_words(known.recordings, "recording"),
        in_words(known.speakers, "speaker"),
        known.language
    );
    eprintln!("licence: {}", known.licence);
    eprintln!("to be cited: {}", known.citation);
    eprintln!("its page, which has the last word: {}", known.address);
}
