//! Decides how often each clip is drawn in an epoch.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use ser_recipe::Balance;

/// The corpus, class and speaker of a clip, by which an epoch is balanced.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stratum {
    pub(crate) corpus: usize,
    pub(crate) class: usize,
    pub(crate) speaker: usize,
}

impl Stratum {
    fn at(&self, level: Balance) -> usize {
        match level {
            Balance::Corpus => self.corpus,
            Balance::Class => self.class,
            Balance::Speaker => self.speaker,
        }
    }
}

/// Draws the clips of an epoch, as indices into `strata`.
///
/// Without levels, each clip comes once. With levels, an epoch has as many clips as `strata`, give or take one; the strata of
/// the first level get equal shares of it, the strata of the second level get equal shares of each of those, and so on. A
/// clip whose share is 2.3 comes twice or three times.
pub(crate) fn draw(strata: &[Stratum], levels: &[Balance], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let all: Vec<usize> = (0..strata.len()).collect();
    match levels {
        [] => all,
        _ => systematic(&shares(strata, levels, &all), rng),
    }
}

/// Draws the clips of an epoch as [`draw`] does, one list per speaker, for groups of `size` clips of one speaker.
///
/// With levels, the number of clips of each speaker is a multiple of `size`. Without levels, all clips of each speaker are returned, and the last ones may not fill a group.
pub(crate) fn draw_by_speaker(
    strata: &[Stratum],
    levels: &[Balance],
    size: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<usize>> {
    let mut by_speaker: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (clip, stratum) in strata.iter().enumerate() {
        by_speaker.entry(stratum.speaker).or_default().push(clip);
    }
    let speakers: Vec<Vec<usize>> = by_speaker.into_values().collect();
    if levels.is_empty() {
        return speakers;
    }
    let due: BTreeMap<usize, f64> = shares(strata, levels, &speakers.concat())
        .into_iter()
        .collect();
    // Groups are drawn before clips, so that a speaker whose share is less than a group gets a group in some epochs.
    let groups = speakers.iter().enumerate().map(|(speaker, clips)| {
        let due: f64 = clips.iter().map(|clip| due[clip]).sum();
        (speaker, due / size as f64)
    });
    let mut drawn: BTreeMap<usize, usize> = BTreeMap::new();
    for speaker in systematic(&groups.collect::<Vec<_>>(), rng) {
        *drawn.entry(speaker).or_default() += size;
    }
    let clips = drawn.into_iter().map(|(speaker, times)| {
        let clips = &speakers[speaker];
        let sum: f64 = clips.iter().map(|clip| due[clip]).sum();
        let shares = clips
            .iter()
            .map(|&clip| (clip, due[&clip] / sum * times as f64));
        systematic(&shares.collect::<Vec<_>>(), rng)
    });
    clips.collect()
}

/// Returns the share of each of `clips`: how often it should be drawn, on average. The shares add up to the number of clips.
fn shares(strata: &[Stratum], levels: &[Balance], clips: &[usize]) -> Vec<(usize, f64)> {
    let mut shares = Vec::with_capacity(clips.len());
    share(strata, levels, clips, clips.len() as f64, &mut shares);
    shares
}

fn share(
    strata: &[Stratum],
    levels: &[Balance],
    clips: &[usize],
    due: f64,
    shares: &mut Vec<(usize, f64)>,
) {
    let Some((&level, levels)) = levels.split_first() else {
        let each = due / clips.len() as f64;
        shares.extend(clips.iter().map(|&clip| (clip, each)));
        return;
    };
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &clip in clips {
        parts.entry(strata[clip].at(level)).or_default().push(clip);
    }
    let each = due / parts.len() as f64;
    for part in parts.values() {
        share(strata, levels, part, each, shares);
    }
}

/// Draws each item as often as its share says, a fractional part at random (systematic sampling).
///
/// The shares are added up, and items are drawn from the sum at steps of one. The members of a stratum stand side by side in
/// `shares`, so the number of draws of a stratum differs from its share by less than one.
fn systematic(shares: &[(usize, f64)], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut due: f64 = rng.random_range(0.0..1.0);
    let mut drawn = Vec::new();
    for &(item, share) in shares {
        let before = due;
        due += share;
        let times = due.floor() - before.floor();
        drawn.extend(std::iter::repeat_n(item, times as usize));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// 90 clips of a large corpus, of which one class has ten, and 10 clips of a small corpus.
    fn strata() -> Vec<Stratum> {
        let large = (0..90).map(|i| Stratum {
            corpus: 0,
            class: usize::from(i < 10),
            speaker: i % 9,
        });
        let small = (0..10).map(|i| Stratum {
            corpus: 1,
            class: i % 2,
            speaker: 9 + i % 2,
        });
        large.chain(small).collect()
    }

    fn epoch(levels: &[Balance], seed: u64) -> Vec<usize> {
        draw(&strata(), levels, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    #[test]
    fn without_levels_each_clip_comes_once_and_nothing_is_drawn() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(draw(&strata(), &[], &mut rng), (0..100).collect::<Vec<_>>());
        let by_speaker = draw_by_speaker(&strata(), &[], 4, &mut rng);
        assert_eq!(by_speaker.len(), 11);
        assert_eq!(by_speaker.concat().len(), 100);
        assert_eq!(rng, ChaCha8Rng::seed_from_u64(1));
    }

    #[test]
    fn corpora_are_drawn_equally_often_and_so_are_the_classes_of_each() {
        for seed in 0..20 {
            let drawn = epoch(&[Balance::Corpus, Balance::Class], seed);
            assert!(drawn.len().abs_diff(100) <= 1);
            let strata = strata();
            for (corpus, class) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let of = drawn.iter().map(|&i| strata[i]);
                let of = of.filter(|s| (s.corpus, s.class) == (corpus, class));
                let count = of.count();
                assert!(count.abs_diff(25) <= 1, "{count} of {corpus}, {class}");
            }
        }
    }

    #[test]
    fn over_the_epochs_every_clip_of_a_stratum_comes_equally_often() {
        let mut times = vec![0_usize; 100];
        for seed in 0..2000 {
            let drawn = epoch(&[Balance::Corpus], seed);
            drawn.into_iter().for_each(|i| times[i] += 1);
        }
        // An epoch draws 50 of the 90 clips, and each of the ten clips five times.
        let (large, small) = times.split_at(90);
        assert!(large.iter().all(|&n| n.abs_diff(1111) < 150), "{large:?}");
        assert!(small.iter().all(|&n| n.abs_diff(10_000) < 150), "{small:?}");
    }

    #[test]
    fn many_speakers_who_are_due_less_than_a_group_each_come_in_whole_groups_all_the_same() {
        // 40 speakers with eight clips each, and two of another corpus with 16.
        let large = (0..320).map(|i| Stratum {
            corpus: 0,
            class: i % 2,
            speaker: i / 8,
        });
        let small = (0..32).map(|i| Stratum {
            corpus: 1,
            class: i % 2,
            speaker: 40 + i / 16,
        });
        // One clip does not fill a group, so it is repeated.
        let alone = Stratum {
            corpus: 0,
            class: 0,
            speaker: 42,
        };
        let strata: Vec<Stratum> = large.chain(small).chain([alone]).collect();
        let mut of_large = vec![0_usize; 40];
        for seed in 0..200 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let drawn = draw_by_speaker(&strata, &[Balance::Corpus], 8, &mut rng);
            assert!(drawn.iter().all(|clips| clips.len().is_multiple_of(8)));
            let count = |corpus: usize| {
                let clips = drawn.iter().flatten();
                clips.filter(|&&i| strata[i].corpus == corpus).count()
            };
            // Each corpus gets half of 352 clips, in groups of eight.
            assert!(count(0).abs_diff(176) <= 8 && count(1).abs_diff(176) <= 8);
            for clips in &drawn {
                let speaker = strata[clips[0]].speaker;
                assert!(clips.iter().all(|&i| strata[i].speaker == speaker));
                if speaker < 40 {
                    of_large[speaker] += clips.len() / 8;
                }
            }
        }
        // An epoch has 22 groups for 40 speakers.
        assert!(
            of_large.iter().all(|&n| n.abs_diff(110) < 25),
            "{of_large:?}"
        );
    }
}
