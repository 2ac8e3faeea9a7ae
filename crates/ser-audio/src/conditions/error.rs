//! What can go wrong.

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate, cut by what the caller can do about it: mend the condition, or leave the
/// clip out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that no condition has.
    #[error("no condition is called `{name}`; there are {}", known.join(", "))]
    UnknownCondition {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },

    /// A parameter is missing, too many, not a number or out of range.
    #[error("condition `{condition}`: expected {expected}, found `{actual}`")]
    Parameter {
        /// Name of the condition.
        condition: &'static str,
        /// How it is written, with the range of each parameter.
        expected: &'static str,
        /// What was given.
        actual: String,
    },

    /// No condition can be applied to such a clip.
    #[error("condition `{condition}`: expected a clip with {expected}, found {actual}")]
    Clip {
        /// Name of the condition.
        condition: &'static str,
        /// What a clip has to be like.
        expected: String,
        /// What this one is like.
        actual: String,
    },

    /// The clip's sampling rate and that of the condition have too little in common.
    #[error("condition `{condition}`: {source}")]
    Resample {
        /// Name of the condition.
        condition: &'static str,
        /// Which rates, and why.
        source: crate::Error,
    },
}
