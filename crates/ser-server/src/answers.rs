//! The endpoints that answer recordings: prediction, timeline, explanation, and the model.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ser_audio::{AudioStream, Channels};
use ser_predict::{
    AnswerLine, ExplanationLine, LONG, ModelLine, SHORTEST_EXPLAINED, Span, SpanLine, Timeline,
    captions,
};
use ser_report::plots;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accept::choose;
use crate::problem::{OfRecording, OfSpeaker, Problem, Refused};
use crate::service::{Service, Shared};
use crate::upload::{Asked, Channel, Form, Question, Upload};

/// Seconds of a long recording that are processed at a time.
const AT_ONCE: f64 = 60.0;

/// Predicts the emotion of a recording as a whole.
#[utoipa::path(post, path = "/v1/predict", tag = "answers", params(Asked),
    request_body(content((Vec<u8> = "application/octet-stream"), (Form = "multipart/form-data"))),
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
        let Question {
            name,
            stream,
            predictor,
            speaker,
        } = upload.question(shared)?;
        let answer = predictor.answer_stream(stream, speaker.as_ref())?;
        shared.metrics.heard(answer.seconds);
        Ok(AnswerLine::new(predictor.model(), name, &answer))
    };
    Ok(Json(upload.answer(&service, answer).await?))
}

/// The emotions of a recording over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineAnswer {
    file: String,
    /// Length of the recording in seconds.
    seconds: f64,
    /// Whether the channels have nothing in common, as in a call; if so, use `channel=each`.
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
#[utoipa::path(post, path = "/v1/timeline", tag = "answers", params(Asked),
    request_body(content((Vec<u8> = "application/octet-stream"), (Form = "multipart/form-data"))),
    responses(
        (status = 200, description = "The pieces of speech; by `Accept`, as JSON, WebVTT, SubRip or a TextGrid for Praat.", content(
            (TimelineAnswer = "application/json"), (String = "text/vtt"), (String = "application/x-subrip"),
            (String = "text/x-textgrid"))),
        OfRecording,
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
    let is_each = upload.asked.channel == Some(Channel::Each);
    let channels = if is_each {
        Channels::Only(1)
    } else {
        upload.asked.channels()?
    };
    let Question {
        name,
        stream,
        predictor,
        speaker,
    } = upload.question_on(channels, shared)?;
    let listen = |stream: AudioStream| -> Result<(Vec<Span>, Timeline), Problem> {
        let mut timeline = Timeline::new(&predictor, stream, speaker.as_ref())?;
        let mut spans = Vec::new();
        while let Some(complete) = timeline.step(AT_ONCE)? {
            spans.extend(complete);
        }
        shared.metrics.heard(timeline.heard());
        Ok((spans, timeline))
    };
    let count = stream.channels();
    let (mut spans, timeline) = listen(stream)?;
    if is_each {
        let mut channels = vec![spans];
        for channel in 2..=count {
            let question = upload.question_on(Channels::Only(channel), shared)?;
            channels.push(listen(question.stream)?.0);
        }
        spans = Span::of_channels(channels);
    }
    let (model, seconds, stream) = (predictor.model(), timeline.heard(), timeline.stream());
    let labels = &model.labels;
    if let Some((form, kind)) = form {
        let text = form.write(&spans, labels, seconds, &name);
        let text = text.map_err(|_| Problem::broken())?;
        return Ok(([(header::CONTENT_TYPE, kind)], text).into_response());
    }
    let answer = TimelineAnswer {
        file: name,
        seconds,
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
enum Picture {
    Json,
    Svg,
}

const PICTURES: [(&str, Picture); 2] = [
    ("application/json", Picture::Json),
    ("image/svg+xml", Picture::Svg),
];

/// Explains which parts of a recording, in time and frequency, the answer rests on.
#[utoipa::path(post, path = "/v1/explain", tag = "answers", params(Asked),
    request_body(content((Vec<u8> = "application/octet-stream"), (Form = "multipart/form-data"))),
    responses(
        (status = 200, description = "By `Accept`, the regions as JSON, or a picture as SVG.", content(
            (ExplanationLine = "application/json"), (String = "image/svg+xml"))),
        OfRecording,
        OfSpeaker,
    ))]
pub(crate) async fn explain(
    State(service): State<Service>,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, Problem> {
    let form = choose(&headers, &PICTURES)?;
    upload
        .answer(&service, move |shared, upload| why(shared, upload, form))
        .await
}

fn why(shared: &Shared, upload: &Upload, form: Picture) -> Result<Response, Problem> {
    let Question {
        name,
        stream,
        predictor,
        speaker,
    } = upload.question(shared)?;
    // Not even the program explains longer recordings.
    let next = format!("send a recording, or a part of one, of {SHORTEST_EXPLAINED} to {LONG} s");
    let sound = stream.at_most(LONG).read_to_end();
    let sound = sound.map_err(|error| {
        let mut problem = Problem::from(error);
        if problem.status == StatusCode::PAYLOAD_TOO_LARGE {
            problem.next.clone_from(&next);
        }
        problem
    })?;
    if sound.duration() < SHORTEST_EXPLAINED {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "too-short",
            format!("the recording is {:.2} s long", sound.duration()),
            next,
        ));
    }
    shared.metrics.heard(sound.duration());
    let explanation = predictor.explain(&sound, speaker.as_ref())?;
    let model = predictor.model();
    Ok(match form {
        Picture::Json => Json(ExplanationLine::new(model, name, &explanation)).into_response(),
        Picture::Svg => {
            let levels = explanation.spectrogram(&sound)?;
            let picture = plots::explained(model, &name, &sound, &explanation, &levels);
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
    Json(ModelLine::new(service.0.predictor.model()))
}
