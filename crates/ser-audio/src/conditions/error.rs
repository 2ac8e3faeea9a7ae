//! The errors of the conditions.

/// The result type of all fallible functions of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this module. The variants differ in what the caller can do: correct the condition, or skip the
/// clip.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No condition has this name.
    #[error("no condition is called `{name}`; the conditions are {}", known.join(", "))]
    UnknownCondition {
        /// The name given.
        name: String,
        /// The names of all conditions.
        known: Vec<&'static str>,
    },

    /// A parameter is missing, surplus, not a number, or out of range.
    #[error("condition `{condition}`: expected {expected}, found `{actual}`")]
    Parameter {
        /// Name of the condition.
        condition: &'static str,
        /// The text form, with the range of each parameter.
        expected: &'static str,
        /// The text given.
        actual: String,
    },

    /// No condition can be applied to this clip.
    #[error("condition `{condition}`: expected a clip with {expected}, found {actual}")]
    Clip {
        /// Name of the condition.
        condition: &'static str,
        /// What the clip must be like.
        expected: String,
        /// What the clip is like.
        actual: String,
    },

    /// The sampling rates of the clip and of the condition have too little in common.
    #[error("condition `{condition}`: {source}")]
    Resample {
        /// Name of the condition.
        condition: &'static str,
        /// The rates and the reason.
        source: crate::Error,
    },
}
