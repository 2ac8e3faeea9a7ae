//! The enrolled speakers of a service, and the endpoints for them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use ser_predict::{Enrolment, EnrolmentLine, Error, Model, Predictor, Speech, is_speaker_name};
use utoipa::IntoParams;

use crate::problem::{OfRecording, OfSpeaker, Problem, Refused};
use crate::service::{Service, Shared};
use crate::upload::{EnrolmentForm, Upload};

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

/// The name of a speaker, which is valid as the name of a file; it is the parameter in the path of the speaker.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SpeakerName {
    /// Name of the speaker: letters, digits, `-`, `_` and `.`, beginning with a letter or a digit.
    #[param(pattern = r"^[\p{L}\p{N}][\p{L}\p{N}_.-]*$", max_length = 60)]
    pub(crate) name: String,
}

impl SpeakerName {
    /// Checks a name.
    ///
    /// # Errors
    /// A [`Problem`] with status 400 if the name is not valid.
    pub(crate) fn new(name: String) -> Result<Self, Problem> {
        if is_speaker_name(&name) {
            return Ok(Self { name });
        }
        Err(invalid_name(format!(
            "{name:?} is not a valid name for a speaker"
        )))
    }

    /// Returns the file of the speaker.
    fn path_in(&self, folder: &std::path::Path) -> PathBuf {
        folder.join(format!("{}.json", self.name))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SpeakerName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Self::new(name),
            Err(error) => Err(invalid_name(error.body_text())),
        }
    }
}

fn invalid_name(detail: String) -> Problem {
    Problem::invalid(
        detail,
        "use letters, digits, `-`, `_` and `.`, beginning with a letter or a digit",
    )
}

impl Speakers {
    pub(crate) fn get(
        &self,
        predictor: &Predictor,
        speaker: &SpeakerName,
    ) -> Result<Option<Enrolment>, Problem> {
        match self {
            Self::Memory(speakers) => Ok(locked(speakers).get(&speaker.name).cloned()),
            Self::Folder(folder) => {
                let file = speaker.path_in(folder);
                if !file.is_file() {
                    return Ok(None);
                }
                let enrolment = Enrolment::load_for(predictor, &file);
                enrolment.map(Some).map_err(|error| unusable(&error))
            }
        }
    }

    fn put(
        &self,
        model: &Model,
        speaker: &SpeakerName,
        enrolment: Enrolment,
    ) -> Result<(), Problem> {
        match self {
            Self::Memory(speakers) => {
                let mut speakers = locked(speakers);
                if speakers.len() >= MOST && !speakers.contains_key(&speaker.name) {
                    return Err(Problem::new(
                        StatusCode::INSUFFICIENT_STORAGE,
                        "too-many-speakers",
                        format!("{MOST} speakers are enrolled already"),
                        "delete one with DELETE /v1/speakers/NAME",
                    ));
                }
                speakers.insert(speaker.name.clone(), enrolment);
                Ok(())
            }
            Self::Folder(folder) => {
                let written = enrolment.save(model, &speaker.path_in(folder));
                written.map_err(|error| not_changed(&error, "written"))
            }
        }
    }

    /// Removes a speaker, and returns whether the speaker was enrolled.
    fn remove(&self, speaker: &SpeakerName) -> Result<bool, Problem> {
        match self {
            Self::Memory(speakers) => Ok(locked(speakers).remove(&speaker.name).is_some()),
            Self::Folder(folder) => {
                let file = speaker.path_in(folder);
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
fn unusable(error: &Error) -> Problem {
    tracing::error!(%error, "a speaker's file cannot be used");
    Problem::new(
        StatusCode::CONFLICT,
        "unusable-profile",
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

/// Enrols a speaker from recordings of the voice, without labels. The recordings are not kept.
#[utoipa::path(put, path = "/v1/speakers/{name}", tag = "speakers", params(SpeakerName,
        ("channel" = Option<u16>, Query, description = "The only channel to use, counted from 1; all channels, compared, by default.", minimum = 1)),
    request_body(content((Vec<u8> = "application/octet-stream"), (EnrolmentForm = "multipart/form-data"))),
    responses(
        (status = 200, body = EnrolmentLine),
        OfRecording,
        (status = 500, description = "The computation ended without a result, or the profile of the speaker cannot be written.", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "The service already holds the largest number of speakers in memory, or its disk is full.", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn enroll(
    State(service): State<Service>,
    speaker: SpeakerName,
    upload: Upload,
) -> Result<Json<EnrolmentLine>, Problem> {
    upload.asked.refuse_answer_options()?;
    let enroll = move |shared: &Shared, upload: &Upload| {
        let (model, predictor) = (shared.predictor.model(), &shared.predictor);
        model.check_enrols().map_err(|error| {
            Problem::invalid(
                error.to_string(),
                "send recordings without naming a speaker",
            )
        })?;
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
        let enrolment = predictor.enrol(&speech)?;
        let line = EnrolmentLine::new(speaker.name.clone(), &enrolment, Some(seconds));
        shared.speakers.put(model, &speaker, enrolment)?;
        Ok(line)
    };
    Ok(Json(upload.answer(&service, enroll).await?))
}

/// Returns an enrolled speaker.
#[utoipa::path(get, path = "/v1/speakers/{name}", tag = "speakers", params(SpeakerName), responses(
    (status = 200, body = EnrolmentLine),
    Refused,
    (status = 404, description = "Nobody is enrolled under this name.", body = Problem, content_type = "application/problem+json"),
    OfSpeaker,
))]
pub(crate) async fn enrolled(
    State(service): State<Service>,
    speaker: SpeakerName,
) -> Result<Json<EnrolmentLine>, Problem> {
    let find = move |shared: &Shared| {
        let enrolment = shared.speakers.get(&shared.predictor, &speaker)?;
        let enrolment =
            enrolment.ok_or_else(|| Problem::unknown_speaker(StatusCode::NOT_FOUND, &speaker))?;
        Ok(EnrolmentLine::new(speaker.name, &enrolment, None))
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
    speaker: SpeakerName,
) -> Result<StatusCode, Problem> {
    let forget = move |shared: &Shared| {
        if shared.speakers.remove(&speaker)? {
            Ok(StatusCode::NO_CONTENT)
        } else {
            Err(Problem::unknown_speaker(StatusCode::NOT_FOUND, &speaker))
        }
    };
    service.compute(forget).await
}
