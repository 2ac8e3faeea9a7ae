//! Self-contained HTML pages: of one run, of several runs side by side, and of runs compared on the
//! same clips. They load no script, no font and no picture.

mod compared;
mod corpora;
mod groups;
mod mistakes;
mod page;
mod run;
mod runs;
mod trust;

pub use compared::{ANOTHER_SEED, clips_of, render_comparison, verdict};
pub use mistakes::worst_mistakes;
pub use run::render;
pub use runs::render_summary;
