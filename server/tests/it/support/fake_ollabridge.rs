//! A double of OllaBridge for tests: the pairing of its cloud (`/device/pair-simple`) and of its local
//! gateway (`/pair`), and its wire, which has no streams. It follows the answers of `ollabridge` 0.1.9 where
//! they were seen, and the documents of its cloud where that cannot be run. It is not OllaBridge's software;
//! `scripts/ollabridge.sh` starts that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The cloud.
    Cloud,
    /// The local gateway in pairing mode.
    Local,
    /// The local gateway in a mode in which it hands out tokens and accepts none.
    LocalThatTakesKeysOnly,
}

/// The double.
pub struct FakeOllabridge {
    /// Its address, without `/v1`.
    pub url: String,
    known: Arc<Known>,
}

struct Known {
    form: Form,
    codes: Mutex<Vec<String>>,
    /// Tokens by the device they were given to.
    tokens: Mutex<HashMap<String, String>>,
}

impl FakeOllabridge {
    /// Starts a double that shows these codes, each good once.
    pub async fn start(form: Form, codes: &[&str]) -> Self {
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        let known = Arc::new(Known { form, codes: Mutex::new(codes), tokens: Mutex::default() });
        let models = Router::new().route("/v1/models", get(models)).route("/v1/chat/completions", post(chat));
        let router = match form {
            Form::Cloud => models.route("/device/pair-simple", post(pair_simple)),
            _ => models.route("/pair", post(pair)).route("/pair/revoke", post(revoke)),
        };
        let not_found = || async { (StatusCode::NOT_FOUND, Json(json!({"detail": "Not Found"}))) };
        let router = router.fallback(not_found).with_state(known.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, known }
    }

    /// The devices that it knows.
    pub fn devices(&self) -> Vec<String> {
        self.known.tokens.lock().unwrap().keys().cloned().collect()
    }

    /// The tokens that it gave out and still knows.
    pub fn tokens(&self) -> Vec<String> {
        self.known.tokens.lock().unwrap().values().cloned().collect()
    }
}

impl Known {
    /// Takes a code, whatever blanks and hyphens are in it, and gives a device and its token.
    fn issue(&self, code: &Value, token_prefix: &str) -> Option<(String, String)> {
        let bare = |text: &str| text.replace([' ', '-'], "").to_uppercase();
        let code = bare(code.as_str().unwrap_or_default());
        let mut codes = self.codes.lock().unwrap();
        let place = codes.iter().position(|known| bare(known) == code)?;
        codes.remove(place);
        let mut tokens = self.tokens.lock().unwrap();
        let device = format!("dev-{:08x}", tokens.len() + 0xd79);
        let token = format!("{token_prefix}_canary_{}", uuid::Uuid::now_v7().simple());
        tokens.insert(device.clone(), token.clone());
        Some((device, token))
    }

    fn opens(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let shown = shown.strip_prefix("Bearer ").unwrap_or_default();
        self.form != Form::LocalThatTakesKeysOnly && self.tokens.lock().unwrap().values().any(|token| token == shown)
    }
}

fn closed() -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({"detail": "Invalid or missing API key"}))).into_response()
}

async fn pair_simple(State(known): State<Arc<Known>>, Json(body): Json<Value>) -> Response {
    Json(match known.issue(&body["code"], "dvt") {
        Some((device, token)) => json!({"status": "ok", "device_id": device, "device_token": token}),
        None => json!({"status": "error", "error": "Pairing code expired"}),
    })
    .into_response()
}

async fn pair(State(known): State<Arc<Known>>, Json(body): Json<Value>) -> Response {
    match known.issue(&body["code"], "mtx") {
        Some((device, token)) => Json(json!({"ok": true, "device_id": device, "token": token})).into_response(),
        None => (StatusCode::UNAUTHORIZED, Json(json!({"detail": "Invalid or expired pairing code"}))).into_response(),
    }
}

async fn revoke(State(known): State<Arc<Known>>, Json(body): Json<Value>) -> Response {
    let device = body["device_id"].as_str().unwrap_or_default();
    match known.tokens.lock().unwrap().remove(device) {
        Some(_) => Json(json!({"ok": true})).into_response(),
        None => {
            (StatusCode::NOT_FOUND, Json(json!({"detail": format!("Device '{device}' not found")}))).into_response()
        }
    }
}

async fn models(State(known): State<Arc<Known>>, headers: HeaderMap) -> Response {
    if !known.opens(&headers) {
        return closed();
    }
    Json(json!({"object": "list", "data": [{"id": "gpt-4o", "object": "model", "owned_by": "ollama"}]})).into_response()
}

async fn chat(State(known): State<Arc<Known>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if !known.opens(&headers) {
        return closed();
    }
    if body["model"] != "gpt-4o" {
        let detail = "Client error '404 Not Found' for url 'http://127.0.0.1:4010/api/chat'";
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"detail": detail}))).into_response();
    }
    // Without `created`, `model`, `usage` and a reason, and never as a stream: so it is.
    let message = json!({"role": "assistant", "content": "Hello from the double."});
    Json(json!({"id": "ollabridge-chat", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}))
        .into_response()
}
