//! A clip that is encoded in Opus, as messengers do, gets the same answer as the original.

use std::path::Path;
use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{AudioStream, read};
use ser_fixtures::opus;
use ser_predict::Predictor;

#[test]
fn most_clips_keep_their_emotion() {
    let Some(paths) = ser_fixtures::ravdess_clips(24) else {
        return;
    };
    let predictor = Predictor::built_in().unwrap();
    for bits_per_second in [16_000, 24_000] {
        let kept = paths.par_iter().filter(|path| {
            let clip = read(path).unwrap();
            let bytes = opus(&clip.samples, bits_per_second);
            let stream = || AudioStream::from_bytes(Arc::from(bytes.as_slice()), Path::new("opus"));
            let decoded = stream().unwrap().read_to_end().unwrap();
            assert_eq!(decoded.samples.len(), clip.samples.len());
            let plain = predictor.answer_file(path, None).unwrap().emotion();
            predictor
                .answer_stream(stream().unwrap(), None)
                .unwrap()
                .emotion()
                == plain
        });
        let kept = kept.count();
        eprintln!("{bits_per_second} bit/s: {kept} of 60");
        assert!(kept >= 57, "{bits_per_second} bit/s: {kept} of 60");
    }
}
