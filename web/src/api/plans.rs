//! Plans that the server makes: asked for as a stream, so that what a model is asked and what comes of
//! it can be shown while one waits, and given up by closing it.

use gantry_domain::api::plan::{Plan, PlanEvent, PlanRequest};
use gloo_net::http::Method;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader};

use super::{ApiError, ApiResult, answered, request};

/// Has a plan made; `told` hears what happens on the way. `cancel` ends it, here and at the model.
pub(crate) async fn plan(body: &PlanRequest, cancel: &AbortSignal, mut told: impl FnMut(PlanEvent)) -> ApiResult<Plan> {
    let request =
        request(Method::POST, "/plans").header("Accept", "text/event-stream").abort_signal(Some(cancel)).json(body);
    let answer = answered("/plans", request).await?;
    let cut = |error: JsValue| ApiError::Unreachable(format!("{error:?}"));
    let early = || ApiError::Unexpected {
        status: answer.status(),
        message: "the connection ended before the plan came".to_owned(),
    };
    let stream = answer.body().ok_or_else(early)?;
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut pending = Vec::new();
    loop {
        let piece = JsFuture::from(reader.read()).await.map_err(cut)?;
        if Reflect::get(&piece, &"done".into()).map_err(cut)?.is_truthy() {
            return Err(early());
        }
        let value = Reflect::get(&piece, &"value".into()).map_err(cut)?;
        pending.extend(Uint8Array::new(&value).to_vec());
        for event in events_in(&mut pending) {
            match event {
                PlanEvent::Done { plan } => return Ok(*plan),
                event => told(event),
            }
        }
    }
}

/// Takes the whole lines out of what came, and the events out of those. What is no event is a comment.
fn events_in(pending: &mut Vec<u8>) -> Vec<PlanEvent> {
    let Some(end) = pending.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    let lines: Vec<u8> = pending.drain(..=end).collect();
    let lines = String::from_utf8_lossy(&lines);
    lines.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use gantry_domain::api::plan::PlanMethod;

    use super::*;

    #[test]
    fn events_are_read_from_pieces_that_end_anywhere() {
        let text = ": alive\n\ndata: {\"type\":\"plan.asked\",\"method\":\"text\",\"number\":2}\n\n";
        let expected = [PlanEvent::Asked { method: PlanMethod::Text, number: 2 }];
        for cut in 0..text.len() {
            let mut pending = text.as_bytes()[..cut].to_vec();
            let mut events = events_in(&mut pending);
            pending.extend(&text.as_bytes()[cut..]);
            events.extend(events_in(&mut pending));
            assert_eq!(events, expected, "cut at {cut}");
            assert!(pending.is_empty());
        }
    }
}
