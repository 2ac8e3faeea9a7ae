//! What recordings express.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
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
use crate::problem::{OfRecording, Problem, Refused};
use crate::service::{Service, Shared};
use crate::upload::{Asked, Channel, Form, Question, Upload};

/// Seconds of a long recording that are heard at a time.
const AT_ONCE: f64 = 60.0;

/// What a recording expresses as a whole.
#[utoipa::path(post, path = "/v1/predict", tag = "answers", params(Asked),
    request_body(content((Vec<u8> = "application/octet-stream"), (Form = "multipart/form-data"))),
    responses(
        (status = 200, body = AnswerLine),
        OfRecording,
    ))]
pub(crate) async fn predict(
    State(service): State<Service>,
    upload: Upload,
) -> Result<Json<AnswerLine>, Problem> {
    let answer = move |shared: &Shared| {
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
    Ok(Json(service.compute(answer).await?))
}

/// The emotions of a recording in time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineAnswer {
    file: String,
    /// Length of the recording.
    seconds: f64,
    /// Whether its channels have nothing in common, as in a call: ask for each by itself.
    channels_apart: bool,
    /// What it lacks, if it is damaged.
    damage: Option<String>,
    spans: Vec<SpanLine>,
    /// Whether the model was trained on generated voices.
    synthetic_model: bool,
}

/// Forms of a timeline beside JSON, and how they are called in a response.
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

/// Where in a recording somebody speaks, and what each piece expresses.
#[utoipa::path(post, path = "/v1/timeline", tag = "answers", params(Asked),
    request_body(content((Vec<u8> = "application/octet-stream"), (Form = "multipart/form-data"))),
    responses(
        (status = 200, description = "By `Accept`: JSON, WebVTT, SubRip or a TextGrid of Praat.", content(
            (TimelineAnswer = "application/json"), (String = "text/vtt"), (String = "application/x-subrip"),
            (String = "text/x-textgrid"))),
        OfRecording,
    ))]
pub(crate) async fn timeline(
    State(service): State<Service>,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, Problem> {
    let form = choose(&headers, &CAPTIONS)?;
    service
        .compute(move |shared| hear(shared, &upload, form))
        .await
}

fn hear(shared: &Shared, upload: &Upload, form: Option<Caption>) -> Result<Response, Problem> {
    let is_each = upload.asked.channel == Some(Channel::Each);
    let channels = match is_each {
        true => Channels::Only(1),
        false => upload.asked.channels()?,
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

/// Where in time and frequency the answer on a recording comes from.
#[utoipa::path(post, path = "/v1/explain", tag = "answers", params(Asked),
    request_body(content((Vec<u8> = "application/octet-stream"), (Form = "multipart/form-data"))),
    responses(
        (status = 200, description = "By `Accept`: the regions, or a picture.", content(
            (ExplanationLine = "application/json"), (String = "image/svg+xml"))),
        OfRecording,
    ))]
pub(crate) async fn explain(
    State(service): State<Service>,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, Problem> {
    let form = choose(&headers, &PICTURES)?;
    service
        .compute(move |shared| why(shared, &upload, form))
        .await
}

fn why(shared: &Shared, upload: &Upload, form: Picture) -> Result<Response, Problem> {
    let Question {
        name,
        stream,
        predictor,
        ..
    } = upload.question(shared)?;
    let sound = stream.at_most(LONG).read_to_end()?;
    if sound.duration() < SHORTEST_EXPLAINED {
        return Err(Problem::invalid(
            format!("{:.2} s long", sound.duration()),
            format!("send a recording of {SHORTEST_EXPLAINED} to {LONG} s"),
        ));
    }
    shared.metrics.heard(sound.duration());
    let explanation = predictor.explain(&sound)?;
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

/// Which model answers, and what its labels are.
#[utoipa::path(get, path = "/v1/model", tag = "answers", responses(
    (status = 200, body = ModelLine),
    Refused,
))]
pub(crate) async fn model(State(service): State<Service>) -> Json<ModelLine> {
    Json(ModelLine::new(service.0.predictor.model()))
}
