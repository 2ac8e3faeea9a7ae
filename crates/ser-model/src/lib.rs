//! Placeholder, replaced within the same issue.
