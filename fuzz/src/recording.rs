//! What must hold for any bytes that are taken for a recording.

use std::path::Path;

use ser_audio::{AudioStream, Channels};

/// Samples after which nobody listens any more: a few bytes may stand for hours of silence in some formats.
const ENOUGH: usize = 1 << 24;
/// Bytes that a second of made-up silence takes at least, of a file whose first pages may be read so many times.
const SECOND: usize = 500;
const TIMES: usize = 17;

/// Decodes with the channels mixed in each way.
///
/// # Panics
/// Where the decoder breaks a promise.
pub fn check(data: &[u8]) {
    let mut lengths = Vec::new();
    for channels in [Channels::Mean, Channels::Compared, Channels::Only(1)] {
        let stream = AudioStream::from_bytes(data.into(), Path::new("fuzz"));
        let Ok(stream) = stream else {
            return;
        };
        assert!(stream.sample_rate() > 0 && stream.channels() > 0);
        let mut stream = stream.with(channels).unwrap();
        let (mut samples, mut taken) = (Vec::new(), 0);
        let is_whole = loop {
            match stream.next_block(&mut samples) {
                Ok(true) => assert!(!samples.is_empty()),
                Ok(false) => break true,
                Err(_) => break false,
            }
            assert!(samples.iter().all(|sample| sample.is_finite()));
            taken += samples.len();
            samples.clear();
            if taken > ENOUGH {
                break false;
            }
        };
        if let Some(damage) = stream.damage() {
            let most = (TIMES * data.len() + (1 << 17)) / SECOND;
            assert!(damage.silent_seconds <= most as f64, "{damage}");
            assert!(!damage.to_string().is_empty());
        }
        if is_whole {
            lengths.push(taken);
        }
    }
    assert!(
        lengths.windows(2).all(|pair| pair[0] == pair[1]),
        "{lengths:?}"
    );
}
