//! Voice activity detection: compares the energy of the speech band with its own past and near future.

use std::collections::VecDeque;

use crate::band::{SpeechBand, Squares};

/// Frames per second.
const FRAMES: u64 = 100;
/// Number of frames on each side over which a frame is smoothed, 50 ms in all, and how many of the quietest of them are
/// averaged. A click raises the other frames only, so it does not count.
const SMOOTHING: usize = 2;
const QUIETEST: usize = 3;
/// Number of frames before and after a frame that are searched for the floor of the background (the minimum): 4 s, in which
/// everybody breathes or closes the lips, and 1 s.
const PAST: u64 = 400;
const FUTURE: u64 = 100;
/// Number of frames before an utterance that are searched for the level of the speech (the maximum), 2 s, because somebody may
/// shout and then speak much more quietly. In a longer utterance, [`PAST`] frames are searched.
const LOUDEST_PAST: u64 = 200;

/// Power relative to the floor at which speech begins, and down to which it continues: 10 and 7 dB.
const BEGIN: f64 = 10.0;
const LAST: f64 = 5.0;
/// The same thresholds relative to the level of the speech: −30 and −33 dB. Breath lies below them, and so does
/// the background where a codec or a gate has silenced the pauses.
const BEGIN_BELOW_LOUDEST: f64 = 1e-3;
const LAST_BELOW_LOUDEST: f64 = 5e-4;
/// Mean square that a frame must reach, −100 dBFS, which is about the quantisation noise of 16 bits. Below it there is
/// no speech: what a codec leaves of a muted stretch may rise far above its own floor.
const INAUDIBLE: f64 = 1e-10;

/// Number of frames of the shortest speech, 0.25 s, and of the shortest pause, 0.3 s.
const SHORTEST_SPEECH: u64 = 25;
const SHORTEST_PAUSE: u64 = 30;
/// Number of frames of speech after which its level is known, 0.8 s. Shorter sound may be a breath before somebody
/// speaks.
const LEVEL_KNOWN_AFTER: u64 = 80;
/// Number of frames after which sound above the lower threshold that never reached the upper one is background: 30 s. Usually the
/// floor rises to such sound within seconds, but sound can be made that keeps below the one and above the other for ever.
const LONGEST_UNSURE: u64 = 3000;
/// Number of frames added before and after a segment, for consonants below the thresholds: 50 and 100 ms.
const LEAD: u64 = 5;
const TRAIL: u64 = 10;

/// A stretch of speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The first sample.
    pub start: u64,
    /// The sample after the last.
    pub end: u64,
    /// Sampling rate in Hz.
    pub sample_rate: u32,
}

impl Segment {
    /// Returns the start in seconds.
    pub fn start_seconds(&self) -> f64 {
        self.start as f64 / f64::from(self.sample_rate)
    }

    /// Returns the end in seconds.
    pub fn end_seconds(&self) -> f64 {
        self.end as f64 / f64::from(self.sample_rate)
    }

    /// Returns the length in seconds.
    pub fn seconds(&self) -> f64 {
        (self.end - self.start) as f64 / f64::from(self.sample_rate)
    }
}

/// Finds speech in a stream of samples.
///
/// Frames of 10 ms are compared by their mean square between about 150 and 4000 Hz, and between about 600 and 4000 Hz,
/// averaged over the three quietest of five frames. Speech begins where one of the two rises 10 dB above the quietest
/// of the last four seconds and the next one, and lasts until both fall below 7 dB. It must not lie more than 30 dB
/// below the loudest from two seconds before it to the next one. Gaps of less than 0.3 s are bridged; then speech of less than 0.25 s is dropped.
///
/// A frame usually waits for the second that follows it. If somebody has spoken for 0.8 s without a pause within the
/// last two seconds, it waits only until speech has ended by what is known so far. A segment is then known 0.22 s
/// after its end, which is 0.1 s after the last frame of speech. Short words after a silence, and in loud noise others
/// as well, are known up to 1.3 s after.
///
/// All of this is relative, so the level of a recording has no effect, except that sound below −100 dBFS is never
/// speech. An offset, mains hum and single clicks have no effect either. Segments
/// do not depend on how the samples are divided between calls of [`push`](Self::push).
///
/// It separates sound from background; it cannot distinguish speech from music: any sound that comes and goes is a
/// segment.
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
    /// Number of samples received.
    samples: u64,
    /// The sums of squares of the frame being filled.
    squares: Squares,
    /// Number of complete frames.
    frames: u64,
    /// The mean squares of the last frames, at most `2 · SMOOTHING + 1`.
    recent: VecDeque<[f64; 2]>,
    /// Smoothed mean squares of the frames that are not judged yet.
    waiting: VecDeque<[f64; 2]>,
    /// Number of frames judged.
    judged: u64,
    floors: [Extreme; 2],
    loudest: Extreme,
    /// Speech in the judged frames.
    speech: Speech,
    /// Speech in all frames, judged without the frames that follow them.
    outlook: Speech,
    /// The frame up to which the level of speech is known.
    level_known: u64,
    done: VecDeque<Segment>,
}

impl VoiceActivity {
    /// Creates a detector for a signal of `sample_rate` Hz, 8000 or more. At lower rates it uses less of the
    /// band.
    pub fn new(sample_rate: u32) -> Self {
        // A rate of 0 is invalid, but must not cause a division by zero.
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

    /// Processes the next samples.
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

    /// Ends the signal, and judges the frames that waited for what follows them.
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

    /// Removes and returns the segments that were completed since the last call, in order of time.
    pub fn drain(&mut self) -> impl Iterator<Item = Segment> + '_ {
        self.done.drain(..)
    }

    /// Returns the first sample of current speech, which goes on or may have begun where the judgement has arrived, and
    /// the sample up to which it certainly is speech. The two are equal as long as speech has not begun for certain.
    /// Returns `None` in a pause. Speech that turns out too short may still be dropped.
    pub fn speaking(&self) -> Option<(u64, u64)> {
        let Speech { run, joined } = &self.speech;
        let start = self.speech.start()?.saturating_sub(LEAD);
        // A run that has not begun for certain may turn out to be background.
        let end = match run {
            Some(run) if run.begins => self.judged,
            _ => joined.map_or(start, |(_, end)| end),
        };
        Some((self.position(start), self.position(end)))
    }

    /// Returns the first sample of a frame.
    fn position(&self, frame: u64) -> u64 {
        // Below 100 Hz, a frame is one sample.
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

    /// Smooths the frame that has `following` frames after it, and judges all frames that can be judged.
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
            self.level_known = frame + LOUDEST_PAST;
        }
        // Where speech has ended by all that is known, no frame waits any longer. Judged by a floor that has sunk
        // since, it ends a few frames later.
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

    /// Returns what is known of the time around a frame. The frame before it must have been judged.
    fn around(&mut self, frame: u64) -> Around {
        let oldest = frame.saturating_sub(PAST);
        let utterance = self.speech.start().unwrap_or(frame);
        Around {
            floors: self.floors.each_mut().map(|floor| floor.from(oldest)),
            loudest: self
                .loudest
                .from(utterance.saturating_sub(LOUDEST_PAST).max(oldest)),
        }
    }

    /// Adds speech that is long enough to the completed segments.
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

/// The levels with which the power of a frame is compared.
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
        let least = (under_loudest * self.loudest).max(INAUDIBLE);
        let mut bands = powers.iter().zip(self.floors);
        bands.any(|(&power, floor)| power >= (over_floor * floor).max(least))
    }
}

/// Frames that are joined to speech.
#[derive(Default)]
struct Speech {
    /// The current run of frames above the lower threshold, and whether one of them reaches the upper one.
    run: Option<Run>,
    /// The first frame and the frame after the last one of speech that may still grow.
    joined: Option<(u64, u64)>,
}

struct Run {
    start: u64,
    begins: bool,
}

impl Speech {
    /// Returns the first frame of current speech, which may turn out to be background; `None` in a pause.
    fn start(&self) -> Option<u64> {
        let run = self.run.as_ref().map(|run| run.start);
        self.joined.map(|(start, _)| start).or(run)
    }

    /// Processes the next frame. Returns speech if the pause after it is now long enough to end it.
    fn take(&mut self, frame: u64, around: &Around, powers: [f64; 2]) -> Option<(u64, u64)> {
        if around.lasts(powers) {
            let begins = around.begins(powers);
            let run = self.run.get_or_insert(Run {
                start: frame,
                begins,
            });
            run.begins |= begins;
            let oldest = (frame + 1).saturating_sub(LONGEST_UNSURE);
            if run.begins || run.start >= oldest {
                return None;
            }
            run.start = oldest;
            return self.joined.take();
        }
        self.end_run(frame);
        self.joined
            .take_if(|(_, end)| frame + 1 >= *end + SHORTEST_PAUSE)
    }

    fn is_pause(&self) -> bool {
        self.run.is_none() && self.joined.is_none()
    }

    /// Adds the run to the speech before it, which is at most a pause away, or starts new speech.
    fn end_run(&mut self, end: u64) {
        if let Some(run) = self.run.take().filter(|run| run.begins) {
            let start = self.joined.map_or(run.start, |(start, _)| start);
            self.joined = Some((start, end));
        }
    }
}

/// The smallest or largest value in a moving window. Values that a later one exceeds are dropped
/// at once.
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

    /// Returns the extreme from frame `oldest` on.
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
