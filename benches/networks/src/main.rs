//! Times training and prediction.

fn main() {}
