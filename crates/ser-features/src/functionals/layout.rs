//! The names and number of the values, and what they require of a configuration.

use crate::config::{Extra, FeatureConfig, check};
use crate::error::Result;

use super::bands::{Bands, SHAPE};
use super::modulation::EDGES;
use super::statistics::{STATISTICS, THIRDS};
use super::voice;

/// Number of groups of adjacent bands whose modulation is measured. A group has at least three bands.
pub(super) const BAND_GROUPS: usize = 8;
const MIN_BANDS: usize = 3 * BAND_GROUPS;
/// Number of cepstral coefficients whose course over the clip is measured.
pub(super) const COURSE: usize = 13;
/// Largest number of cepstral coefficients whose slow slopes are measured.
pub(super) const SLOW: usize = 20;

/// Checks the requirements of functionals that other outputs do not have.
pub(crate) fn validate(config: &FeatureConfig) -> Result<()> {
    let (bands, coefficients) = (config.n_mels, config.n_mfcc);
    let wanted = format!("{MIN_BANDS} or more for functionals");
    check("n_mels", bands, bands >= MIN_BANDS, wanted)?;
    let valid = (COURSE..=bands).contains(&coefficients);
    let wanted = format!("{COURSE} to n_mels = {bands} for functionals");
    check("n_mfcc", coefficients, valid, wanted)?;
    check(
        "deltas",
        config.deltas,
        config.deltas == 0,
        "0 for functionals",
    )?;
    let names: Vec<_> = config.extras.iter().map(|extra| extra.name()).collect();
    let voice = config.extras.iter().all(|extra| extra.is_vocal());
    let valid = matches!(config.extras[..], [] | [Extra::F0, ..]) && voice;
    let wanted = "nothing, or f0 and then aperiodicity, harmonics, formants, for functionals";
    check("extras", names.join(", "), valid, wanted)?;
    let bands = Bands::new(config);
    let wanted = "a value with a band centred below 1 kHz, for functionals";
    check("fmin", config.fmin, bands.are_low_enough(), wanted)?;
    let wanted = "a value with bands centred from 2 to 5 kHz and above, for functionals";
    check("fmax", config.fmax(), bands.are_high_enough(), wanted)
}

/// Returns the number of values.
pub(crate) fn count(config: &FeatureConfig) -> usize {
    let (bands, coefficients) = (config.n_mels, config.n_mfcc);
    let (statistics, thirds) = (STATISTICS.len(), THIRDS.len());
    let voice = if config.extras.is_empty() {
        0
    } else {
        voice::count(config)
    };
    statistics * (coefficients + bands)
        + 3 * coefficients
        + 2 * coefficients.min(SLOW)
        + 3 * coefficients
        + thirds * COURSE
        + (2 * statistics + thirds) * SHAPE.len()
        + statistics
        + (1 + BAND_GROUPS) * (EDGES.len() - 1)
        + voice
        + 3
}

/// Adds the names of the values of a track.
pub(super) fn name<const N: usize>(names: &mut Vec<String>, track: &str, values: [&str; N]) {
    names.extend(values.map(|value| format!("{track}_{value}")));
}

/// Returns a name for each value, in the order of the values.
pub(crate) fn names(config: &FeatureConfig) -> Vec<String> {
    let cepstral = |count: usize| (0..count).map(|i| format!("mfcc_{i}"));
    let mut names = Vec::with_capacity(count(config));

    let bands = (0..config.n_mels).map(|band| format!("log_mel_{band}"));
    for track in cepstral(config.n_mfcc).chain(bands) {
        name(&mut names, &track, STATISTICS);
    }
    for track in cepstral(config.n_mfcc) {
        name(
            &mut names,
            &track,
            ["delta_std", "delta_mean_abs", "delta2_std"],
        );
    }
    for track in cepstral(config.n_mfcc.min(SLOW)) {
        name(
            &mut names,
            &track,
            ["slow_delta_std", "slow_delta_mean_abs"],
        );
    }
    for track in cepstral(config.n_mfcc) {
        name(
            &mut names,
            &track,
            ["loud_mean", "loud_std", "energy_weighted_mean"],
        );
    }
    for track in cepstral(COURSE) {
        name(&mut names, &track, THIRDS);
    }
    for track in SHAPE {
        name(&mut names, track, STATISTICS);
        name(&mut names, track, THIRDS);
        name(&mut names, &format!("{track}_delta"), STATISTICS);
    }
    name(&mut names, "flux", STATISTICS);
    let groups = (0..BAND_GROUPS).map(|group| format!("band_group_{group}"));
    for track in std::iter::once("log_energy".to_owned()).chain(groups) {
        for range in EDGES.windows(2) {
            let (from, to) = (range[0], range[1]);
            names.push(format!("{track}_modulation_{from}_to_{to}_hz"));
        }
    }
    if !config.extras.is_empty() {
        names.extend(voice::names(config));
    }
    names.extend(["frames", "loud_share", "peaks_per_frame"].map(str::to_owned));
    names
}
