//! Properties that must hold for any text that is read as a RAVDESS name.

use ser_data::ravdess::{ACTORS, EMOTIONS, Name};

/// Reads a name, writes it, and reads it again.
///
/// # Panics
/// The parser violates a property.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(name) = text.parse::<Name>() else {
        return;
    };
    assert_eq!(name.to_string(), text);
    assert_eq!(name.to_string().parse::<Name>().unwrap(), name);
    assert!((1..=ACTORS).contains(&name.actor) && (1..=2).contains(&name.repetition));
    assert!(EMOTIONS.contains(&name.emotion.as_str()));
    assert_eq!(name.speaker().parse::<u8>().unwrap(), name.actor);
}
