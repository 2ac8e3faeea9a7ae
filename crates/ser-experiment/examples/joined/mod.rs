//! Joins clips to longer recordings.

use std::collections::BTreeMap;

use anyhow::Result;
use ser_audio::{VoiceActivity, Waveform};
use ser_data::{Clip, Corpus};

/// Returns the clips of each speaker and emotion.
pub fn groups(corpus: &Corpus) -> BTreeMap<(&str, &str), Vec<&Clip>> {
    let mut groups: BTreeMap<_, Vec<&Clip>> = BTreeMap::new();
    for clip in corpus.clips() {
        let group = groups.entry((clip.speaker.as_str(), clip.emotion.as_str()));
        group.or_default().push(clip);
    }
    groups
}

/// Returns the sound of clips one after the other, as recorded or without their pauses.
pub fn joined(clips: &[&Clip], with_pauses: bool) -> Result<Waveform> {
    let mut all = Waveform::new(Vec::new(), 1);
    for clip in clips {
        let sound = clip.read()?;
        all.sample_rate = sound.sample_rate;
        if with_pauses {
            all.samples.extend(sound.samples);
        } else {
            all.samples.extend(speech(&sound));
        }
    }
    Ok(all)
}

/// Returns the samples in which somebody speaks.
fn speech(sound: &Waveform) -> Vec<f32> {
    let mut voice = VoiceActivity::new(sound.sample_rate);
    voice.push(&sound.samples);
    voice.finish();
    let segments = voice.drain().flat_map(|segment| {
        let end = (segment.end as usize).min(sound.samples.len());
        sound.samples[segment.start as usize..end].to_vec()
    });
    segments.collect()
}
