//! Error responses.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ser_audio::Error as Audio;
use ser_predict::{Error as Predict, Kind};
use serde::Serialize;
use utoipa::openapi::{Content, Ref, RefOr, Response as Described, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::speakers::SpeakerName;

/// Why a request failed, and what to do next: `application/problem+json`.
///
/// # References
/// RFC 9457.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The kind of problem, such as `urn:ser:problem:damaged`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The kind in words.
    pub(crate) title: String,
    /// The status of the response.
    pub(crate) status: u16,
    /// What is wrong with this request.
    pub(crate) detail: String,
    /// The next step.
    pub(crate) next: String,
    /// Seconds to wait before trying again, for `Retry-After`.
    #[serde(skip)]
    pub(crate) retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        kind: &str,
        detail: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            kind: format!("urn:ser:problem:{kind}"),
            title: kind.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
            next: next.into(),
            retry_after: None,
        }
    }

    /// The service has no capacity now.
    pub(crate) fn busy(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "the service has no capacity for another request",
                format!("try again in {seconds} s"),
            )
        }
    }

    /// A computation ended without a result.
    pub(crate) fn broken() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "broken",
            "the computation ended without a result",
            "report this problem with the recording that caused it; the service still answers other requests",
        )
    }

    pub(crate) fn unknown_speaker(status: StatusCode, speaker: &SpeakerName) -> Self {
        Self::new(
            status,
            "unknown-speaker",
            format!("nobody is enrolled as {:?}", speaker.name),
            "enrol the speaker: PUT /v1/speakers/NAME with recordings of the voice",
        )
    }

    pub(crate) fn invalid(detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", detail, next)
    }
}

/// The error responses of any request, for the description of the API.
pub(crate) struct Refused;

/// The error responses of a request with a recording: those of [`Refused`] and some more.
pub(crate) struct OfRecording;

/// The error response of a request that chooses the format of the response.
pub(crate) struct OfFormat;

/// The error response of a request that names an enrolled speaker.
pub(crate) struct OfSpeaker;

const REFUSED: [(&str, &str); 6] = [
    ("400", "The request is invalid or names something unknown."),
    ("401", "The request has no known token."),
    (
        "403",
        "The request is meant for another host, or comes from a page of another origin.",
    ),
    (
        "429",
        "Too many requests from this address; `Retry-After` says when to try again.",
    ),
    ("500", "The computation ended without a result."),
    (
        "503",
        "No capacity now; `Retry-After` says when to try again.",
    ),
];
const OF_SPEAKER: [(&str, &str); 1] =
    [("409", "The stored profile of the speaker cannot be used.")];
const OF_FORMAT: [(&str, &str); 1] = [(
    "406",
    "There is no response in a format that `Accept` allows.",
)];
const OF_RECORDING: [(&str, &str); 4] = [
    ("408", "The body arrived too slowly."),
    (
        "413",
        "The recording has more bytes or seconds than allowed.",
    ),
    (
        "415",
        "The body is not a recording, or has an unsupported format.",
    ),
    (
        "422",
        "The recording is damaged, too short, has too low a sampling rate, or has no speech where speech is required.",
    ),
];

fn described(statuses: &[(&str, &str)]) -> BTreeMap<String, RefOr<Described>> {
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let described = |(status, description): &(&str, &str)| {
        let response = ResponseBuilder::new().description(*description);
        let response = response.content("application/problem+json", problem.clone());
        ((*status).to_owned(), response.build().into())
    };
    statuses.iter().map(described).collect()
}

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&REFUSED)
    }
}

impl IntoResponses for OfRecording {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&[&REFUSED[..], &OF_RECORDING].concat())
    }
}

impl IntoResponses for OfFormat {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&OF_FORMAT)
    }
}

impl IntoResponses for OfSpeaker {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&OF_SPEAKER)
    }
}

impl From<Predict> for Problem {
    fn from(error: Predict) -> Self {
        let kind = match error.kind() {
            // The bytes were received, so a recording that cannot be opened is damaged.
            Kind::NotOpened => Kind::Damaged,
            kind => kind,
        };
        let (status, next) = match kind {
            Kind::NoSuchChannel => (
                StatusCode::BAD_REQUEST,
                "name a channel that the recording has, or none",
            ),
            Kind::UnknownLabel => (
                StatusCode::BAD_REQUEST,
                "name labels that the model knows: GET /v1/model lists them",
            ),
            Kind::TooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "send it in parts, or use the program, which has no such limit",
            ),
            Kind::NotRead => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send WAV, FLAC, MP3, Opus, Vorbis or AAC; ffmpeg converts most other formats to WAV",
            ),
            Kind::NoSpeech => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "send a recording in which somebody speaks",
            ),
            Kind::LowRate => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "record at 8000 Hz or more",
            ),
            Kind::TooShort => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "send at least half a second of speech",
            ),
            Kind::Damaged | Kind::NotOpened => {
                (StatusCode::UNPROCESSABLE_ENTITY, "record or copy it again")
            }
            Kind::Other => (StatusCode::UNPROCESSABLE_ENTITY, "send another recording"),
        };
        Self::new(status, kind.word(), error.to_string(), next)
    }
}

impl From<Audio> for Problem {
    fn from(error: Audio) -> Self {
        Predict::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

pub(crate) async fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "this path does not exist",
        "GET /docs lists the endpoints",
    )
}

pub(crate) async fn not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this path does not support this method",
        "GET /docs lists the endpoints",
    )
}
