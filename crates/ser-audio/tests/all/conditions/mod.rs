//! The conditions: how they are written, and what each does to the sound.

mod occlusion;
mod sound;
mod text;
