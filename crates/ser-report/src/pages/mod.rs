//! Self-contained HTML pages: one for a run, one for several side by side, one for runs compared on
//! the same clips. No script, no font and no picture is loaded.

mod compared;
mod corpora;
mod groups;
mod mistakes;
mod page;
mod run;
mod runs;
mod trust;

pub use compared::render_comparison;
pub use mistakes::worst_mistakes;
pub use run::render;
pub use runs::render_summary;
