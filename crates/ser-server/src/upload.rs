//! Extracts recordings and the options for their answers from requests.

use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};

use axum::body::Body;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Query, Request};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use ser_audio::{AudioStream, Channels, Stored};
use ser_predict::{Enrolment, Predictor};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{IntoParams, ToSchema};

use crate::body::{Pace, Recording, too_large};
use crate::limits::allowed;
use crate::problem::Problem;
use crate::service::{Service, Shared};
use crate::speakers::SpeakerName;

/// Largest size in bytes of a form field other than a recording.
const FIELD: usize = 1 << 12;
/// Largest number of fields of a form, recordings included.
const PARTS: usize = 64;
/// The next step for a form with a field that cannot be used.
const FIELDS: &str = "send the sound in the field `recording`; the other fields are `labels`, `speaker` and `channel`";

/// The options of an answer, from the query or the fields of the form.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerOptions {
    /// The only labels to predict, separated by commas; all labels of the model by default.
    #[param(min_length = 1)]
    pub(crate) labels: Option<String>,
    /// Name of an enrolled speaker.
    pub(crate) speaker: Option<String>,
    /// The only channel to use, counted from 1, or, for a timeline, `each`; all channels, compared, by default.
    #[param(value_type = Option<String>, pattern = "^(each|[1-9][0-9]*)$")]
    pub(crate) channel: Option<Channel>,
}

/// The channels of a recording to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Channel {
    /// One channel, counted from 1.
    Only(u16),
    /// Each channel separately.
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
pub(crate) struct UploadForm {
    /// The recording, in any format.
    #[schema(value_type = String, format = Binary)]
    recording: Vec<u8>,
    /// The only labels to predict, separated by commas.
    #[schema(min_length = 1)]
    labels: Option<String>,
    /// Name of an enrolled speaker.
    speaker: Option<String>,
    /// The only channel to use, counted from 1, or, for a timeline, `each`.
    #[schema(pattern = "^(each|[1-9][0-9]*)$")]
    channel: Option<String>,
}

/// A form with recordings of a speaker.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form to clients")]
pub(crate) struct EnrolmentForm {
    /// The recordings, in any format, each in a field of its own.
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1)]
    recording: Vec<Vec<u8>>,
    /// The only channel to use, counted from 1.
    #[schema(minimum = 1)]
    channel: Option<u16>,
}

/// The content of a request with recordings.
pub(crate) struct Upload {
    pub(crate) recordings: Vec<Recording>,
    pub(crate) asked: AnswerOptions,
    /// Reserves the memory of the body until the upload is dropped.
    _memory: OwnedSemaphorePermit,
    /// Expires when the client has disconnected.
    client: Weak<()>,
}

impl FromRequest<Service> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        let limits = &service.0.limits;
        let stated = length(request.headers());
        if stated.is_some_and(|length| length > limits.body_bytes) {
            return Err(too_large(limits));
        }
        let Query(mut asked) =
            Query::<AnswerOptions>::try_from_uri(request.uri()).map_err(|error| {
                Problem::invalid(error.body_text(), "GET /docs lists the parameters")
            })?;
        let memory = service.reserve(stated.unwrap_or(limits.body_bytes)).await?;
        let mut pace = Pace::new(limits);
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let recordings = if kind.starts_with("multipart/form-data") {
            form(request, &mut pace, &mut asked).await?
        } else {
            vec![whole(request.into_body(), stated, &mut pace).await?]
        };
        if recordings.is_empty() {
            return Err(no_recording());
        }
        Ok(Self {
            recordings,
            asked,
            _memory: memory,
            client: Weak::new(),
        })
    }
}

fn no_recording() -> Problem {
    Problem::invalid(
        "the form has no recording",
        "send a field `recording` with a file, as in `curl -F recording=@speech.wav`",
    )
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Reads a body that is a recording.
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

/// Reads the recordings of a form, and sets the options from its other fields.
async fn form(
    request: Request,
    pace: &mut Pace<'_>,
    asked: &mut AnswerOptions,
) -> Result<Vec<Recording>, Problem> {
    let no_form = |error: &dyn std::fmt::Display| {
        let next = "send a form as browsers do, as in `curl -F recording=@speech.wav`";
        Problem::invalid(error.to_string(), next)
    };
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|error| no_form(&error))?;
    let limits = pace.limits();
    let wrong = |error: MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(limits),
        _ => no_form(&error),
    };
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
            // A recording may come without a file name, as from `curl -F 'recording=<speech.wav'`.
            if name != "recording" && bytes.len() > FIELD {
                break;
            }
        }
        let text = || match std::str::from_utf8(&bytes) {
            Ok(text) if text.len() <= FIELD => Ok(text.to_owned()),
            _ => Err(Problem::invalid(
                format!("the field {name} is not UTF-8 text of at most {FIELD} bytes"),
                FIELDS,
            )),
        };
        match name.as_str() {
            // A form of a page without a chosen file has an empty one without a name.
            "recording" if bytes.is_empty() && file.as_ref().is_none_or(String::is_empty) => {
                return Err(no_recording());
            }
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
                let detail = format!("the form has an unknown field, {other:?}");
                return Err(Problem::invalid(detail, FIELDS));
            }
        }
    }
    let more = pace.next(form.next_field()).await?.map_err(wrong)?;
    if more.is_none() {
        return Ok(recordings);
    }
    let detail = format!("the form has more than {PARTS} fields");
    Err(Problem::invalid(detail, "send it as several requests"))
}

/// Returns the last part of a path that a browser sent. Control characters, which could steer a terminal, are replaced.
fn file_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.replace(char::is_control, "\u{fffd}")
}

fn is_gone(client: &Weak<()>) -> bool {
    client.strong_count() == 0
}

/// The bytes of a recording, which can no longer be read after the client has disconnected. So nothing computes an answer
/// for a client that is gone, except for the part that was read.
struct Awaited {
    bytes: Arc<Vec<u8>>,
    client: Weak<()>,
}

impl Stored for Awaited {
    fn size(&self) -> u64 {
        self.bytes.size()
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if is_gone(&self.client) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.bytes.read_at(at, buffer)
    }
}

impl Upload {
    /// Computes the answer on one of the cores.
    ///
    /// # Errors
    /// As [`Service::compute`].
    pub(crate) async fn answer<T: Send + 'static>(
        mut self,
        service: &Service,
        job: impl FnOnce(&Shared, &Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        // If the client disconnects, the server drops this future, and with it the client.
        let client = Arc::new(());
        self.client = Arc::downgrade(&client);
        service.compute(move |shared| job(shared, &self)).await
    }

    /// Returns whether the client has disconnected while its answer is computed.
    pub(crate) fn is_abandoned(&self) -> bool {
        is_gone(&self.client)
    }

    /// Returns the one recording of the request.
    ///
    /// # Errors
    /// A [`Problem`] if there are several.
    pub(crate) fn recording(&self) -> Result<&Recording, Problem> {
        match self.recordings.as_slice() {
            [recording] => Ok(recording),
            several => Err(Problem::invalid(
                format!("expected one recording, found {}", several.len()),
                "send each recording in a separate request",
            )),
        }
    }

    /// Opens a recording of the request with these channels.
    ///
    /// # Errors
    /// A [`Problem`] if the recording cannot be opened, lacks the channel, or has too high a sampling rate.
    pub(crate) fn open(
        &self,
        recording: &Recording,
        channels: Channels,
        shared: &Shared,
    ) -> Result<AudioStream, Problem> {
        let stored = Awaited {
            bytes: recording.bytes.clone(),
            client: self.client.clone(),
        };
        let stream = AudioStream::from_stored(Arc::new(stored), Path::new(&recording.name))?;
        let stream = stream.with(channels)?.at_most(shared.limits.seconds);
        allowed(stream.sample_rate())?;
        Ok(stream)
    }
}

impl AnswerOptions {
    /// Returns the channels for an answer to a whole recording, which cannot be `each`.
    pub(crate) fn channels(&self) -> Result<Channels, Problem> {
        match self.channel {
            None => Ok(Channels::Compared),
            Some(Channel::Only(number)) => Ok(Channels::Only(number)),
            Some(Channel::Each) => Err(Problem::invalid(
                "channel=each: only a timeline can use each channel separately",
                "name one channel, or use /v1/timeline",
            )),
        }
    }

    /// Checks that a request without an answer has no option that only an answer has.
    ///
    /// # Errors
    /// A [`Problem`] if labels or a speaker are given.
    pub(crate) fn refuse_answer_options(&self) -> Result<(), Problem> {
        for (name, is_given) in [
            ("labels", self.labels.is_some()),
            ("speaker", self.speaker.is_some()),
        ] {
            if is_given {
                return Err(Problem::invalid(
                    format!("{name}: an enrolment has no such option"),
                    "name the speaker in the path only, and give `labels` and `speaker` when you ask for an answer",
                ));
            }
        }
        Ok(())
    }

    /// Returns the model, restricted to the labels that were asked for.
    pub(crate) fn predictor(&self, shared: &Shared) -> Result<Predictor, Problem> {
        let Some(labels) = &self.labels else {
            return Ok(shared.predictor.clone());
        };
        let labels: Vec<&str> = labels.split(',').map(str::trim).collect();
        Ok(shared.predictor.restricted_to(&labels)?)
    }

    /// Returns the speaker that was asked for.
    pub(crate) fn speaker(&self, shared: &Shared) -> Result<Option<Enrolment>, Problem> {
        let Some(name) = &self.speaker else {
            return Ok(None);
        };
        let name = SpeakerName::new(name.clone())?;
        match shared.speakers.get(&shared.predictor, &name)? {
            Some(speaker) => Ok(Some(speaker)),
            None => Err(Problem::unknown_speaker(StatusCode::BAD_REQUEST, &name)),
        }
    }
}
