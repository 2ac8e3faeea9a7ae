//! Forms by name.

use std::io;

use super::{audacity, csv, rttm, sub_rip, text_grid, web_vtt};
use crate::stream::Span;

/// A form of text that needs nothing but the spans and what is known of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A table.
    Csv,
    /// For web pages.
    WebVtt,
    /// For video players.
    SubRip,
    /// A label track of Audacity.
    Audacity,
    /// For Praat.
    TextGrid,
    /// NIST's, of who speaks when.
    Rttm,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Csv,
        Self::WebVtt,
        Self::SubRip,
        Self::Audacity,
        Self::TextGrid,
        Self::Rttm,
    ];

    /// What names of its files end in.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::WebVtt => "vtt",
            Self::SubRip => "srt",
            Self::Audacity => "txt",
            Self::TextGrid => "TextGrid",
            Self::Rttm => "rttm",
        }
    }

    /// The form whose files end so, in letters of any case.
    ///
    /// ```
    /// use ser_predict::captions::Form;
    ///
    /// assert_eq!(Form::of_extension("textgrid"), Some(Form::TextGrid));
    /// assert_eq!(Form::of_extension("pdf"), None);
    /// ```
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        let is_it = |form: &Self| form.extension().eq_ignore_ascii_case(extension);
        Self::ALL.into_iter().find(is_it)
    }

    /// Spans of a recording of so many seconds, whose name without its extension is `stem`.
    ///
    /// # Errors
    /// Those of [`csv`].
    pub fn write(
        self,
        spans: &[Span],
        labels: &[String],
        seconds: f64,
        stem: &str,
    ) -> io::Result<String> {
        Ok(match self {
            Self::Csv => csv(spans, labels)?,
            Self::WebVtt => web_vtt(spans, labels),
            Self::SubRip => sub_rip(spans, labels),
            Self::Audacity => audacity(spans, labels),
            Self::TextGrid => text_grid(spans, labels, seconds),
            Self::Rttm => rttm(spans, labels, stem),
        })
    }
}
