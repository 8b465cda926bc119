//! Spans of the project, by OTLP over HTTP: taken in with the run's token, written into the run's log once each.
//!
//! They are the project's own words. What they say is bounded and shown; nothing is decided or counted by it.
//! `otlp` is what they look like on the wire, `clean` what becomes of one; how they stand among Gantry's own
//! spans is the domain's `trace`.

mod clean;
mod otlp;
#[cfg(test)]
mod tests;

use std::io::Read;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gantry_domain::agui::AgUiEvent;
use gantry_domain::event::EventBody;
use gantry_domain::trace::{TOLD_SPAN, ToldSpan};
use prost::Message;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

use super::refusal::{self, Refusal};
use super::relay::notice;
use super::store::{self, Pass};
use super::{Fact, claim};

use clean::Teller;
use otlp::{ExportRequest, ExportResponse, PartialSuccess, RpcStatus};

/// Spans of one run that the log takes.
const MOST_SPANS: i64 = 2_000;
/// Bytes of one export, unpacked.
const LARGEST_EXPORT: usize = 4 * 1024 * 1024;
/// How often a project exports, in milliseconds: what is told of late would come after the run.
pub(super) const EVERY_MILLIS: u32 = 100;
/// For how long the last spans of a project are waited for, in milliseconds.
pub(crate) const LAST_SPANS_MILLIS: u64 = 400;

/// The two forms of OTLP over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

/// Spans that are not taken.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rejected {
    /// They have no valid ids.
    unnamed: i64,
    /// The run has told of too many.
    too_many: i64,
}

/// Takes an export of spans in, and answers as OTLP wants it.
pub(super) async fn ingest(app: &App, pass: Result<Pass, Refusal>, headers: &HeaderMap, body: &[u8]) -> Response {
    // Whoever may not export is told that, and nothing of what an export looks like.
    let pass = match pass {
        Ok(pass) => pass,
        Err(refusal) => return refused(form(headers).unwrap_or(Form::Json), &refusal),
    };
    let form = match form(headers) {
        Ok(form) => form,
        Err(refusal) => return refused(Form::Json, &refusal),
    };
    let taken = async {
        let spans = spans(form, &unpacked(headers, body)?)?;
        take(app, &pass, spans).await
    };
    match taken.await {
        Ok(rejected) => answered(form, &rejected),
        Err(refusal) => refused(form, &refusal),
    }
}

fn form(headers: &HeaderMap) -> Result<Form, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/x-protobuf" => Ok(Form::Protobuf),
        "application/json" => Ok(Form::Json),
        _ => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "spans_unreadable",
            "Expected spans as application/x-protobuf or application/json (OTLP over HTTP).",
        )),
    }
}

/// The bytes of an export, unpacked if it was packed.
fn unpacked(headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let too_large = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "spans_too_large",
            "Expected at most 4 MiB of spans in one export. Export smaller batches.",
        )
    };
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity");
    let bytes = match encoding.trim().to_ascii_lowercase().as_str() {
        "identity" | "" => body.to_vec(),
        "gzip" => {
            let mut bytes = Vec::new();
            let limit = LARGEST_EXPORT as u64 + 1;
            let read = flate2::read::MultiGzDecoder::new(body).take(limit).read_to_end(&mut bytes);
            read.map_err(|error| Refusal::bad("spans_unreadable", format!("The export is not gzip: {error}.")))?;
            bytes
        }
        _ => {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "spans_unreadable",
                "Expected spans packed with gzip, or not at all.",
            ));
        }
    };
    if bytes.len() > LARGEST_EXPORT { Err(too_large()) } else { Ok(bytes) }
}

/// The spans of an export as the log takes them; none in the place of one that has no valid ids.
fn spans(form: Form, bytes: &[u8]) -> Result<Vec<Option<ToldSpan>>, Refusal> {
    let unreadable = |error: String| {
        Refusal::bad("spans_unreadable", format!("Expected an ExportTraceServiceRequest of OTLP: {error}."))
    };
    let request = match form {
        Form::Protobuf => ExportRequest::decode(bytes).map_err(|error| unreadable(error.to_string()))?,
        Form::Json => serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?,
    };
    let mut told = Vec::new();
    for group in &request.resource_spans {
        let attributes = group.resource.as_ref().map(|resource| resource.attributes.as_slice()).unwrap_or_default();
        let service = attributes.iter().find(|pair| pair.key == "service.name");
        let service = service.and_then(|pair| pair.value.as_ref()).map(|value| value.plain());
        for library in &group.scope_spans {
            let teller = Teller {
                service: service.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
                scope: library.scope.as_ref().map(|scope| scope.name.clone()).unwrap_or_default(),
            };
            told.extend(library.spans.iter().map(|span| clean::told(span, &teller)));
        }
    }
    Ok(told)
}

/// Writes spans into the run's log, each once however often it is told of: exporters repeat themselves when an
/// answer gets lost.
async fn take(app: &App, pass: &Pass, spans: Vec<Option<ToldSpan>>) -> Result<Rejected, Refusal> {
    let run_id = pass.run_id;
    let mut rejected = Rejected::default();
    let mut events = Vec::new();
    let mut tx = app.db.begin().await?;
    tx.leave_access_alone();
    let mut known = store::count_spans(&mut tx, run_id).await?;
    for span in spans {
        let Some(span) = span else {
            rejected.unnamed += 1;
            continue;
        };
        if known >= MOST_SPANS {
            rejected.too_many += 1;
            continue;
        }
        if claim(&mut tx, run_id, &Fact::Span(&span.trace_id, &span.span_id)).await? {
            known += 1;
            events.push(event(run_id, &span));
        }
    }
    if rejected.too_many > 0 && claim(&mut tx, run_id, &Fact::Notice("spans_left_out")).await? {
        let message = format!("The project told of more than {MOST_SPANS} spans; the log has no more of them.");
        events.push(notice(run_id, "spans_left_out", &message));
    }
    if !super::append(app, &mut tx, pass, &events).await? {
        return Err(Refusal::closed());
    }
    tx.commit().await?;
    Ok(rejected)
}

fn event(run_id: Uuid, span: &ToldSpan) -> EventBody {
    let value = serde_json::to_value(span).unwrap_or_default();
    EventBody::RunEvent { run_id, event: AgUiEvent::Custom { name: TOLD_SPAN.to_owned(), value } }
}

/// Whether a project has told of any span: then its last ones may be on their way when it has answered.
///
/// # Errors
/// Whatever the database answers.
pub(crate) async fn tells_spans(app: &App, run_id: Uuid) -> sqlx::Result<bool> {
    store::has_spans(&app.db, run_id).await
}

fn answered(form: Form, rejected: &Rejected) -> Response {
    let mut reasons = Vec::new();
    if rejected.unnamed > 0 {
        reasons.push("some have no valid ids".to_owned());
    }
    if rejected.too_many > 0 {
        reasons.push(format!("a run takes {MOST_SPANS} spans and no more"));
    }
    let count = rejected.unnamed + rejected.too_many;
    let message = reasons.join("; ");
    let partial = PartialSuccess { rejected_spans: count, error_message: message.clone() };
    let response = ExportResponse { partial_success: (count > 0).then_some(partial) };
    let partial = json!({ "partialSuccess": { "rejectedSpans": count.to_string(), "errorMessage": message } });
    let json = if count > 0 { partial } else { json!({}) };
    answer(form, StatusCode::OK, response.encode_to_vec(), &json)
}

fn refused(form: Form, refusal: &Refusal) -> Response {
    // The numbers of google.rpc.Code.
    let code = match refusal.status.as_u16() {
        401 | 403 => 16,
        413 => 8,
        400..=499 => 3,
        _ => 13,
    };
    let message = format!("{}: {}", refusal.code, refusal.message);
    let json = json!({ "code": code, "message": message });
    let mut response = answer(form, refusal.status, RpcStatus { code, message }.encode_to_vec(), &json);
    if refusal.status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, refusal::challenge());
    }
    response
}

fn answer(form: Form, status: StatusCode, protobuf: Vec<u8>, json: &Value) -> Response {
    let (kind, body) = match form {
        Form::Protobuf => ("application/x-protobuf", Bytes::from(protobuf)),
        Form::Json => ("application/json", Bytes::from(json.to_string())),
    };
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}
