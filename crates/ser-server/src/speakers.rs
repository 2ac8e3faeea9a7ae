//! The enrolled speakers of a service, and the endpoints for them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ser_predict::{Enrolment, Error, Model, Speech, is_speaker_name};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::problem::{OfRecording, OfSpeaker, Problem, Refused};
use crate::service::{Service, Shared};
use crate::upload::{Form, Upload};

/// Largest number of speakers in memory.
const MOST: usize = 10_000;

/// The store of enrolled speakers. It holds how each speaker sounds on average, and nothing of what was said.
pub enum Speakers {
    /// In memory, until the service ends.
    Memory(Mutex<BTreeMap<String, Enrolment>>),
    /// In a folder, one file `NAME.json` per speaker, as `ser enroll` writes it.
    Folder(PathBuf),
}

impl Default for Speakers {
    fn default() -> Self {
        Self::Memory(Mutex::default())
    }
}

fn locked(
    speakers: &Mutex<BTreeMap<String, Enrolment>>,
) -> MutexGuard<'_, BTreeMap<String, Enrolment>> {
    speakers.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check(name: &str) -> Result<(), Problem> {
    if is_speaker_name(name) {
        Ok(())
    } else {
        Err(Problem::invalid(
            format!("{name:?} is not a valid name for a speaker"),
            "use letters, digits, `-`, `_` and `.`, beginning with a letter or a digit",
        ))
    }
}

/// Returns the file of a speaker.
fn path_of(folder: &std::path::Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

impl Speakers {
    pub(crate) fn get(&self, model: &Model, name: &str) -> Result<Option<Enrolment>, Problem> {
        check(name)?;
        match self {
            Self::Memory(speakers) => Ok(locked(speakers).get(name).cloned()),
            Self::Folder(folder) => {
                let file = path_of(folder, name);
                if !file.is_file() {
                    return Ok(None);
                }
                let speaker = Enrolment::load(model, &file).map_err(|error| not_kept(&error))?;
                Ok(Some(speaker))
            }
        }
    }

    fn put(&self, model: &Model, name: &str, speaker: Enrolment) -> Result<(), Problem> {
        match self {
            Self::Memory(speakers) => {
                let mut speakers = locked(speakers);
                if speakers.len() >= MOST && !speakers.contains_key(name) {
                    return Err(Problem::new(
                        StatusCode::INSUFFICIENT_STORAGE,
                        "too-many-speakers",
                        format!("{MOST} speakers are enrolled already"),
                        "delete one with DELETE /v1/speakers/NAME",
                    ));
                }
                speakers.insert(name.to_owned(), speaker);
                Ok(())
            }
            Self::Folder(folder) => {
                let file = path_of(folder, name);
                let written = speaker.save(model, &file);
                written.map_err(|error| not_changed(&error, "written"))
            }
        }
    }

    /// Removes a speaker, and returns whether the speaker was enrolled.
    fn remove(&self, name: &str) -> Result<bool, Problem> {
        check(name)?;
        match self {
            Self::Memory(speakers) => Ok(locked(speakers).remove(name).is_some()),
            Self::Folder(folder) => {
                let file = path_of(folder, name);
                let is_there = file.is_file();
                if is_there {
                    let removed = ser_files::remove_file(file);
                    removed.map_err(|error| not_changed(&error.into(), "deleted"))?;
                }
                Ok(is_there)
            }
        }
    }
}

/// Returns the problem that a speaker's file cannot be used. The path goes to the log only, not to the client.
fn not_kept(error: &Error) -> Problem {
    tracing::error!(%error, "a speaker's file cannot be used");
    Problem::new(
        StatusCode::CONFLICT,
        "not-kept",
        "the stored profile of the speaker cannot be used",
        "enrol the speaker again; the log of the service has the reason",
    )
}

/// Returns the problem that a speaker's file cannot be written or deleted. The path goes to the log only, not to the client.
fn not_changed(error: &Error, what: &str) -> Problem {
    tracing::error!(%error, "a speaker's file cannot be {what}");
    let detail = format!("the profile of the speaker cannot be {what}");
    if matches!(error, Error::Io(error) if error.source.kind() == ErrorKind::StorageFull) {
        return Problem::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "disk-full",
            format!("{detail}: the disk of the service is full"),
            "free space on the disk of the service, then try again",
        );
    }
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "not-writable",
        detail,
        "make the folder of the speakers writable for the service, then try again; the log of the service has the reason",
    )
}

/// An enrolled speaker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnrolledAnswer {
    speaker: String,
    /// Number of recordings, or of pieces of longer ones, that the speaker was enrolled from.
    clips: usize,
    /// Seconds of speech that the speaker was enrolled from; only in the response to the enrolment.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

/// The parameter in the path of a speaker.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path to clients")]
pub(crate) struct SpeakerName {
    /// Name of the speaker: letters, digits, `-`, `_` and `.`, beginning with a letter or a digit.
    #[param(pattern = r"^[\p{L}\p{N}][\p{L}\p{N}_.-]*$", max_length = 60)]
    name: String,
}

/// Enrols a speaker from recordings of the voice, without labels. The recordings are not kept.
#[utoipa::path(put, path = "/v1/speakers/{name}", tag = "speakers", params(SpeakerName),
    request_body(content((Vec<u8> = "application/octet-stream"), (Form = "multipart/form-data"))),
    responses(
        (status = 200, body = EnrolledAnswer),
        OfRecording,
        (status = 500, description = "The computation ended without a result, or the profile of the speaker cannot be written.", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "The service already holds the largest number of speakers in memory, or its disk is full.", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn enroll(
    State(service): State<Service>,
    Path(name): Path<String>,
    upload: Upload,
) -> Result<Json<EnrolledAnswer>, Problem> {
    check(&name)?;
    let enroll = move |shared: &Shared, upload: &Upload| {
        let (model, predictor) = (shared.predictor.model(), &shared.predictor);
        if !model.enrols() {
            return Err(Problem::invalid(
                "the model was trained without enrolment, so a speaker makes no difference",
                "send recordings without naming a speaker",
            ));
        }
        let channels = upload.asked.channels()?;
        let mut speech: Vec<Speech> = Vec::new();
        let mut seconds = 0.0;
        for recording in &upload.recordings {
            let stream = upload.open(recording, channels, shared)?;
            let more = predictor.speech_stream(stream)?;
            shared.metrics.heard(more.seconds());
            seconds += more.seconds();
            if seconds > shared.limits.seconds {
                return Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too-long",
                    format!(
                        "the recordings hold more than {} s of speech",
                        shared.limits.seconds
                    ),
                    "send fewer recordings: a minute of speech is enough",
                ));
            }
            speech.push(more);
        }
        let speaker = predictor.enrol(&speech)?;
        let clips = speaker.clips();
        shared.speakers.put(model, &name, speaker)?;
        Ok(EnrolledAnswer {
            speaker: name,
            clips,
            seconds: Some((100.0 * seconds).round() / 100.0),
        })
    };
    Ok(Json(upload.answer(&service, enroll).await?))
}

/// Returns an enrolled speaker.
#[utoipa::path(get, path = "/v1/speakers/{name}", tag = "speakers", params(SpeakerName), responses(
    (status = 200, body = EnrolledAnswer),
    Refused,
    (status = 404, description = "Nobody is enrolled under this name.", body = Problem, content_type = "application/problem+json"),
    OfSpeaker,
))]
pub(crate) async fn enrolled(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<Json<EnrolledAnswer>, Problem> {
    let find = move |shared: &Shared| {
        let speaker = shared.speakers.get(shared.predictor.model(), &name)?;
        let speaker =
            speaker.ok_or_else(|| Problem::unknown_speaker(StatusCode::NOT_FOUND, &name))?;
        Ok(EnrolledAnswer {
            clips: speaker.clips(),
            speaker: name,
            seconds: None,
        })
    };
    Ok(Json(service.compute(find).await?))
}

/// Deletes a speaker.
#[utoipa::path(delete, path = "/v1/speakers/{name}", tag = "speakers", params(SpeakerName), responses(
    (status = 204, description = "The speaker was deleted."),
    Refused,
    (status = 404, description = "Nobody is enrolled under this name.", body = Problem, content_type = "application/problem+json"),
    (status = 500, description = "The computation ended without a result, or the profile of the speaker cannot be deleted.", body = Problem, content_type = "application/problem+json"),
    (status = 507, description = "The disk of the service is full.", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn forget(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let forget = move |shared: &Shared| {
        if shared.speakers.remove(&name)? {
            Ok(StatusCode::NO_CONTENT)
        } else {
            Err(Problem::unknown_speaker(StatusCode::NOT_FOUND, &name))
        }
    };
    service.compute(forget).await
}
