//! Checks on the real corpus. They run if `SER_RAVDESS` names the folder of its WAV files.

use std::time::Instant;

use ser_data::{Corpus, Protocol, Scan, SkipKind};
use ser_fixtures::{ravdess, ravdess_flac};

#[test]
fn the_audit_finds_what_is_known_of_ravdess() -> ser_data::Result<()> {
    let Some(folder) = ravdess() else {
        return Ok(());
    };
    let start = Instant::now();
    let Scan { corpus, audit } = Corpus::load(folder)?;
    println!(
        "indexed {} clips in {:.2} s",
        corpus.len(),
        start.elapsed().as_secs_f64()
    );

    assert_eq!(corpus.len(), 1440);
    assert!(!corpus.is_synthetic());
    assert_eq!(audit.skipped, []);
    assert_eq!(audit.missing.as_deref(), Some(&[][..]));
    assert_eq!(audit.emotions.len(), 8);
    for (emotion, &clips) in &audit.emotions {
        assert_eq!(
            clips,
            if emotion == "neutral" { 96 } else { 192 },
            "{emotion}"
        );
    }
    assert_eq!(audit.speakers.len(), 24);
    assert!(audit.speakers.values().all(|&clips| clips == 60));
    assert_eq!(audit.genders["male"], 720);
    assert_eq!(audit.intensities["normal"], 768);
    assert_eq!(audit.sample_rates, [(48_000, 1440)].into());
    assert_eq!(
        audit.stereo,
        [
            "03-01-02-01-01-02-01",
            "03-01-02-01-02-02-05",
            "03-01-03-01-02-01-20",
            "03-01-06-01-01-02-20",
            "03-01-08-01-02-02-01",
        ]
    );
    assert_eq!(
        audit.duplicates,
        [["03-01-03-01-02-01-07", "03-01-03-01-02-02-07"]]
    );
    assert!((audit.seconds / 1440.0 - 3.70).abs() < 0.01);
    Ok(())
}

/// `SER_RAVDESS_FLAC` names a folder with the same clips as FLAC.
#[test]
fn ravdess_in_flac_has_the_contents_of_ravdess_in_wav() -> ser_data::Result<()> {
    let (Some(wav), Some(flac)) = (ravdess(), ravdess_flac()) else {
        return Ok(());
    };
    let (wav, flac) = (Corpus::load(wav)?, Corpus::load(flac)?);
    assert_eq!(wav.corpus.checksum(), flac.corpus.checksum());
    // Other copies may lie beside the clips.
    let mut audit = flac.audit;
    audit.skipped.retain(|skip| skip.kind != SkipKind::Copy);
    assert_eq!(audit, wav.audit);
    Ok(())
}

#[test]
fn every_protocol_divides_ravdess() -> ser_data::Result<()> {
    let Some(folder) = ravdess() else {
        return Ok(());
    };
    let corpus = Corpus::load(folder)?.corpus;
    let five = corpus.select(&["neutral", "calm", "happy", "sad", "angry"])?;
    assert_eq!(five.len(), 864);
    // The names of this corpus do not define parts.
    let by_columns = [Protocol::Given, Protocol::Corpora];
    for protocol in Protocol::ALL.iter().filter(|p| !by_columns.contains(p)) {
        for corpus in [&corpus, &five] {
            for split in protocol.splits(corpus, 0)? {
                let parts = [split.train(), split.validation(), split.test()];
                let together = parts
                    .iter()
                    .filter(|part| {
                        part.iter()
                            .any(|&index| corpus.clips()[index].name == "03-01-03-01-02-01-07")
                    })
                    .count();
                assert!(together <= 1);
            }
        }
    }
    Ok(())
}
