//! Answers for recordings of any length.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{AudioStream, Channels, Quality, Warning, Waveform, restored};
use ser_features::{Features, Views};

use crate::answer::{Answer, Context};
use crate::embedding::Embedding;
use crate::enroller::{Enroller, Speech};
use crate::enrolment::Enrolment;
use crate::error::{Error, Kind, Result};
use crate::model::Model;
use crate::segmenter::{CUT, Piece, Segmenter, check_rate};
use crate::stream::Listener;

/// Length in seconds above which a recording is answered in memory that does not grow with its length.
pub const LONG: f64 = 30.0;

/// Length in seconds of the longest recording that can be answered as a whole. A longer one is divided into pieces of speech.
pub const LONGEST_CLIP: f64 = 6.0;

/// Number of samples of a long recording that are processed at a time, which contain pieces for all cores.
const AT_ONCE: usize = 1 << 20;

/// Tells whether a restored recording is answered, and enrolled, as a whole, and not by its pieces of speech. Statistics
/// over a clip depend on how long it is, so it must be as short as the clips that models are trained on.
pub(crate) fn is_clip(quality: &Quality) -> bool {
    quality.seconds <= LONGEST_CLIP && quality.speech_seconds < CUT
}

/// Finds the pieces of speech by which [`Predictor::answer`] answers a recording, and by which such a clip should be learned:
/// those of a recording of more than [`LONGEST_CLIP`], or with [`CUT`] seconds of speech. Any other recording is answered as a whole, and has
/// none; nor has one of up to [`LONG`] seconds without speech.
///
/// # Errors
/// [`Error::SampleRate`] below 4000 Hz, and [`Error::NotSpeech`] for a recording of more than [`LONG`] seconds without speech.
///
/// ```
/// use ser_audio::Waveform;
/// use ser_predict::pieces_of_speech;
///
/// // A tone in faint noise, for the given number of seconds.
/// let recording = |seconds: u32| {
///     let noise = |n: u32| 1e-4 * (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0;
///     let tone = |n: u32| if n > 8000 { (0.2 * n as f32).sin() / 8.0 } else { 0.0 };
///     Waveform::new((0..16_000 * seconds).map(|n| noise(n) + tone(n)).collect(), 16_000)
/// };
/// assert!(pieces_of_speech(&recording(2))?.is_empty());
/// assert_eq!(pieces_of_speech(&recording(5))?.len(), 2);
/// # Ok::<(), ser_predict::Error>(())
/// ```
pub fn pieces_of_speech(sound: &Waveform) -> Result<Vec<Piece>> {
    // A longer recording is no clip, whatever its quality.
    if sound.duration() <= LONGEST_CLIP && is_clip(&Quality::of_restored(&restored(sound), sound)) {
        return Ok(Vec::new());
    }
    let pieces = all_pieces(sound)?;
    if pieces.is_empty() && sound.duration() > LONG {
        return Err(no_speech());
    }
    Ok(pieces)
}

/// Finds the pieces of speech in a recording, which has none if it is [a clip](is_clip).
pub(crate) fn pieces_unless_clip(quality: &Quality, sound: &Waveform) -> Result<Vec<Piece>> {
    if is_clip(quality) {
        return Ok(Vec::new());
    }
    all_pieces(sound)
}

/// Finds all pieces of speech in a recording.
fn all_pieces(sound: &Waveform) -> Result<Vec<Piece>> {
    let mut segmenter = Segmenter::new(sound.sample_rate)?;
    let mut pieces = segmenter.push(&sound.samples);
    pieces.extend(segmenter.finish());
    Ok(pieces)
}

/// The sum of the answers on pieces of speech, weighted by their lengths.
#[derive(Default)]
struct MeanAnswer {
    /// `[K]`
    sum: Vec<f64>,
    /// Length of the pieces.
    seconds: f64,
    /// Length of those that are out of distribution.
    out_of_distribution_seconds: f64,
}

impl MeanAnswer {
    /// Adds the probabilities for a piece of this length, and whether it is out of distribution.
    fn add(&mut self, probabilities: &[f32], out_of_distribution: bool, seconds: f64) {
        self.seconds += seconds;
        if out_of_distribution {
            self.out_of_distribution_seconds += seconds;
        }
        self.sum.resize(probabilities.len(), 0.0);
        for (sum, p) in self.sum.iter_mut().zip(probabilities) {
            *sum += seconds * f64::from(*p);
        }
    }

    /// Returns the mean probabilities; `None` without pieces.
    fn probabilities(&self) -> Option<Vec<f32>> {
        let mean = |sum: &f64| (sum / self.seconds) as f32;
        (self.seconds > 0.0).then(|| self.sum.iter().map(mean).collect())
    }

    /// Returns whether most of the speech is out of distribution.
    fn is_out_of_distribution(&self) -> bool {
        self.out_of_distribution_seconds > self.seconds / 2.0
    }
}

/// A model that is ready to answer, with its feature extractors and its buffers.
///
/// Any number of threads can use it at the same time. A clone shares the same model.
///
/// ```
/// use ser_audio::Waveform;
/// use ser_predict::Predictor;
///
/// let predictor = Predictor::built_in()?;
/// let tone = (0..16_000).map(|n| (n as f32 * 0.1).sin() / 4.0).collect();
/// let answer = predictor.answer(&Waveform::new(tone, 16_000), None)?;
/// // A tone is no speech, whatever the probabilities say.
/// assert!(answer.uncertain);
/// # Ok::<(), ser_predict::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Predictor {
    model: Arc<Model>,
    views: Arc<Views>,
    /// The fingerprint of the model, once somebody has asked for it.
    fingerprint: Arc<OnceLock<String>>,
    /// Whether each label is a possible answer; `None` if all labels are.
    allowed: Option<Arc<[bool]>>,
}

impl Predictor {
    /// Creates a predictor for a model, and plans the extraction of its features.
    ///
    /// # Errors
    /// [`Error::Features`] if a feature configuration of the model is invalid.
    pub fn new(model: Model) -> Result<Self> {
        Ok(Self {
            views: Arc::new(Views::new(model.views())?),
            model: Arc::new(model),
            fingerprint: Arc::default(),
            allowed: None,
        })
    }

    /// Creates a predictor for [`Model::built_in`].
    ///
    /// # Errors
    /// The same as for [`Model::built_in`].
    pub fn built_in() -> Result<Self> {
        Self::new(Model::built_in()?)
    }

    /// Returns the model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Returns [`Model::fingerprint`], which is computed only once for all clones of a predictor.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| self.model.fingerprint())
    }

    /// Returns a predictor with the same model whose only possible answers are these labels. All other labels get the
    /// probability 0, and the probabilities are scaled so that their sum is 1.
    ///
    /// ```
    /// use ser_predict::Predictor;
    ///
    /// let predictor = Predictor::built_in()?.restricted_to(&["happy", "sad"])?;
    /// let tone = (0..16_000).map(|n| (n as f32 * 0.1).sin() / 4.0).collect();
    /// let answer = predictor.answer(&ser_audio::Waveform::new(tone, 16_000), None)?;
    /// assert!(["happy", "sad"].contains(&predictor.model().labels[answer.emotion()].as_str()));
    /// # Ok::<(), ser_predict::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Labels`] if there are fewer than two labels, or if the model does not know one.
    pub fn restricted_to(&self, labels: &[impl AsRef<str>]) -> Result<Self> {
        let known = &self.model.labels;
        let refused = |actual: String| Error::Labels {
            expected: known.join(", "),
            actual,
        };
        let mut allowed = vec![false; known.len()];
        for label in labels.iter().map(AsRef::as_ref) {
            let number = known.iter().position(|known| known == label);
            let number = number.ok_or_else(|| refused(format!("{label:?}")))?;
            allowed[number] = true;
        }
        let chosen = allowed.iter().filter(|&&is_allowed| is_allowed).count();
        if chosen < 2 {
            return Err(refused(format!("only {chosen} of them; give two or more")));
        }
        Ok(Self {
            allowed: Some(allowed.into()),
            ..self.clone()
        })
    }

    /// Returns the number of labels that are possible answers, if it is not all of them.
    pub(crate) fn number_allowed(&self) -> Option<usize> {
        let allowed = self.allowed.as_ref()?;
        Some(allowed.iter().filter(|allowed| **allowed).count())
    }

    /// Returns the labels that are possible answers.
    pub fn allowed(&self) -> impl Iterator<Item = &str> {
        let allowed = self.allowed.as_deref();
        let can_be = move |number: usize| allowed.is_none_or(|allowed| allowed[number]);
        let labels = self.model.labels.iter().enumerate();
        labels.filter_map(move |(number, label)| can_be(number).then_some(label.as_str()))
    }

    /// Extracts the features of a recording, in the order of [`Model::views`]. The samples are not [`restored`] first.
    ///
    /// # Errors
    /// [`Error::SampleRate`] below 4000 Hz, and the errors of feature extraction.
    pub fn features(&self, sound: &Waveform) -> Result<Vec<Features>> {
        check_rate(sound.sample_rate)?;
        Ok(self.views.extract(sound)?)
    }

    /// Answers a recording, which is [`restored`] first. `speaker` is enrolled with the model, if one is given. The answer
    /// on a recording of more than 6 s, or with 3 s of speech, is the mean over its pieces of speech, weighted by their
    /// lengths; without speech, it is that on the whole.
    ///
    /// # Errors
    /// [`Error::SampleRate`] below 4000 Hz, the errors of feature extraction, and those of [`Model::predict_enrolled`].
    /// For a recording of more than [`LONG`] seconds also [`Error::NotSpeech`] if it contains no speech.
    pub fn answer(&self, sound: &Waveform, speaker: Option<&Enrolment>) -> Result<Answer> {
        if sound.duration() <= LONG {
            Ok(self.answer_short(sound, speaker)?.0)
        } else {
            self.answer_samples(&sound.samples, sound.sample_rate, speaker)
        }
    }

    /// Answers a recording as [`Predictor::answer`] does, and also returns the embeddings by which it is answered: that of the
    /// whole, or that of each piece of speech. Each has a length in seconds, by which its probabilities are weighted.
    /// [`Predictor::classify`] computes these for any enrolled speaker.
    ///
    /// # Errors
    /// The same as for [`Predictor::answer`].
    pub fn answer_and_embed(&self, sound: &Waveform) -> Result<(Answer, Vec<(Embedding, f64)>)> {
        if sound.duration() <= LONG {
            return self.answer_short(sound, None);
        }
        let answer = self.answer(sound, None)?;
        let pieces = self.pieces(sound)?;
        let pieces = pieces.par_iter().map(|(features, seconds)| {
            let embedding = self.model.embed(features)?;
            Ok((embedding, *seconds))
        });
        Ok((answer, pieces.collect::<Result<_>>()?))
    }

    /// Answers borrowed samples as [`Predictor::answer`] answers a recording. At most [`LONG`] seconds or 2²⁰ samples of
    /// them, whichever is more, are copied at a time.
    ///
    /// # Errors
    /// The same as for [`Predictor::answer`].
    pub fn answer_samples(
        &self,
        samples: &[f32],
        sample_rate: u32,
        speaker: Option<&Enrolment>,
    ) -> Result<Answer> {
        let beginning = (LONG * f64::from(sample_rate)) as usize + 1;
        let (beginning, rest) = samples.split_at(beginning.min(samples.len()));
        let beginning = Waveform::new(beginning.to_vec(), sample_rate);
        if beginning.duration() <= LONG {
            return Ok(self.answer_short(&beginning, speaker)?.0);
        }
        let mut blocks = rest.chunks(AT_ONCE);
        self.answer_long(beginning, speaker, |samples| {
            samples.extend_from_slice(blocks.next().unwrap_or_default());
            Ok(())
        })
    }

    /// Answers a file in any format that [`ser_audio`] reads. Its channels are [compared](Channels::Compared); see also
    /// [`Predictor::answer_stream`].
    ///
    /// # Errors
    /// The errors of decoding, and the same as for [`Predictor::answer`].
    pub fn answer_file(&self, path: &Path, speaker: Option<&Enrolment>) -> Result<Answer> {
        let stream = AudioStream::open(path)?.with(Channels::Compared)?;
        self.answer_stream(stream, speaker)
    }

    /// Answers a stream as a whole, as [`Predictor::answer`] does, with the warnings of the stream.
    ///
    /// # Errors
    /// The errors of decoding, and the same as for [`Predictor::answer`].
    pub fn answer_stream(
        &self,
        mut stream: AudioStream,
        speaker: Option<&Enrolment>,
    ) -> Result<Answer> {
        let answer = self.answer_all_of(&mut stream, speaker);
        let mut answer = answer.map_err(|error| error.with_damage(&stream))?;
        answer.warnings.extend(stream.warnings());
        Ok(answer)
    }

    fn answer_all_of(
        &self,
        stream: &mut AudioStream,
        speaker: Option<&Enrolment>,
    ) -> Result<Answer> {
        let mut sound = Waveform::new(Vec::new(), stream.sample_rate());
        while sound.duration() <= LONG {
            if !stream.next_block(&mut sound.samples)? {
                return Ok(self.answer_short(&sound, speaker)?.0);
            }
        }
        self.answer_long(sound, speaker, |samples| {
            while samples.len() < AT_ONCE && stream.next_block(samples)? {}
            Ok(())
        })
    }

    /// Answers a recording of at most [`LONG`] seconds. Also returns the embeddings of its pieces, with their lengths.
    fn answer_short(
        &self,
        sound: &Waveform,
        speaker: Option<&Enrolment>,
    ) -> Result<(Answer, Vec<(Embedding, f64)>)> {
        let whole = restored(sound);
        let quality = Quality::of_restored(&whole, sound);
        let context = Context {
            seconds: whole.duration(),
            warnings: quality.warnings(),
            ..Context::default()
        };
        let pieces = pieces_unless_clip(&quality, sound)?;
        let pieces = self.features_of_pieces(&pieces, sound, || whole)?;
        let answers = pieces.par_iter().map(|(features, seconds)| {
            let is_out = self.model.is_out_of_distribution(features)?;
            Ok((self.model.embed(features)?, *seconds, is_out))
        });
        let (mut mean, mut embedded) = (MeanAnswer::default(), Vec::new());
        for (embedding, seconds, is_out) in answers.collect::<Result<Vec<_>>>()? {
            mean.add(&self.classify(&embedding, speaker)?, is_out, seconds);
            embedded.push((embedding, seconds));
        }
        let answer = Answer::new(
            self,
            speaker,
            mean.probabilities().unwrap_or_default(),
            mean.is_out_of_distribution(),
            context,
        );
        Ok((answer, embedded))
    }

    /// Extracts the features by which [`Predictor::answer`] answers a recording: those of the whole, or those of each piece of
    /// speech. Each is in the order of [`Model::views`], and has a length in seconds, by which the probabilities are weighted.
    ///
    /// # Errors
    /// [`Error::SampleRate`] below 4000 Hz, the errors of feature extraction, and [`Error::NotSpeech`] for a recording of more
    /// than [`LONG`] seconds that contains no speech.
    pub fn pieces(&self, sound: &Waveform) -> Result<Vec<(Vec<Features>, f64)>> {
        let pieces = pieces_of_speech(sound)?;
        self.features_of_pieces(&pieces, sound, || restored(sound))
    }

    /// Extracts the features of the pieces of a recording. If none of them has any, returns those of the restored sound, which
    /// `whole` computes.
    fn features_of_pieces<'s>(
        &self,
        pieces: &[Piece],
        sound: &Waveform,
        whole: impl FnOnce() -> Cow<'s, Waveform>,
    ) -> Result<Vec<(Vec<Features>, f64)>> {
        let of_piece = |piece: &Piece| -> Result<_> {
            let features = self.features_of_speech(&piece.sound)?;
            Ok(features.map(|features| (features, piece.end - piece.start)))
        };
        let found = pieces.par_iter().map(of_piece);
        let found = found.collect::<Result<Vec<Option<_>>>>()?;
        let found: Vec<_> = found.into_iter().flatten().collect();
        if !found.is_empty() {
            return Ok(found);
        }
        if sound.duration() > LONG {
            return Err(no_speech());
        }
        let whole = whole();
        Ok(vec![(self.features(&whole)?, whole.duration())])
    }

    /// Answers a clip from its features.
    pub(crate) fn answer_features(
        &self,
        features: &[Features],
        speaker: Option<&Enrolment>,
        context: Context,
    ) -> Result<Answer> {
        let out_of_distribution = self.model.is_out_of_distribution(features)?;
        let probabilities = self.probabilities(features, speaker)?;
        Ok(Answer::new(
            self,
            speaker,
            probabilities,
            out_of_distribution,
            context,
        ))
    }

    /// Computes the probabilities of the labels for the features of a clip, as [`Predictor::classify`] does.
    pub(crate) fn probabilities(
        &self,
        features: &[Features],
        speaker: Option<&Enrolment>,
    ) -> Result<Vec<f32>> {
        self.classify(&self.model.embed(features)?, speaker)
    }

    /// Computes the probabilities of the labels, `[K]`, as [`Model::classify`] does. Labels that are not
    /// [possible answers](Predictor::restricted_to) have 0.
    ///
    /// # Errors
    /// The same as for [`Model::classify`].
    pub fn classify(&self, clip: &Embedding, speaker: Option<&Enrolment>) -> Result<Vec<f32>> {
        let mut probabilities = self.model.classify(clip, speaker)?;
        if let Some(allowed) = &self.allowed {
            // All allowed probabilities may be 0 by underflow; the minimum then makes them equal and avoids a division
            // by 0.
            let least = f32::MIN_POSITIVE;
            for (p, allowed) in probabilities.iter_mut().zip(allowed.iter()) {
                *p = if *allowed { p.max(least) } else { 0.0 };
            }
            let sum: f32 = probabilities.iter().sum();
            probabilities.iter_mut().for_each(|p| *p /= sum);
        }
        Ok(probabilities)
    }

    /// Answers a long recording with the mean of the probabilities of all pieces of speech, weighted by their lengths.
    /// `more` appends the next samples, and none at the end.
    fn answer_long(
        &self,
        beginning: Waveform,
        speaker: Option<&Enrolment>,
        mut more: impl FnMut(&mut Vec<f32>) -> Result<()>,
    ) -> Result<Answer> {
        // The quality of the beginning stands for that of the whole recording, but speech may begin later.
        let mut warnings = Quality::of_restored(&restored(&beginning), &beginning).warnings();
        warnings.retain(|warning| !matches!(warning, Warning::NoSpeech | Warning::TooShort { .. }));
        let rate = beginning.sample_rate;
        let mut listener = Listener::new(self, rate, speaker)?;
        let (mut samples, mut taken, mut mean) = (beginning.samples, 0, MeanAnswer::default());
        loop {
            taken += samples.len();
            let spans = if samples.is_empty() {
                listener.finish()?
            } else {
                listener.push(&samples)?
            };
            for span in spans {
                let Answer {
                    probabilities,
                    out_of_distribution,
                    ..
                } = span.answer;
                mean.add(&probabilities, out_of_distribution, span.end - span.start);
            }
            if samples.is_empty() {
                break;
            }
            samples.clear();
            more(&mut samples)?;
        }
        let seconds = taken as f64 / f64::from(rate);
        let context = Context {
            seconds,
            warnings,
            long: true,
        };
        let silent = || Error::NotSpeech(format!("there is no speech in its {seconds:.0} s"));
        let probabilities = mean.probabilities().ok_or_else(silent)?;
        Ok(Answer::new(
            self,
            speaker,
            probabilities,
            mean.is_out_of_distribution(),
            context,
        ))
    }

    /// Embeds the speech of a recording, for the enrolment of a speaker. A recording of more than 6 s, or with 3 s of
    /// speech, is divided into the pieces that a [`Segmenter`] finds, so that recordings count by the length of the
    /// speech in them.
    ///
    /// # Errors
    /// [`Error::NotSpeech`] if the recording contains no speech; [`Error::SampleRate`] below 4000 Hz; the errors of
    /// feature extraction.
    pub fn speech(&self, sound: &Waveform) -> Result<Speech> {
        if let Some(speech) = self.speech_of_clip(sound)? {
            return Ok(speech);
        }
        let mut blocks = sound.samples.chunks(AT_ONCE);
        self.speech_long(sound.sample_rate, |samples| {
            samples.extend_from_slice(blocks.next().unwrap_or_default());
            Ok(())
        })
    }

    /// Embeds the speech of a stream, as [`Predictor::speech`] does. At most a block of a long stream is in memory at a
    /// time.
    ///
    /// # Errors
    /// The errors of decoding, and the same as for [`Predictor::speech`].
    pub fn speech_stream(&self, mut stream: AudioStream) -> Result<Speech> {
        let speech = self.speech_of_all(&mut stream);
        let mut speech = speech.map_err(|error| error.with_damage(&stream))?;
        speech.damage = stream.damage();
        Ok(speech)
    }

    fn speech_of_all(&self, stream: &mut AudioStream) -> Result<Speech> {
        let mut sound = Waveform::new(Vec::new(), stream.sample_rate());
        while sound.duration() <= LONGEST_CLIP {
            if !stream.next_block(&mut sound.samples)? {
                return self.speech(&sound);
            }
        }
        self.speech_long(sound.sample_rate, |samples| {
            samples.append(&mut sound.samples);
            while samples.len() < AT_ONCE && stream.next_block(samples)? {}
            Ok(())
        })
    }

    /// Embeds the speech of [a clip](is_clip); `None` for other recordings.
    fn speech_of_clip(&self, sound: &Waveform) -> Result<Option<Speech>> {
        if sound.duration() > LONGEST_CLIP {
            return Ok(None);
        }
        let sound = restored(sound);
        let quality = Quality::of(&sound);
        if !is_clip(&quality) {
            return Ok(None);
        }
        if quality.speech_seconds == 0.0 {
            return Err(no_speech());
        }
        let features = self.features(&sound)?;
        let embedding = self.model.embed(&features)?;
        Speech::of(&self.model, &embedding, quality.speech_seconds).map(Some)
    }

    /// Extracts the features of a piece of speech; `None` for a piece that is too short to have any, which counts as a
    /// pause.
    pub(crate) fn features_of_speech(&self, sound: &Waveform) -> Result<Option<Vec<Features>>> {
        match self.features(sound) {
            Ok(features) => Ok(Some(features)),
            Err(error) if error.kind() == Kind::TooShort => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Embeds the pieces of speech of a long recording. `more` appends the next samples, and none at the end.
    fn speech_long(
        &self,
        rate: u32,
        mut more: impl FnMut(&mut Vec<f32>) -> Result<()>,
    ) -> Result<Speech> {
        let mut segmenter = Segmenter::new(rate)?;
        let (mut samples, mut speech): (Vec<f32>, Option<Speech>) = (Vec::new(), None);
        loop {
            samples.clear();
            more(&mut samples)?;
            let pieces = if samples.is_empty() {
                segmenter.finish()
            } else {
                segmenter.push(&samples)
            };
            let of_pieces = pieces.par_iter().map(|piece| {
                let Some(features) = self.features_of_speech(&piece.sound)? else {
                    return Ok(None);
                };
                let seconds = piece.end - piece.start;
                Speech::of(&self.model, &self.model.embed(&features)?, seconds).map(Some)
            });
            let of_pieces = of_pieces.collect::<Result<Vec<Option<Speech>>>>()?;
            for piece in of_pieces.into_iter().flatten() {
                match &mut speech {
                    Some(speech) => speech.append(piece),
                    None => speech = Some(piece),
                }
            }
            if samples.is_empty() {
                return speech.ok_or_else(no_speech);
            }
        }
    }

    /// Enrols a speaker from unlabelled recordings; see [`Model::enrol`]. An [`Enroller`] takes the recordings one by
    /// one.
    ///
    /// # Errors
    /// The same as for [`Enroller::add`].
    pub fn enrol(&self, speech: &[Speech]) -> Result<Enrolment> {
        let mut enroller = Enroller::new(&self.model);
        speech.iter().try_for_each(|speech| enroller.add(speech))?;
        Ok(enroller.finish())
    }
}

pub(crate) fn no_speech() -> Error {
    Error::NotSpeech(Warning::NoSpeech.to_string())
}
