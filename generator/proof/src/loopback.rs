//! Stand-ins on the loopback interface: a model that goes a way, calls one tool and then answers
//! `FINAL`, and an HTTP endpoint that always answers alike. Both keep what they were asked.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use gantry_generator::Move;
use serde_json::{Value, json};

type Answer = dyn Fn(&Value) -> (&'static str, String) + Send + Sync;

/// A server for as long as the process runs.
pub struct Loopback {
    address: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The text of a message, which may be in parts.
pub(crate) fn text_of(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

impl Loopback {
    /// Answers everything with `text`.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub fn endpoint(text: &'static str) -> Result<Self> {
        Self::start(Box::new(move |_| ("text/plain", text.to_owned())))
    }

    /// A chat completions API that answers `FINAL`.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub fn answering() -> Result<Self> {
        Self::model(Vec::new(), "", json!({}))
    }

    /// A chat completions API: says what is `before`, calls `tool` once when it is offered, and
    /// answers everything else with `FINAL` and what the last tool returned.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub fn model(before: Vec<Move>, tool: &str, arguments: Value) -> Result<Self> {
        let tool = tool.to_owned();
        let before = Mutex::new(VecDeque::from(before));
        let (asked, called) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self::start(Box::new(move |body| {
            let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut offered = body["tools"].as_array().into_iter().flatten();
            let is_offered = offered.any(|offered| offered["function"]["name"] == tool.as_str());
            let next = locked(&before).pop_front();
            let said = match next {
                Some(said) => said,
                // The first who is offered it calls it.
                None if is_offered && !called.swap(true, Ordering::SeqCst) => {
                    Move::Call { name: tool.clone(), arguments: arguments.to_string() }
                }
                None => {
                    let returned = messages.iter().rev().find(|message| message["role"] == "tool").map(text_of);
                    Move::Say(format!("FINAL: {} (done)", returned.as_deref().unwrap_or("no tool")))
                }
            };
            completion(body, said, asked.fetch_add(1, Ordering::SeqCst))
        }))
    }

    fn start(answer: Box<Answer>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}", listener.local_addr()?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let answer: Arc<Answer> = answer.into();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (kept.clone(), answer.clone());
                // Whoever goes away in the middle has had no answer; its own test says so.
                std::thread::spawn(move || drop(serve(stream, &kept, &*answer)));
            }
        });
        Ok(Self { address, asked })
    }

    /// `http://127.0.0.1:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The JSON bodies so far.
    pub fn requests(&self) -> Vec<Value> {
        locked(&self.asked).iter().map(|(_, body)| body.clone()).collect()
    }

    /// The request lines so far.
    pub fn lines(&self) -> Vec<String> {
        locked(&self.asked).iter().map(|(line, _)| line.clone()).collect()
    }
}

/// What a model says as the API answers with it: at once, or as a stream if that is asked for.
fn completion(body: &Value, said: Move, number: usize) -> (&'static str, String) {
    let (message, reason) = match said {
        Move::Call { name, arguments } => {
            let function = json!({"name": name, "arguments": arguments});
            let call = json!({"index": 0, "id": format!("call_{number}"), "type": "function", "function": function});
            (json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
        }
        Move::Say(text) => (json!({"role": "assistant", "content": text}), "stop"),
    };
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    if body["stream"] != true {
        let choice = json!({"index": 0, "message": message, "finish_reason": reason});
        let answer = json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [choice], "usage": usage});
        return ("application/json", answer.to_string());
    }
    let chunk = |choices: Value, usage: &Value| {
        let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": body["model"],
            "choices": choices, "usage": usage});
        format!("data: {chunk}\n\n")
    };
    let text = [
        chunk(json!([{"index": 0, "delta": message, "finish_reason": null}]), &Value::Null),
        chunk(json!([{"index": 0, "delta": {}, "finish_reason": reason}]), &Value::Null),
        chunk(json!([]), &usage),
        "data: [DONE]\n\n".to_owned(),
    ];
    ("text/event-stream", text.concat())
}

fn serve(stream: TcpStream, asked: &Mutex<Vec<(String, Value)>>, answer: &Answer) -> Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header == "\r\n" {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
        if line.is_empty() {
            line = header;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    locked(asked).push((line, body.clone()));
    let (kind, content) = answer(&body);
    write!(
        writer,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{content}",
        content.len()
    )?;
    Ok(())
}
