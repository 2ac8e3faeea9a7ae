//! The description of the API.

use axum::Json;
use axum::response::Html;
use maud::{DOCTYPE, html};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Description;

use crate::{answers, listen, metrics, service, speakers};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ser",
        description = "Predicts which emotion a recording expresses, with its confidence, and explains the answer."
    ),
    paths(
        answers::predict,
        answers::timeline,
        answers::explain,
        answers::model,
        listen::listen,
        speakers::enroll,
        speakers::enrolled,
        speakers::forget,
        service::healthz,
        service::readyz,
        metrics::metrics,
    ),
    // The schema of a parameter is not added automatically.
    components(schemas(listen::LiveFormat)),
    tags(
        (name = "answers", description = "Answers to recordings"),
        (name = "speakers", description = "Enrolled speakers"),
        (name = "operation", description = "State of the service"),
    )
)]
struct Api;

/// Returns the description as OpenAPI.
pub(crate) async fn openapi() -> Json<Description> {
    Json(Api::openapi())
}

/// Returns the description as a page.
pub(crate) async fn docs() -> Html<String> {
    let api = serde_json::to_value(Api::openapi()).unwrap_or_default();
    let text =
        |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let paths = api["paths"].as_object().cloned().unwrap_or_default();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "ser: service" }
            }
            body {
                h1 { "ser" }
                p { (text(&api["info"], "description")) }
                p { a href="openapi.json" { "openapi.json" } " is the same description for programs." }
                @for (path, methods) in &paths {
                    @for (method, operation) in methods.as_object().into_iter().flatten() {
                        h2 { code { (method.to_uppercase()) " " (path) } }
                        p { (text(operation, "summary")) " " (text(operation, "description")) }
                        @if let Some(parameters) = operation["parameters"].as_array() {
                            ul {
                                @for parameter in parameters {
                                    li { code { (text(parameter, "name")) } ": " (text(parameter, "description")) }
                                }
                            }
                        }
                        @if let Some(responses) = operation["responses"].as_object() {
                            table {
                                @for (status, response) in responses {
                                    tr {
                                        td { (status) }
                                        td {
                                            @for kind in response["content"].as_object().into_iter().flat_map(|content| content.keys()) {
                                                code { (kind) } " "
                                            }
                                        }
                                        td { (text(response, "description")) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    Html(page.into_string())
}
