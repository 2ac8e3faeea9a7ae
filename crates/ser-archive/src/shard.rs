//! Shards: shares of the rows of a manifest.

use std::fmt;
use std::str::FromStr;

/// One of a number of shares of the rows, such as 17 of 1000. Every row belongs to exactly one shard, and the sizes of the
/// shards differ by at most one row. Neighbouring rows belong to different shards, so that a folder of long recordings is
/// spread over all of them.
///
/// ```
/// let shard: ser_archive::Shard = "17/1000".parse().unwrap();
/// assert!(shard.holds(17) && shard.holds(5017) && !shard.holds(18));
/// assert!("1000/1000".parse::<ser_archive::Shard>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    count: u32,
}

impl Shard {
    /// The only shard, with all rows.
    pub const ALL: Self = Self {
        number: 0,
        count: 1,
    };

    /// Returns the number of shards.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether the row at this position in the manifest, counted from 0, belongs to the shard.
    #[must_use]
    pub fn holds(self, row: u64) -> bool {
        row % u64::from(self.count) == u64::from(self.number)
    }

    /// Returns a name such as `shard-0017-of-1000`. Names sort in the order of the shards.
    pub(crate) fn name(self) -> String {
        let width = self.count.to_string().len();
        format!("shard-{:0width$}-of-{}", self.number, self.count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((number, count)) if number < count => Ok(Self { number, count }),
            _ => Err("expected K/N with K from 0 to N - 1, such as 17/1000".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_hold_every_row_once_and_evenly() {
        for count in [1, 2, 7, 1000] {
            let shards = (0..count).map(|number| Shard { number, count });
            let shards: Vec<Shard> = shards.collect();
            let mut held = vec![0; count as usize];
            for row in 0..2_503 {
                let holders = shards.iter().zip(&mut held).filter(|(s, _)| s.holds(row));
                assert_eq!(holders.map(|(_, held)| *held += 1).count(), 1);
            }
            let (least, most) = (held.iter().min(), held.iter().max());
            assert!(
                most.zip(least)
                    .is_some_and(|(most, least)| most - least <= 1)
            );
        }
    }

    #[test]
    fn what_is_no_shard_is_refused_with_what_one_is() {
        for text in [
            "", "1", "1/0", "0/0", "5/5", "-1/5", "a/b", "1/2/3", "0.5/2",
        ] {
            let said = text.parse::<Shard>().unwrap_err();
            assert!(said.contains("17/1000"), "{text}");
        }
        let shard: Shard = "7/1000".parse().unwrap();
        assert_eq!(
            (shard.name().as_str(), shard.to_string().as_str()),
            ("shard-0007-of-1000", "7/1000")
        );
    }
}
