//! Stand-ins on the loopback interface: a model that calls one tool and then answers `FINAL`, and an
//! HTTP endpoint that always answers alike. Both keep what they were asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

type Answer = dyn Fn(&Value) -> String + Send + Sync;

/// A server for as long as the test runs.
pub(crate) struct Loopback {
    address: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Loopback {
    /// Answers everything with `text`.
    pub(crate) fn endpoint(text: &'static str) -> Self {
        Self::start(Box::new(move |_| text.to_owned()))
    }

    /// A chat completions API: calls `tool` when it is offered and nothing was returned since the
    /// last user's message, otherwise answers with what was returned.
    pub(crate) fn model(tool: &str, arguments: Value) -> Self {
        let tool = tool.to_owned();
        Self::start(Box::new(move |body| {
            let messages = body["messages"].as_array().cloned().unwrap_or_default();
            let since_user = messages.iter().rposition(|message| message["role"] == "user").map_or(0, |at| at + 1);
            let returned = messages[since_user..].iter().rev().find(|message| message["role"] == "tool");
            let is_offered = body["tools"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|offered| offered["function"]["name"] == tool.as_str());
            let (message, reason) = match returned {
                None if is_offered => {
                    let function = json!({"name": tool, "arguments": arguments.to_string()});
                    let call = json!({"id": "call_1", "type": "function", "function": function});
                    (json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
                }
                returned => {
                    let text = returned.and_then(|message| message["content"].as_str()).unwrap_or("no tool");
                    (json!({"role": "assistant", "content": format!("FINAL: {text}")}), "stop")
                }
            };
            json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "fake",
                "choices": [{"index": 0, "message": message, "finish_reason": reason}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            })
            .to_string()
        }))
    }

    fn start(answer: Box<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let answer: Arc<Answer> = answer.into();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (kept.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &kept, &*answer));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The JSON bodies so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.asked.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }

    /// The request lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(line, _)| line.clone()).collect()
    }
}

fn serve(stream: TcpStream, asked: &Mutex<Vec<(String, Value)>>, answer: &Answer) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) == 0 || header == "\r\n" {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            line = header;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    asked.lock().unwrap().push((line, body.clone()));
    let content = answer(&body);
    let _ = write!(
        writer,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{content}",
        content.len()
    );
}
