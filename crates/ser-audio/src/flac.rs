//! FLAC without its beginning: the frames contain what the missing header would say.

use symphonia::core::checksum::Crc8Ccitt;
use symphonia::core::io::Monitor;

/// The beginning of a file whose only metadata block is STREAMINFO.
const HEAD: [u8; 8] = *b"fLaC\x80\0\0\x22";

/// Finds the first frame of a stream without a header. Returns its position and a header for it.
///
/// One frame may appear by chance; two consecutive ones do not.
///
/// # References
/// RFC 9639, sections 8.2 and 9.1.
pub(crate) fn headless(bytes: &[u8]) -> Option<(u64, Vec<u8>)> {
    let mut frames: Vec<(usize, Frame)> = Vec::new();
    let starts = bytes.windows(2).enumerate();
    for (start, _) in starts.filter(|(_, sync)| matches!(sync, [0xFF, 0xF8 | 0xF9])) {
        let Some(frame) = Frame::parse(&bytes[start..]) else {
            continue;
        };
        if let Some((first, before)) = frames.iter().find(|(_, before)| before.precedes(&frame)) {
            return Some((*first as u64, before.header()));
        }
        frames.push((start, frame));
    }
    None
}

/// The content of the header of a frame.
struct Frame {
    /// Whether frames are numbered by their first samples, because their lengths differ.
    is_variable: bool,
    number: u64,
    samples: u16,
    /// Sampling rate, channels, and bits per sample.
    format: (u32, u8, u8),
}

impl Frame {
    /// Parses the frame that begins here. Returns `None` if it depends on information outside it or its checksum is
    /// wrong.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let &[_, strategy, sizes, channels, lead, ..] = bytes else {
            return None;
        };
        // A number in the encoding of UTF-8, of up to seven bytes.
        let mut at = 5;
        let number = match lead.leading_ones() {
            0 => lead.into(),
            1 | 8 => return None,
            length => {
                let more = bytes.get(5..4 + length as usize)?;
                at += more.len();
                let first = u64::from(lead) & (0x7F >> length);
                more.iter()
                    .fold(first, |number, byte| (number << 6) | u64::from(byte & 0x3F))
            }
        };
        let mut next = |count: usize| {
            let bytes = bytes.get(at..at + count)?;
            at += count;
            let number = |number, &byte| (number << 8) | u32::from(byte);
            Some(bytes.iter().fold(0, number))
        };
        let samples = match sizes >> 4 {
            0 => return None,
            1 => 192,
            code @ 2..=5 => 144 << code,
            6 => next(1)? + 1,
            7 => next(2)? + 1,
            code => 1 << code,
        };
        let rates = [
            88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
        ];
        let rate = match sizes & 15 {
            12 => 1000 * next(1)?,
            13 => next(2)?,
            14 => 10 * next(2)?,
            code => *rates.get(usize::from(code).checked_sub(1)?)?,
        };
        let count = match channels >> 4 {
            code @ 0..=7 => code + 1,
            8..=10 => 2,
            _ => return None,
        };
        let bits =
            *[8, 12, 0, 16, 20, 24, 32].get(usize::from(channels >> 1 & 7).checked_sub(1)?)?;
        let is_sound = crc8(bytes.get(..=at)?) == 0;
        (is_sound && bits > 0 && channels & 1 == 0 && rate > 0).then_some(Self {
            is_variable: strategy & 1 == 1,
            number,
            samples: samples.try_into().ok()?,
            format: (rate, count, bits),
        })
    }

    fn precedes(&self, next: &Self) -> bool {
        let step = if self.is_variable {
            self.samples.into()
        } else {
            1
        };
        next.number == self.number + step
            && (next.format, next.is_variable) == (self.format, self.is_variable)
    }

    /// Returns the header of a file of such frames, of unknown length.
    fn header(&self) -> Vec<u8> {
        let (least, most) = if self.is_variable {
            (16, u16::MAX)
        } else {
            (self.samples, self.samples)
        };
        let (rate, channels, bits) = self.format;
        let mut header = HEAD.to_vec();
        header.extend(least.to_be_bytes());
        header.extend(most.to_be_bytes());
        header.extend([0; 6]);
        let format =
            u64::from(rate) << 44 | u64::from(channels - 1) << 41 | u64::from(bits - 1) << 36;
        header.extend(format.to_be_bytes());
        header.extend([0; 16]);
        header
    }
}

/// Computes the checksum of a header. It is 0 for a header followed by its checksum.
fn crc8(bytes: &[u8]) -> u8 {
    let mut sum = Crc8Ccitt::new(0);
    sum.process_buf_bytes(bytes);
    sum.crc()
}
