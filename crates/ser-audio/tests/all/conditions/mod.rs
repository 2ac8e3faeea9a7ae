//! Tests the conditions: their text form, and what each does to the sound.

mod occlusion;
mod sound;
mod text;
