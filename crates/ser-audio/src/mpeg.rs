//! Lost frames of MP3.
//!
//! The tag that encoders write first (Xing, or Info if the bit rate is constant) states the number of frames and of
//! bytes, and has a table of the bytes before each hundredth of the time. So the number of frames that a damaged file
//! lacks is known, which cannot be computed from the bytes at a variable bit rate. The table shows how many of them are
//! missing before which position.

use std::io::{self, Seek};

use symphonia::core::io::MediaSource;

use crate::lookahead::Lookahead;

/// Number of bytes of the longest frame: 320 kbit/s at 32 kHz, with padding.
const LONGEST: usize = 1441;
/// Number of bytes of a header.
const HEADER: usize = 4;
/// Bit rates of layer III in kbit/s by index, of MPEG 1 and of MPEG 2 and 2.5.
///
/// # References
/// ISO/IEC 11172-3, 2.4.2.3; ISO/IEC 13818-3, 2.4.2.3.
const BIT_RATES: [[usize; 15]; 2] = [
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// Sampling rates of MPEG 1 in Hz by index. Those of MPEG 2 are half, those of MPEG 2.5 a quarter of them.
const SAMPLING_RATES: [usize; 3] = [44100, 48000, 32000];
/// Flags of a tag that has all three: the number of frames, the number of bytes, and the table.
const FLAGS: u32 = 7;
/// Number of entries of the table. Each is in 256ths of the file.
const ENTRIES: usize = 100;
const PARTS: usize = 256;
/// LAME and ffmpeg fill the table from notes that they make while they write, one after each frame. At this number of
/// notes, they drop every second one and from then on make half as many.
const NOTES: u64 = 400;
/// Number of frames by which a table may be wrong.
const SLACK: i64 = 2;
/// Number of bytes that may follow the last frame, or be missing, without a loss: those of ID3v1.
const TAIL: u64 = 128;

/// The end of a loss.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Position of the first frame after the loss in bytes.
    pub(crate) at: u64,
    /// Number of frames of sound before that frame in the original file.
    pub(crate) before: u64,
}

/// The losses of a recording, and the number of samples in each of its frames.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    pub(crate) ends: Vec<Gap>,
    pub(crate) frame: u64,
}

impl Gaps {
    /// Finds the losses of an MP3 whose tag states the number of frames; none in any other file. Leaves the source at
    /// its start.
    pub(crate) fn find(source: &mut Box<dyn MediaSource>) -> io::Result<Self> {
        let mut gaps = Self::default();
        if source.is_seekable() {
            let mut file = Lookahead::new(&mut *source);
            if let Some((tag, first)) = tag(&mut file)? {
                gaps.ends = Frames::find(file, &tag, first.kind)?.gaps(&tag);
                gaps.frame = first.samples as u64;
            }
            source.rewind()?;
        }
        Ok(gaps)
    }
}

/// The content of the header of a frame.
struct Header {
    /// Version, layer and sampling rate, which are the same for all frames of a recording.
    kind: [u8; 2],
    samples: usize,
    length: usize,
    /// Position of the tag of an encoder, if this is the first frame.
    tag: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let &[0xFF, b, c, d, ..] = bytes else {
            return None;
        };
        // Layer III with or without a checksum.
        let (is_mpeg1, divisor) = match b & 0xFE {
            0xFA => (true, 1),
            0xF2 => (false, 2),
            0xE2 => (false, 4),
            _ => return None,
        };
        let bit_rates = BIT_RATES[usize::from(!is_mpeg1)];
        let bit_rate = *bit_rates
            .get(usize::from(c >> 4))
            .filter(|&&rate| rate > 0)?;
        let rate = SAMPLING_RATES.get(usize::from(c >> 2 & 3))? / divisor;
        let samples = if is_mpeg1 { 1152 } else { 576 };
        let side = match (is_mpeg1, d >> 6 == 3) {
            (true, false) => 32,
            (false, true) => 9,
            _ => 17,
        };
        Some(Self {
            kind: [b & 0xFE, c & 0x0C],
            samples,
            length: samples / 8 * bit_rate * 1000 / rate + usize::from(c >> 1 & 1),
            tag: HEADER + side,
        })
    }
}

/// The content of the tag of an encoder.
struct Tag {
    frames: u64,
    bytes: u64,
    table: [u8; ENTRIES],
    /// Position of its frame, from which the bytes are counted.
    start: u64,
}

impl Tag {
    fn parse(bytes: &[u8], start: u64) -> Option<Self> {
        let fields = bytes
            .strip_prefix(b"Xing")
            .or(bytes.strip_prefix(b"Info"))?;
        let (numbers, rest) = fields.split_first_chunk::<12>()?;
        let number = |at| u32::from_be_bytes(std::array::from_fn(|i| numbers[at + i]));
        (number(0) & FLAGS == FLAGS && number(8) > 0).then_some(Self {
            frames: number(4).into(),
            bytes: number(8).into(),
            table: *rest.first_chunk()?,
            start,
        })
    }

    /// Returns the byte at which a part of the file begins.
    fn boundary(&self, part: usize) -> u64 {
        self.start + self.bytes * part as u64 / PARTS as u64
    }

    /// Returns the number of frames before an entry of the table.
    fn before(&self, entry: usize) -> i64 {
        let mut every = 1;
        while self.frames / every >= NOTES {
            every *= 2;
        }
        let note = self.frames / every * entry as u64 / ENTRIES as u64;
        ((note + 1) * every) as i64
    }
}

/// Returns the tag of the encoder and the header of its frame, and skips that frame.
fn tag(file: &mut Lookahead<&mut Box<dyn MediaSource>>) -> io::Result<Option<(Tag, Header)>> {
    while let &[b'I', b'D', b'3', _, _, _, a, b, c, d, ..] = file.look(10)? {
        let digits = [a, b, c, d];
        let size = digits
            .iter()
            .fold(0, |size, digit| (size << 7) | u64::from(digit & 0x7F));
        file.seek(file.place() + 10 + size)?;
    }
    let start = file.place();
    let frame = file.look(LONGEST)?;
    let Some(header) = Header::parse(frame) else {
        return Ok(None);
    };
    let tag = frame.get(header.tag..header.length);
    let tag = tag.and_then(|bytes| Tag::parse(bytes, start));
    file.skip(header.length);
    Ok(tag.map(|tag| (tag, header)))
}

/// Consecutive frames of sound.
struct Run {
    /// Number of bytes before it that are not frames.
    junk: u64,
    start: u64,
    /// Number of frames in the file before it.
    before: u64,
}

/// The frames of sound in a file.
struct Frames {
    /// The runs, of which the first follows the tag.
    runs: Vec<Run>,
    /// Number of frames.
    count: u64,
    /// End of the last frame, length of the file, and whether the file ends within a frame.
    end: u64,
    len: u64,
    is_cut: bool,
    /// For each boundary of a part of the file that the tag uses: how many runs and frames begin before that byte.
    parts: Vec<(usize, u64)>,
}

impl Frames {
    fn find(
        mut file: Lookahead<&mut Box<dyn MediaSource>>,
        tag: &Tag,
        kind: [u8; 2],
    ) -> io::Result<Self> {
        let mut frames = Self {
            runs: Vec::new(),
            count: 0,
            end: file.place(),
            len: file.place(),
            is_cut: false,
            parts: Vec::new(),
        };
        let is_like = |header: &Header| header.kind == kind;
        loop {
            let place = file.place();
            let is_behind_junk = frames.runs.is_empty() || place > frames.end;
            let ahead = file.look(LONGEST + HEADER)?;
            if ahead.is_empty() {
                break;
            }
            let header = Header::parse(ahead).filter(is_like);
            let whole = header.filter(|header| {
                frames.is_cut = header.length > ahead.len();
                // Junk may look like one header, but hardly like two.
                let next = ahead.get(header.length..);
                next.is_some_and(|next| {
                    !is_behind_junk
                        || next.is_empty()
                        || Header::parse(next).as_ref().is_some_and(is_like)
                })
            });
            let Some(header) = whole else {
                file.skip(1);
                continue;
            };
            if is_behind_junk {
                frames.runs.push(Run {
                    junk: place - frames.end,
                    start: place,
                    before: frames.count,
                });
            }
            while frames.parts.len() <= PARTS && tag.boundary(frames.parts.len()) <= place {
                frames.parts.push((frames.runs.len(), frames.count));
            }
            file.skip(header.length);
            frames.end = file.place();
            frames.count += 1;
        }
        frames.len = file.place();
        Ok(frames)
    }

    /// Returns how many frames of the original file precede each run after a loss.
    fn gaps(&self, tag: &Tag) -> Vec<Gap> {
        let lost = tag.frames.saturating_sub(self.count);
        let is_gap = |run: &&Run| run.junk > 0;
        let gaps = self.runs.iter().filter(is_gap).count() as u64;
        let removed = tag.bytes.saturating_sub(self.len - tag.start);
        let removed = if removed > TAIL { removed } else { 0 };
        let tail = match self.len - self.end {
            _ if self.is_cut => self.len - self.end + removed,
            text if text <= TAIL => 0,
            junk => junk,
        };
        // The removed bytes are divided equally between the gaps, because nothing says where they were.
        let cut_out = if self.is_cut {
            0
        } else {
            removed / gaps.max(1)
        };
        let junk: u64 = self.runs.iter().map(|run| run.junk).sum();
        let all = junk + gaps * cut_out + tail;
        let (mut bytes, mut before) = (0, 0);
        let numbered = self.runs.iter().enumerate().filter(|(_, run)| run.junk > 0);
        let gaps = numbered.map(|(number, run)| {
            bytes += run.junk + cut_out;
            let share = u128::from(lost) * u128::from(bytes) / u128::from(all.max(1));
            let mut missing = share as i64;
            // After everything that is lost, the share is exact.
            if cut_out == 0
                && bytes < all
                && let Some((least, most)) = self.bounds(number + 1, tag)
            {
                // If both estimates agree, the truth is more likely in the middle.
                let margin = (most - least) / 4;
                missing = missing.clamp(least + margin, most - margin);
            }
            before = missing.clamp(before, lost as i64);
            Gap {
                at: run.start,
                before: run.before + before as u64,
            }
        });
        match lost {
            0 => Vec::new(),
            _ => gaps.collect(),
        }
    }

    /// Returns the smallest and the largest number of frames that can be lost before a run, by the table.
    fn bounds(&self, run: usize, tag: &Tag) -> Option<(i64, i64)> {
        let start = self.runs.get(run - 1)?.start;
        let mut bounds = (0, i64::MAX);
        for entry in 1..ENTRIES {
            let part = usize::from(tag.table[entry]);
            let (Some(&(first, above)), Some(&(last, below))) =
                (self.parts.get(part), self.parts.get(part + 1))
            else {
                continue;
            };
            if first == run && last == run && tag.boundary(part) >= start {
                let before = tag.before(entry);
                bounds.0 = bounds.0.max(before - below as i64 - SLACK);
                bounds.1 = bounds.1.min(before - above as i64 + SLACK);
            }
        }
        (bounds.1 < i64::MAX && bounds.0 <= bounds.1).then_some(bounds)
    }
}
#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use ser_fixtures::{mp3, mp3_silence};

    use super::*;

    /// Returns a file of frames whose bit rate changes as often as that of speech, and the position of each frame.
    fn file(frames: usize) -> (Vec<u8>, Vec<usize>) {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut bit_rate = 8;
        let frames: Vec<Vec<u8>> = (0..frames)
            .map(|_| {
                if random.random_bool(0.1) {
                    bit_rate = random.random_range(1..15);
                }
                mp3_silence(bit_rate)
            })
            .collect();
        let file = mp3(&frames);
        let tag = file.len() - frames.iter().map(Vec::len).sum::<usize>();
        let starts = frames.iter().scan(tag, |start, frame| {
            *start += frame.len();
            Some(*start - frame.len())
        });
        (file, starts.collect())
    }

    fn gaps(file: Vec<u8>) -> Vec<Gap> {
        let mut source: Box<dyn MediaSource> = Box::new(Cursor::new(file));
        Gaps::find(&mut source).unwrap().ends
    }

    /// Returns the gaps that zeros leave, and the true number of frames before them.
    fn zeroed(mut file: Vec<u8>, starts: &[usize], places: &[f64]) -> Vec<(Gap, u64)> {
        let length = file.len() / 100;
        let ends: Vec<usize> = places
            .iter()
            .map(|place| (place * file.len() as f64) as usize + length)
            .collect();
        for end in &ends {
            file[end - length..*end].fill(0);
        }
        let gaps = gaps(file);
        assert_eq!(gaps.len(), places.len());
        let true_ones = gaps.into_iter().zip(ends).map(|(gap, end)| {
            let before = starts.partition_point(|&start| start < end);
            assert_eq!(gap.at, starts[before] as u64);
            (gap, before as u64)
        });
        true_ones.collect()
    }

    #[test]
    fn what_is_whole_has_no_gaps() {
        let (file, _) = file(1000);
        assert_eq!(gaps(file.clone()), []);
        // An ID3v2 tag before the file, an ID3v1 tag after it.
        let before = [b"ID3\x04\0\0\0\0\x01\x02".to_vec(), vec![0; 130]].concat();
        let behind = [b"TAG".to_vec(), vec![b' '; 125]].concat();
        assert_eq!(gaps([before, file.clone(), behind].concat()), []);
        assert_eq!(gaps(file[..file.len() * 7 / 10].to_vec()), []);
    }

    #[test]
    fn of_one_gap_the_frames_are_known() {
        let (file, starts) = file(19_000);
        for place in [0.001, 0.2, 0.5, 0.97] {
            for (gap, before) in zeroed(file.clone(), &starts, &[place]) {
                assert_eq!(gap.before, before, "{place}");
            }
        }
    }

    #[test]
    fn of_several_gaps_the_table_tells_the_frames() {
        let (file, starts) = file(19_000);
        let cut = file.len() * 95 / 100;
        for end in [file.len(), cut] {
            let places = [0.15, 0.3, 0.45, 0.6, 0.8].map(|p| p * file.len() as f64 / end as f64);
            for (gap, before) in zeroed(file[..end].to_vec(), &starts, &places) {
                // A tenth of a second at 48 kHz, where a frame has 1152 samples.
                assert!(gap.before.abs_diff(before) <= 8, "{gap:?}, not {before}");
            }
        }
    }

    #[test]
    fn bytes_that_were_cut_out_are_frames_that_are_lost() {
        let (mut file, starts) = file(2000);
        file.drain(starts[700] + 10..starts[800] + 20);
        let before = 801;
        let at = (starts[801] - (starts[800] + 20 - starts[700] - 10)) as u64;
        assert_eq!(gaps(file), [Gap { at, before }]);
    }

    #[test]
    fn a_tag_that_lies_makes_no_gaps() {
        let (mut file, starts) = file(1000);
        for frames in [0u32, 1, 990] {
            file[17 + 4..][..4].copy_from_slice(&frames.to_be_bytes());
            let mut damaged = file.clone();
            damaged[starts[500]..starts[510]].fill(0);
            assert_eq!(gaps(damaged), [], "{frames}");
        }
    }
}
