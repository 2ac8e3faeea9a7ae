//! Recordings in requests, and how they are to be answered.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Query, Request};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use ser_audio::{AudioStream, Channels};
use ser_predict::{Enrolment, Predictor};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{IntoParams, ToSchema};

use crate::body::{Pace, Recording, too_large};
use crate::problem::Problem;
use crate::service::{Service, Shared};

/// Bytes of a field of a form that is no recording.
const FIELD: usize = 1 << 12;
/// Recordings in one form, and fields beside them.
const PARTS: usize = 64;

/// How recordings are to be answered: in the query, or as fields of the form.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The labels that can be, separated by commas; all of the model's without.
    #[param(min_length = 1)]
    pub(crate) labels: Option<String>,
    /// A speaker who was enrolled.
    pub(crate) speaker: Option<String>,
    /// The channel to listen to, counted from 1, or, for a timeline, `each`; all compared without.
    #[param(value_type = Option<String>, pattern = "^(each|[1-9][0-9]*)$")]
    pub(crate) channel: Option<Channel>,
}

/// Which channels of a recording are listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Channel {
    Only(u16),
    /// Each by itself.
    Each,
}

impl TryFrom<String> for Channel {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "each" => Ok(Self::Each),
            number => number
                .parse()
                .map(Self::Only)
                .map_err(|_| format!("channel: expected a number or `each`, found {text:?}")),
        }
    }
}

/// A form with a recording.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form to clients")]
pub(crate) struct Form {
    /// The recording, in any format.
    #[schema(value_type = String, format = Binary)]
    recording: Vec<u8>,
    /// The labels that can be, separated by commas.
    #[schema(min_length = 1)]
    labels: Option<String>,
    /// A speaker who was enrolled.
    speaker: Option<String>,
    /// The channel to listen to, counted from 1, or, for a timeline, `each`.
    #[schema(pattern = "^(each|[1-9][0-9]*)$")]
    channel: Option<String>,
}

/// What was sent.
pub(crate) struct Upload {
    pub(crate) recordings: Vec<Recording>,
    pub(crate) asked: Asked,
    /// The memory that it takes.
    _memory: OwnedSemaphorePermit,
}

impl FromRequest<Service> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        let limits = &service.0.limits;
        let stated = length(request.headers());
        if stated.is_some_and(|length| length > limits.body_bytes) {
            return Err(too_large(limits));
        }
        let Query(mut asked) = Query::<Asked>::try_from_uri(request.uri()).map_err(|error| {
            Problem::invalid(error.body_text(), "GET /docs lists the parameters")
        })?;
        let memory = service.reserve(stated.unwrap_or(limits.body_bytes)).await?;
        let mut pace = Pace::new(limits);
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let recordings = match kind.starts_with("multipart/form-data") {
            true => form(request, &mut pace, &mut asked).await?,
            false => vec![whole(request.into_body(), stated, &mut pace).await?],
        };
        if recordings.is_empty() {
            return Err(Problem::invalid(
                "the form holds no recording",
                "send a field `recording` with a file, as in `curl -F recording=@speech.wav`",
            ));
        }
        Ok(Self {
            recordings,
            asked,
            _memory: memory,
        })
    }
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// A body that is a recording.
async fn whole(
    body: Body,
    stated: Option<usize>,
    pace: &mut Pace<'_>,
) -> Result<Recording, Problem> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::with_capacity(stated.unwrap_or(0));
    while let Some(chunk) = pace.next(chunks.next()).await? {
        let chunk = chunk.map_err(|error| Problem::invalid(error.to_string(), "send it again"))?;
        pace.took(chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    if bytes.is_empty() {
        return Err(Problem::invalid(
            "the body is empty",
            "send a recording, as in `curl --data-binary @speech.wav`",
        ));
    }
    Ok(Recording {
        name: "recording".to_owned(),
        bytes: Arc::new(bytes),
    })
}

/// The recordings of a form, whose other fields say how they are to be answered.
async fn form(
    request: Request,
    pace: &mut Pace<'_>,
    asked: &mut Asked,
) -> Result<Vec<Recording>, Problem> {
    let no_form = |error: &dyn std::fmt::Display| {
        let next = "send a form as browsers do, as in `curl -F recording=@speech.wav`";
        Problem::invalid(error.to_string(), next)
    };
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|error| no_form(&error))?;
    let wrong = |error: MultipartError| no_form(&error);
    let mut recordings = Vec::new();
    for _ in 0..PARTS {
        let Some(mut field) = pace.next(form.next_field()).await?.map_err(wrong)? else {
            return Ok(recordings);
        };
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(file_name);
        let mut bytes = Vec::new();
        while let Some(chunk) = pace.next(field.chunk()).await?.map_err(wrong)? {
            pace.took(chunk.len())?;
            bytes.extend_from_slice(&chunk);
            if file.is_none() && bytes.len() > FIELD {
                break;
            }
        }
        let text = || match String::from_utf8(bytes.clone()) {
            Ok(text) if text.len() <= FIELD => Ok(text),
            _ => Err(Problem::invalid(
                format!("the field {name} is no short text"),
                "GET /docs lists the fields",
            )),
        };
        match name.as_str() {
            "recording" => recordings.push(Recording {
                name: file.unwrap_or_else(|| "recording".to_owned()),
                bytes: Arc::new(bytes),
            }),
            "labels" => asked.labels = Some(text()?),
            "speaker" => asked.speaker = Some(text()?),
            "channel" => {
                let channel = Channel::try_from(text()?);
                let wrong = |detail| Problem::invalid(detail, "count channels from 1");
                asked.channel = Some(channel.map_err(wrong)?);
            }
            other => {
                let detail = format!("the form has a field {other:?}, which is not known");
                return Err(Problem::invalid(detail, "GET /docs lists the fields"));
            }
        }
    }
    let detail = format!("the form has more than {PARTS} fields");
    Err(Problem::invalid(detail, "send it as several requests"))
}

/// The last part of a path, as browsers send it, without what a terminal would take for a command.
fn file_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.replace(char::is_control, "\u{fffd}")
}

/// A recording, and who answers it.
pub(crate) struct Question {
    pub(crate) name: String,
    pub(crate) stream: AudioStream,
    pub(crate) predictor: Predictor,
    pub(crate) speaker: Option<Enrolment>,
}

impl Upload {
    /// The one recording that was sent, to be heard as one.
    pub(crate) fn question(&self, shared: &Shared) -> Result<Question, Problem> {
        self.question_on(self.asked.channels()?, shared)
    }

    /// The one recording that was sent.
    pub(crate) fn question_on(
        &self,
        channels: Channels,
        shared: &Shared,
    ) -> Result<Question, Problem> {
        let [recording] = self.recordings.as_slice() else {
            return Err(Problem::invalid(
                format!("expected one recording, found {}", self.recordings.len()),
                "send each by a request of its own",
            ));
        };
        Ok(Question {
            name: recording.name.clone(),
            predictor: self.asked.predictor(shared)?,
            speaker: self.asked.speaker(shared)?,
            stream: self.open(recording, channels, shared)?,
        })
    }

    pub(crate) fn open(
        &self,
        recording: &Recording,
        channels: Channels,
        shared: &Shared,
    ) -> Result<AudioStream, Problem> {
        let stream = AudioStream::from_stored(recording.bytes.clone(), Path::new(&recording.name))?;
        let stream = stream.with(channels)?.at_most(shared.limits.seconds);
        Ok(stream)
    }
}

impl Asked {
    /// The channels of a recording that is heard as one.
    pub(crate) fn channels(&self) -> Result<Channels, Problem> {
        match self.channel {
            None => Ok(Channels::Compared),
            Some(Channel::Only(number)) => Ok(Channels::Only(number)),
            Some(Channel::Each) => Err(Problem::invalid(
                "channel=each: only a timeline hears each channel by itself",
                "name one channel, or ask /v1/timeline",
            )),
        }
    }

    /// The model, of whose labels those can be that were asked for.
    pub(crate) fn predictor(&self, shared: &Shared) -> Result<Predictor, Problem> {
        let Some(labels) = &self.labels else {
            return Ok(shared.predictor.clone());
        };
        let labels: Vec<&str> = labels.split(',').map(str::trim).collect();
        Ok(shared.predictor.restricted_to(&labels)?)
    }

    /// The speaker that was asked for.
    pub(crate) fn speaker(&self, shared: &Shared) -> Result<Option<Enrolment>, Problem> {
        let Some(name) = &self.speaker else {
            return Ok(None);
        };
        match shared.speakers.get(shared.predictor.model(), name)? {
            Some(speaker) => Ok(Some(speaker)),
            None => Err(Problem::unknown_speaker(StatusCode::BAD_REQUEST, name)),
        }
    }
}
