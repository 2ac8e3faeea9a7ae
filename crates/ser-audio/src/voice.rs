//! Where somebody speaks: the energy of the speech band against its own past and near future.

use std::collections::VecDeque;

use crate::band::{SpeechBand, Squares};

/// Frames per second.
const FRAMES: u64 = 100;
/// Frames on either side that a frame is judged with, 50 ms in all, and how many of the quietest of these are averaged: a
/// click, which the others hold, does not count.
const SMOOTHING: usize = 2;
const QUIETEST: usize = 3;
/// Frames before and after a frame whose minimum is the floor of the background, and whose maximum the
/// level of the speech: 4 s, in which everybody breathes or closes the lips, and 1 s.
const PAST: u64 = 400;
const FUTURE: u64 = 100;

/// Power relative to the floor from which speech begins, and down to which it lasts: 10 and 7 dB.
const BEGIN: f64 = 10.0;
const LAST: f64 = 5.0;
/// The same relative to the level of the speech: −30 and −33 dB. Breath lies below it, and so does
/// the background where a codec or a gate has silenced the pauses.
const BEGIN_BELOW_LOUDEST: f64 = 1e-3;
const LAST_BELOW_LOUDEST: f64 = 5e-4;
/// Mean square that the loudest 50 ms around must have, −100 dBFS, the steps of 16 bits: below it nobody speaks.
const INAUDIBLE: f64 = 1e-10;

/// Frames of the shortest speech, 0.25 s, and of the shortest pause, 0.3 s.
const SHORTEST_SPEECH: u64 = 25;
const SHORTEST_PAUSE: u64 = 30;
/// Frames of speech after which its level is known, 0.8 s: what is shorter may be a breath before somebody speaks.
const LEVEL_KNOWN_AFTER: u64 = 80;
/// Frames added before and after a segment, for consonants below the thresholds: 50 and 100 ms.
const LEAD: u64 = 5;
const TRAIL: u64 = 10;

/// A stretch of speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First sample.
    pub start: u64,
    /// The sample after the last.
    pub end: u64,
    /// Samples per second, in Hz.
    pub sample_rate: u32,
}

impl Segment {
    /// Where it starts, in seconds.
    pub fn start_seconds(&self) -> f64 {
        self.start as f64 / f64::from(self.sample_rate)
    }

    /// Where it ends, in seconds.
    pub fn end_seconds(&self) -> f64 {
        self.end as f64 / f64::from(self.sample_rate)
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        (self.end - self.start) as f64 / f64::from(self.sample_rate)
    }
}

/// Finds speech in a stream of samples.
///
/// Frames of 10 ms are judged by their mean square between about 150 and 4000 Hz, and between 500 and 4000 Hz, averaged
/// over the three quietest of five frames. Speech is what rises, in one of the two, 10 dB above the quietest of the last four
/// seconds and the next one, until it falls below 7 dB, and what is not more than 30 dB below the loudest of the same time.
/// Gaps of less than 0.3 s are bridged, then speech of less than 0.25 s is dropped.
///
/// A frame waits for the next second no longer than until speech has ended by what is known without it, if within the last four
/// seconds somebody has spoken for 0.8 s at a stretch. So a segment is known 0.22 s after its end, which is 0.1 s
/// after the last frame of speech; short words after a silence, and in loud noise others too, up to 1.3 s after.
///
/// All of this is relative, so the level of a recording changes nothing, except that there is no speech
/// where the loudest lies below −100 dBFS. Neither an offset, nor the hum of the mains, nor single clicks change it. Segments
/// do not depend on how the samples are cut into calls of [`push`](Self::push).
///
/// It tells sound from background, not speech from music: whatever comes and goes is a segment.
///
/// ```
/// use ser_audio::VoiceActivity;
///
/// // Two seconds of faint noise, with a tone from 0.5 to 1.5 s.
/// let mut voice = VoiceActivity::new(16_000);
/// for n in 0..32_000u32 {
///     let noise = 0.001 * (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0;
///     let tone = if (8_000..24_000).contains(&n) { (0.2 * n as f32).sin() } else { 0.0 };
///     voice.push(&[noise + 0.1 * tone]);
/// }
/// voice.finish();
/// let segments: Vec<_> = voice.drain().collect();
/// assert_eq!(segments.len(), 1);
/// assert!((segments[0].start_seconds() - 0.5).abs() < 0.1);
/// assert!((segments[0].end_seconds() - 1.5).abs() < 0.15);
/// ```
pub struct VoiceActivity {
    sample_rate: u32,
    band: SpeechBand,
    /// Samples taken.
    samples: u64,
    /// Those of the frame being filled.
    squares: Squares,
    /// Frames filled.
    frames: u64,
    /// Their last mean squares, at most `2 · SMOOTHING + 1`.
    recent: VecDeque<[f64; 2]>,
    /// Smoothed mean squares of the frames that are not judged yet.
    waiting: VecDeque<[f64; 2]>,
    /// Frames judged.
    judged: u64,
    floors: [Extreme; 2],
    loudest: Extreme,
    /// What was judged.
    speech: Speech,
    /// All frames, as they look without their future.
    outlook: Speech,
    /// The frame up to which it is known how loud speech is.
    level_known: u64,
    done: VecDeque<Segment>,
}

impl VoiceActivity {
    /// A detector for a signal of `sample_rate` Hz, 8000 or more; at lower rates it hears less of the
    /// band.
    pub fn new(sample_rate: u32) -> Self {
        // A signal without a rate has no seconds, but must not divide by them.
        let sample_rate = sample_rate.max(1);
        Self {
            sample_rate,
            band: SpeechBand::new(sample_rate),
            samples: 0,
            squares: Squares::default(),
            frames: 0,
            recent: VecDeque::new(),
            waiting: VecDeque::new(),
            judged: 0,
            floors: [(); 2].map(|()| Extreme::new(|new, old| new <= old)),
            loudest: Extreme::new(|new, old| new >= old),
            speech: Speech::default(),
            outlook: Speech::default(),
            level_known: 0,
            done: VecDeque::new(),
        }
    }

    /// Takes the next samples.
    pub fn push(&mut self, samples: &[f32]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let missing = self.position(self.frames + 1) - self.samples;
            let (frame, later) = rest.split_at(rest.len().min(missing as usize));
            self.band.add_squares(frame, &mut self.squares);
            self.samples += frame.len() as u64;
            if frame.len() as u64 == missing {
                self.end_frame();
            }
            rest = later;
        }
    }

    /// Says that no more samples come, and judges those that were waiting for what follows them.
    pub fn finish(&mut self) {
        if self.samples > self.position(self.frames) {
            self.end_frame();
        }
        for missing in (0..SMOOTHING).rev() {
            self.smooth(missing);
        }
        while !self.waiting.is_empty() {
            self.judge();
        }
        self.speech.end_run(self.judged);
        let last = self.speech.joined.take();
        self.end_speech(last);
    }

    /// Hands out the segments that were completed since the last call, in the order of time.
    pub fn drain(&mut self) -> impl Iterator<Item = Segment> + '_ {
        self.done.drain(..)
    }

    /// The first sample of speech that goes on, or may have begun, where the judgement has come to, and the
    /// sample up to which it is speech for certain, which is the first as long as it has not begun. `None` in
    /// a pause; what is too short may still be dropped.
    pub fn speaking(&self) -> Option<(u64, u64)> {
        let Speech { run, joined } = &self.speech;
        let run_start = run.as_ref().map(|run| run.start);
        let start = joined.map(|(start, _)| start).or(run_start)?;
        let start = start.saturating_sub(LEAD);
        // A run that has not begun may end as background.
        let end = match run {
            Some(run) if run.begins => self.judged,
            _ => joined.map_or(start, |(_, end)| end),
        };
        Some((self.position(start), self.position(end)))
    }

    /// The first sample of a frame.
    fn position(&self, frame: u64) -> u64 {
        // Below 100 Hz a frame is a sample.
        frame * u64::from(self.sample_rate).max(FRAMES) / FRAMES
    }

    fn end_frame(&mut self) {
        let Squares { sums, count } = std::mem::take(&mut self.squares);
        self.recent
            .push_back(sums.map(|sum| sum / f64::from(count.max(1))));
        self.frames += 1;
        self.band.end_frame();
        self.smooth(SMOOTHING);
    }

    /// Smooths the frame that has `following` frames after it, and judges whatever can be.
    fn smooth(&mut self, following: usize) {
        if self.recent.len() > 2 * SMOOTHING + 1 || following < SMOOTHING {
            self.recent.pop_front();
        }
        if self.recent.len() <= following {
            return;
        }
        let levels = [0, 1].map(|band| {
            let mut levels = [f64::INFINITY; 2 * SMOOTHING + 1];
            for (level, recent) in levels.iter_mut().zip(&self.recent) {
                *level = recent[band];
            }
            levels.sort_unstable_by(f64::total_cmp);
            let quietest = &levels[..QUIETEST.min(self.recent.len())];
            quietest.iter().sum::<f64>() / quietest.len() as f64
        });
        let frame = self.judged + self.waiting.len() as u64;
        self.waiting.push_back(levels);
        self.loudest.push(frame, levels[0]);
        for (floor, level) in self.floors.iter_mut().zip(levels) {
            floor.push(frame, level);
        }
        if self.waiting.len() as u64 > FUTURE {
            self.judge();
        }
        let around = self.around(self.judged);
        let ended = self.outlook.take(frame, &around, levels);
        if ended.is_some_and(|(start, end)| end - start >= LEVEL_KNOWN_AFTER) {
            self.level_known = frame + PAST;
        }
        // Where speech has ended by all that is known, nothing waits any longer; judged by a floor that has sunk since, it
        // ends a few frames later.
        let is_over = ended.is_some() || self.outlook.is_pause() && self.speech.joined.is_some();
        while is_over && frame < self.level_known && !self.waiting.is_empty() {
            self.judge();
        }
    }

    /// Judges the first frame that waits.
    fn judge(&mut self) {
        let Some(powers) = self.waiting.pop_front() else {
            return;
        };
        let frame = self.judged;
        self.judged += 1;
        let around = self.around(frame);
        let ended = self.speech.take(frame, &around, powers);
        self.end_speech(ended);
    }

    /// What is known of the time around a frame, of which the one before was judged.
    fn around(&mut self, frame: u64) -> Around {
        let oldest = frame.saturating_sub(PAST);
        Around {
            floors: self.floors.each_mut().map(|floor| floor.from(oldest)),
            loudest: self.loudest.from(oldest),
        }
    }

    /// Hands out speech that is long enough.
    fn end_speech(&mut self, speech: Option<(u64, u64)>) {
        let Some((start, end)) = speech.filter(|(start, end)| end - start >= SHORTEST_SPEECH)
        else {
            return;
        };
        self.done.push_back(Segment {
            start: self.position(start.saturating_sub(LEAD)),
            end: self.position(end + TRAIL).min(self.samples),
            sample_rate: self.sample_rate,
        });
    }
}

/// What the power of a frame is held against.
struct Around {
    floors: [f64; 2],
    loudest: f64,
}

impl Around {
    fn begins(&self, powers: [f64; 2]) -> bool {
        self.is_reached(powers, BEGIN, BEGIN_BELOW_LOUDEST)
    }

    fn lasts(&self, powers: [f64; 2]) -> bool {
        self.is_reached(powers, LAST, LAST_BELOW_LOUDEST)
    }

    fn is_reached(&self, powers: [f64; 2], over_floor: f64, under_loudest: f64) -> bool {
        let least = under_loudest * self.loudest;
        let mut bands = powers.iter().zip(self.floors);
        self.loudest >= INAUDIBLE
            && bands.any(|(&power, floor)| power >= (over_floor * floor).max(least))
    }
}

/// Frames that become speech.
#[derive(Default)]
struct Speech {
    /// Frames at a stretch that last, and whether one of them begins.
    run: Option<Run>,
    /// First frame and the one after the last of what may still grow.
    joined: Option<(u64, u64)>,
}

struct Run {
    start: u64,
    begins: bool,
}

impl Speech {
    /// Takes the next frame, and gives the speech that ended a pause before.
    fn take(&mut self, frame: u64, around: &Around, powers: [f64; 2]) -> Option<(u64, u64)> {
        if around.lasts(powers) {
            let begins = around.begins(powers);
            let run = self.run.get_or_insert(Run {
                start: frame,
                begins,
            });
            run.begins |= begins;
            return None;
        }
        self.end_run(frame);
        self.joined
            .take_if(|(_, end)| frame + 1 >= *end + SHORTEST_PAUSE)
    }

    fn is_pause(&self) -> bool {
        self.run.is_none() && self.joined.is_none()
    }

    /// Adds the run to the speech before it, which is no more than a pause away, or begins new speech.
    fn end_run(&mut self, end: u64) {
        if let Some(run) = self.run.take().filter(|run| run.begins) {
            let start = self.joined.map_or(run.start, |(start, _)| start);
            self.joined = Some((start, end));
        }
    }
}

/// The smallest or largest value of a window that moves on: values that a later one outdoes are
/// forgotten at once.
struct Extreme {
    outdoes: fn(f64, f64) -> bool,
    values: VecDeque<(u64, f64)>,
}

impl Extreme {
    fn new(outdoes: fn(f64, f64) -> bool) -> Self {
        Self {
            outdoes,
            values: VecDeque::new(),
        }
    }

    fn push(&mut self, frame: u64, value: f64) {
        while self
            .values
            .back()
            .is_some_and(|&(_, old)| (self.outdoes)(value, old))
        {
            self.values.pop_back();
        }
        self.values.push_back((frame, value));
    }

    /// The extreme from frame `oldest` on.
    fn from(&mut self, oldest: u64) -> f64 {
        while self
            .values
            .front()
            .is_some_and(|&(frame, _)| frame < oldest)
        {
            self.values.pop_front();
        }
        self.values.front().map_or(0.0, |&(_, value)| value)
    }
}
