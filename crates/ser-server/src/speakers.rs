//! Speakers whom a service knows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ser_predict::{Enrolment, Error, Model, Speech, is_speaker_name};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::problem::{OfRecording, Problem, Refused};
use crate::service::{Service, Shared};
use crate::upload::{Form, Upload};

/// Speakers kept in memory at most.
const MOST: usize = 10_000;

/// Where speakers are kept: how each sounds on average, and nothing of what was said.
pub enum Speakers {
    /// In memory, until the service ends.
    Memory(Mutex<BTreeMap<String, Enrolment>>),
    /// In a folder, as `ser enroll` keeps them: `NAME.json`.
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
    match is_speaker_name(name) {
        true => Ok(()),
        false => Err(Problem::invalid(
            format!("{name:?} is no name for a speaker"),
            "make one of letters, digits, `-`, `_` and `.`",
        )),
    }
}

impl Speakers {
    pub(crate) fn get(&self, model: &Model, name: &str) -> Result<Option<Enrolment>, Problem> {
        check(name)?;
        match self {
            Self::Memory(speakers) => Ok(locked(speakers).get(name).cloned()),
            Self::Folder(folder) => {
                let file = folder.join(format!("{name}.json"));
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
                        "forget one with DELETE /v1/speakers/NAME",
                    ));
                }
                speakers.insert(name.to_owned(), speaker);
                Ok(())
            }
            Self::Folder(folder) => {
                let file = folder.join(format!("{name}.json"));
                speaker.save(model, &file).map_err(|error| not_kept(&error))
            }
        }
    }

    /// Whether there was somebody to forget.
    fn remove(&self, name: &str) -> Result<bool, Problem> {
        check(name)?;
        match self {
            Self::Memory(speakers) => Ok(locked(speakers).remove(name).is_some()),
            Self::Folder(folder) => {
                let file = folder.join(format!("{name}.json"));
                let is_there = file.is_file();
                if is_there {
                    ser_files::remove_file(file).map_err(|error| not_kept(&error.into()))?;
                }
                Ok(is_there)
            }
        }
    }
}

/// The file of a speaker cannot be used. Clients are not told where it is.
fn not_kept(error: &Error) -> Problem {
    tracing::error!(%error, "the file of a speaker");
    Problem::new(
        StatusCode::CONFLICT,
        "not-kept",
        "what is kept of the speaker cannot be used",
        "enroll the speaker again; the log of the service says more",
    )
}

/// A speaker who is enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnrolledAnswer {
    speaker: String,
    /// Recordings, or pieces of longer ones, that the voice is known from.
    clips: usize,
    /// Seconds of speech that it is known from, where it was enrolled just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

/// The path of a speaker.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path to clients")]
pub(crate) struct SpeakerName {
    /// Letters, digits, `-`, `_` and `.`, a letter or a digit first.
    #[param(pattern = r"^[\p{L}\p{N}][\p{L}\p{N}_.-]*$", max_length = 60)]
    name: String,
}

/// Enrolls a speaker from recordings of the voice, without labels. The recordings are not kept.
#[utoipa::path(put, path = "/v1/speakers/{name}", tag = "speakers", params(SpeakerName),
    request_body(content((Vec<u8> = "application/octet-stream"), (Form = "multipart/form-data"))),
    responses(
        (status = 200, body = EnrolledAnswer),
        OfRecording,
        (status = 409, description = "What is kept of the speaker cannot be used.", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "As many speakers are in memory as the service keeps.", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn enroll(
    State(service): State<Service>,
    Path(name): Path<String>,
    upload: Upload,
) -> Result<Json<EnrolledAnswer>, Problem> {
    check(&name)?;
    let enroll = move |shared: &Shared| {
        let (model, predictor) = (shared.predictor.model(), &shared.predictor);
        if !model.enrols() {
            return Err(Problem::invalid(
                "the model was trained without enrolment, so that a speaker makes no difference to it",
                "ask without a speaker",
            ));
        }
        let channels = upload.asked.channels()?;
        let speech = upload.recordings.iter().map(|recording| {
            let stream = upload.open(recording, channels, shared)?;
            let speech = predictor.speech_stream(stream)?;
            shared.metrics.heard(speech.seconds());
            Ok(speech)
        });
        let speech: Vec<Speech> = speech.collect::<Result<_, Problem>>()?;
        let speaker = predictor.enrol(&speech)?;
        let seconds: f64 = speech.iter().map(Speech::seconds).sum();
        let clips = speaker.clips();
        shared.speakers.put(model, &name, speaker)?;
        Ok(EnrolledAnswer {
            speaker: name,
            clips,
            seconds: Some((100.0 * seconds).round() / 100.0),
        })
    };
    Ok(Json(service.compute(enroll).await?))
}

/// Whether a speaker is enrolled.
#[utoipa::path(get, path = "/v1/speakers/{name}", tag = "speakers", params(SpeakerName), responses(
    (status = 200, body = EnrolledAnswer),
    Refused,
    (status = 404, description = "Nobody is enrolled by this name.", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "What is kept of the speaker cannot be used.", body = Problem, content_type = "application/problem+json"),
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

/// Forgets a speaker.
#[utoipa::path(delete, path = "/v1/speakers/{name}", tag = "speakers", params(SpeakerName), responses(
    (status = 204, description = "The speaker is forgotten."),
    Refused,
    (status = 404, description = "Nobody is enrolled by this name.", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "What is kept of the speaker cannot be used.", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn forget(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let forget = move |shared: &Shared| match shared.speakers.remove(&name)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::unknown_speaker(StatusCode::NOT_FOUND, &name)),
    };
    service.compute(forget).await
}
