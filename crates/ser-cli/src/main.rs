//! Placeholder, replaced within the same issue.
fn main() {}
