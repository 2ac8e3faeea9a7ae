//! The command `ser download`: lists the known corpora and where to get them, and starts a download.

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
        "this program was built without downloads: get {} from its web page, unpack it, and name its folder with `--data`",
        known.title
    )
}

/// Lists all known corpora.
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
    let header = [
        "corpus",
        "recordings",
        "language",
        "licence",
        "how to get it",
    ];
    let mut table = table(&header, rows);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    println!("{table}");
    Ok(Outcome::Done)
}

/// Prints title, size, licence, citation and web page of a corpus, before anything is downloaded.
fn introduce(known: &KnownCorpus) {
    eprintln!(
        "{}: {} of {}, {}",
        known.title,
        in_words(known.recordings, "recording"),
        in_words(known.speakers, "speaker"),
        known.language
    );
    eprintln!("licence: {}", known.licence);
    eprintln!("please cite: {}", known.citation);
    eprintln!("web page, whose terms apply: {}", known.address);
}
