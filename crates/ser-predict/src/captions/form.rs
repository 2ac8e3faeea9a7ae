//! The caption formats, selected by name.

use std::io;

use super::{audacity, csv, rttm, sub_rip, text_grid, web_vtt};
use crate::stream::Span;

/// A caption format that needs only the spans, and the length and name of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A CSV table, for spreadsheets and scripts.
    Csv,
    /// WebVTT, for web pages.
    WebVtt,
    /// SubRip, for video players.
    SubRip,
    /// A label track of Audacity.
    Audacity,
    /// A TextGrid of Praat.
    TextGrid,
    /// RTTM, NIST's format for who speaks when.
    Rttm,
}

impl Form {
    const ALL: [Self; 6] = [
        Self::Csv,
        Self::WebVtt,
        Self::SubRip,
        Self::Audacity,
        Self::TextGrid,
        Self::Rttm,
    ];

    /// Returns the file name extension of the format, without the dot.
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

    /// Returns the format whose files have this extension, in upper or lower case.
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

    /// Writes the spans of a recording that lasts `seconds` seconds and is named `stem`, without its extension.
    ///
    /// # Errors
    /// The same as for [`csv`].
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
