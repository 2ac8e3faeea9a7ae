//! How often each clip is drawn in an epoch.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use ser_recipe::Balance;

/// What a clip is balanced by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    pub(crate) corpus: usize,
    pub(crate) class: usize,
    pub(crate) speaker: usize,
}

impl Group {
    fn of(&self, level: Balance) -> usize {
        match level {
            Balance::Corpus => self.corpus,
            Balance::Class => self.class,
            Balance::Speaker => self.speaker,
        }
    }
}

/// The clips of an epoch by their places, as many as there are: each once without levels. With them the groups of the first
/// level share the epoch equally, those of the second each share of the first, and so on; a clip that is due 2.3 times
/// comes twice or three times. What is due is added up over the clips and drawn at even steps (systematic sampling), so that
/// no group gets a whole clip more or less than its share.
pub(crate) fn draw(groups: &[Group], levels: &[Balance], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let all: Vec<usize> = (0..groups.len()).collect();
    if levels.is_empty() {
        return all;
    }
    // Clips of one group stand side by side, whatever the order of the corpus.
    let mut shares = Vec::with_capacity(all.len());
    share(groups, levels, &all, groups.len() as f64, &mut shares);
    let start: f64 = rng.random_range(0.0..1.0);
    let (mut due, mut drawn) = (start, Vec::with_capacity(all.len()));
    for (clip, share) in shares {
        let before = due;
        due += share;
        let times = due.floor() - before.floor();
        drawn.extend(std::iter::repeat_n(clip, times as usize));
    }
    drawn
}

/// What is due of each clip, when they share so much.
fn share(
    groups: &[Group],
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
        parts.entry(groups[clip].of(level)).or_default().push(clip);
    }
    let each = due / parts.len() as f64;
    for part in parts.values() {
        share(groups, levels, part, each, shares);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// 90 clips of a large corpus, with one class of ten clips, and 10 of a small one.
    fn groups() -> Vec<Group> {
        let large = (0..90).map(|i| Group {
            corpus: 0,
            class: usize::from(i < 10),
            speaker: i % 9,
        });
        let small = (0..10).map(|i| Group {
            corpus: 1,
            class: i % 2,
            speaker: 9 + i % 2,
        });
        large.chain(small).collect()
    }

    fn epoch(levels: &[Balance], seed: u64) -> Vec<usize> {
        draw(&groups(), levels, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    #[test]
    fn without_levels_each_clip_comes_once_and_nothing_is_drawn() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(draw(&groups(), &[], &mut rng), (0..100).collect::<Vec<_>>());
        assert_eq!(rng, ChaCha8Rng::seed_from_u64(1));
    }

    #[test]
    fn corpora_are_drawn_equally_often_and_so_are_the_classes_of_each() {
        for seed in 0..20 {
            let drawn = epoch(&[Balance::Corpus, Balance::Class], seed);
            assert!(drawn.len().abs_diff(100) <= 1);
            let groups = groups();
            for (corpus, class) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let of = drawn.iter().map(|&i| groups[i]);
                let of = of.filter(|g| (g.corpus, g.class) == (corpus, class));
                let count = of.count();
                assert!(count.abs_diff(25) <= 1, "{count} of {corpus}, {class}");
            }
        }
    }

    #[test]
    fn over_the_epochs_every_clip_of_a_group_comes_equally_often() {
        let mut times = vec![0_usize; 100];
        for seed in 0..2000 {
            epoch(&[Balance::Corpus], seed)
                .into_iter()
                .for_each(|i| times[i] += 1);
        }
        // 50 of 90 clips an epoch, and five times each of ten.
        let (large, small) = times.split_at(90);
        assert!(large.iter().all(|&n| n.abs_diff(1111) < 150), "{large:?}");
        assert!(small.iter().all(|&n| n.abs_diff(10_000) < 150), "{small:?}");
    }
}
