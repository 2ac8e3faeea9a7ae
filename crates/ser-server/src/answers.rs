//! The endpoints that answer recordings: prediction, timeline, explanation, and the model.

use std::ops::ControlFlow;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use ser_audio::Channels;
use ser_predict::{
    AnswerLine, Error, ExplanationLine, Kind, LONG, ModelLine, SHORTEST_EXPLAINED, Span, SpanLine,
    Timeline, captions,
};
use ser_report::plots;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accept::choose;
use crate::problem::{OfFormat, OfRecording, OfSpeaker, Problem, Refused};
use crate::service::{Service, Shared};
use crate::upload::{AnswerOptions, Channel, Upload, UploadForm};

/// Seconds of a long recording that are processed at a time.
const AT_ONCE: f64 = 60.0;

/// Predicts the emotion of a recording as a whole.
#[utoipa::path(post, path = "/v1/predict", tag = "answers", params(AnswerOptions),
    request_body(content((Vec<u8> = "application/octet-stream"), (UploadForm = "multipart/form-data"))),
    responses(
        (status = 200, body = AnswerLine),
        OfRecording,
        OfSpeaker,
    ))]
pub(crate) async fn predict(
    State(service): State<Service>,
    upload: Upload,
) -> Result<Json<AnswerLine>, Problem> {
    let answer = |shared: &Shared, upload: &Upload| {
        let (recording, asked) = (upload.recording()?, &upload.asked);
        let (predictor, speaker) = (asked.predictor(shared)?, asked.speaker(shared)?);
        let stream = upload.open(recording, asked.channels()?, shared)?;
        let answer = predictor.answer_stream(stream, speaker.as_ref())?;
        shared.metrics.heard(answer.seconds);
        Ok(AnswerLine::new(
            predictor.model(),
            recording.name.clone(),
            &answer,
        ))
    };
    Ok(Json(upload.answer(&service, answer).await?))
}

/// The emotions of a recording over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineAnswer {
    file: String,
    /// Length of the recording in seconds.
    seconds: f64,
    /// Number of channels.
    channels: u16,
    /// Whether some channels have nothing in common, as in a call; if so, use `channel=each`.
    channels_apart: bool,
    /// What is missing, if the recording is damaged.
    damage: Option<String>,
    spans: Vec<SpanLine>,
    /// Whether the model was trained on synthetic voices.
    synthetic_model: bool,
}

/// The formats of a timeline by media type; for those other than JSON, with the content type of the response.
const CAPTIONS: [(&str, Option<Caption>); 4] = [
    ("application/json", None),
    (
        "text/vtt",
        Some((captions::Form::WebVtt, "text/vtt; charset=utf-8")),
    ),
    (
        "application/x-subrip",
        Some((
            captions::Form::SubRip,
            "application/x-subrip; charset=utf-8",
        )),
    ),
    (
        "text/x-textgrid",
        Some((captions::Form::TextGrid, "text/x-textgrid; charset=utf-8")),
    ),
];

type Caption = (captions::Form, &'static str);

/// Finds the pieces of speech in a recording, and predicts the emotion of each.
#[utoipa::path(post, path = "/v1/timeline", tag = "answers", params(AnswerOptions),
    request_body(content((Vec<u8> = "application/octet-stream"), (UploadForm = "multipart/form-data"))),
    responses(
        (status = 200, description = "The pieces of speech; by `Accept`, as JSON, WebVTT, SubRip or a TextGrid for Praat.", content(
            (TimelineAnswer = "application/json"), (String = "text/vtt"), (String = "application/x-subrip"),
            (String = "text/x-textgrid"))),
        OfRecording,
        OfFormat,
        OfSpeaker,
    ))]
pub(crate) async fn timeline(
    State(service): State<Service>,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, Problem> {
    let form = choose(&headers, &CAPTIONS)?;
    upload
        .answer(&service, move |shared, upload| hear(shared, upload, form))
        .await
}

fn hear(shared: &Shared, upload: &Upload, form: Option<Caption>) -> Result<Response, Problem> {
    let (recording, asked) = (upload.recording()?, &upload.asked);
    let (predictor, speaker) = (asked.predictor(shared)?, asked.speaker(shared)?);
    let listen = |channels: Channels| -> Result<(Vec<Span>, Timeline), Problem> {
        let stream = upload.open(recording, channels, shared)?;
        let mut timeline = Timeline::new(&predictor, stream, speaker.as_ref())?;
        let mut spans = Vec::new();
        while let Some(complete) = timeline.step(AT_ONCE)? {
            spans.extend(complete);
        }
        shared.metrics.heard(timeline.heard());
        Ok((spans, timeline))
    };
    let is_each = asked.channel == Some(Channel::Each);
    if is_each && asked.speaker.is_some() {
        return Err(Problem::invalid(
            "a speaker is one person, and with `channel=each` another one speaks on every channel",
            "name the speaker's channel, as in `channel=1`",
        ));
    }
    let first = if is_each {
        Channels::Only(1)
    } else {
        asked.channels()?
    };
    let (mut spans, timeline) = listen(first)?;
    let (seconds, stream) = (timeline.heard(), timeline.stream());
    if is_each {
        let mut channels = vec![spans];
        for channel in 2..=stream.channels() {
            channels.push(listen(Channels::Only(channel))?.0);
        }
        spans = Span::of_channels(channels);
    }
    let (model, name) = (predictor.model(), &recording.name);
    let labels = &model.labels;
    if let Some((form, kind)) = form {
        let text = form.write(&spans, labels, seconds, name);
        let text = text.map_err(|_| Problem::broken())?;
        return Ok(([(header::CONTENT_TYPE, kind)], text).into_response());
    }
    let answer = TimelineAnswer {
        file: name.clone(),
        seconds,
        channels: stream.channels(),
        channels_apart: stream.are_channels_apart(),
        damage: stream.damage().map(|damage| damage.to_string()),
        spans: spans
            .iter()
            .map(|span| SpanLine::new(labels, span))
            .collect(),
        synthetic_model: model.provenance.synthetic,
    };
    Ok(Json(answer).into_response())
}

#[derive(Debug, Clone, Copy)]
enum ExplanationFormat {
    Json,
    Svg,
}

const EXPLANATIONS: [(&str, ExplanationFormat); 2] = [
    ("application/json", ExplanationFormat::Json),
    ("image/svg+xml", ExplanationFormat::Svg),
];

/// Explains which parts of a recording, in time and frequency, the answer rests on.
#[utoipa::path(post, path = "/v1/explain", tag = "answers", params(AnswerOptions),
    request_body(content((Vec<u8> = "application/octet-stream"), (UploadForm = "multipart/form-data"))),
    responses(
        (status = 200, description = "By `Accept`, the regions as JSON, or a picture as SVG.", content(
            (ExplanationLine = "application/json"), (String = "image/svg+xml"))),
        OfRecording,
        OfFormat,
        OfSpeaker,
    ))]
pub(crate) async fn explain(
    State(service): State<Service>,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, Problem> {
    let format = choose(&headers, &EXPLANATIONS)?;
    upload
        .answer(&service, move |shared, upload| why(shared, upload, format))
        .await
}

fn why(shared: &Shared, upload: &Upload, format: ExplanationFormat) -> Result<Response, Problem> {
    let (recording, asked) = (upload.recording()?, &upload.asked);
    let (predictor, speaker) = (asked.predictor(shared)?, asked.speaker(shared)?);
    let stream = upload.open(recording, asked.channels()?, shared)?;
    let longest = LONG.min(shared.limits.seconds);
    let refused = |error: Error| {
        let is_of_length = matches!(error.kind(), Kind::TooShort | Kind::TooLong);
        let mut problem = Problem::from(error);
        // Not even the program explains longer recordings.
        if is_of_length {
            let lengths = format!("{SHORTEST_EXPLAINED} to {longest} s");
            problem.next = format!("send a recording, or a part of one, of {lengths}");
        }
        problem
    };
    let stream = stream.at_most(longest);
    let explained = predictor.explain_stream(stream, speaker.as_ref(), |_| {
        // An explanation takes so long that it must not keep its core for a client that is gone.
        if upload.is_abandoned() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let (sound, explanation) = explained.map_err(refused)?;
    shared.metrics.heard(sound.duration());
    let (model, name) = (predictor.model(), &recording.name);
    Ok(match format {
        ExplanationFormat::Json => {
            Json(ExplanationLine::new(model, name.clone(), &explanation)).into_response()
        }
        ExplanationFormat::Svg => {
            let levels = explanation.spectrogram(&sound)?;
            let picture = plots::explanation(model, name, &sound, &explanation, &levels);
            let picture = picture.map_err(|_| Problem::broken())?;
            ([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response()
        }
    })
}

/// Returns the name, the labels and the fingerprint of the model.
#[utoipa::path(get, path = "/v1/model", tag = "answers", responses(
    (status = 200, body = ModelLine),
    Refused,
))]
pub(crate) async fn model(State(service): State<Service>) -> Json<ModelLine> {
    Json(service.0.model.clone())
}
