use std::fmt;

/// Separates the name of a split from the number of an inner split.
const INNER: &str = "-inner-";

/// The parsed name of a split: `fold-1`, or `fold-1-inner-2` for an inner split of it.
///
/// ```
/// use ser_data::SplitName;
///
/// let name = SplitName::from("fold-1-inner-2");
/// assert_eq!((name.outer.as_str(), name.inner), ("fold-1", Some(2)));
/// assert_eq!(name.to_string(), "fold-1-inner-2");
/// assert_eq!(SplitName::from("seed-5").inner, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SplitName {
    /// Name of the protocol's split.
    pub outer: String,
    /// Number of the [inner split](crate::Split::inner) of that split, from 1.
    pub inner: Option<usize>,
}

impl From<&str> for SplitName {
    fn from(name: &str) -> Self {
        let parts = name.rsplit_once(INNER);
        let parts = parts.and_then(|(outer, inner)| Some((outer, inner.parse().ok()?)));
        let (outer, inner) = parts.map_or((name, None), |(outer, inner)| (outer, Some(inner)));
        Self {
            outer: outer.to_owned(),
            inner,
        }
    }
}

impl fmt::Display for SplitName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.outer)?;
        match self.inner {
            Some(inner) => write!(f, "{INNER}{inner}"),
            None => Ok(()),
        }
    }
}
