//! A model endpoint on loopback for the measurements: answers word by word at a steady pace. What it is asked
//! to hold is answered by a word a second, so that a run stays under way.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a request has in it that is answered slowly.
pub(super) const HOLD: &str = "Hold the line.";
/// For how long that takes, in words of a second each.
const HOLD_WORDS: usize = 600;

/// Starts the endpoint and returns its base URL. It ends with the runtime. Every word is the moment at which
/// it was written, in microseconds since 1970.
pub(super) async fn start(words: usize, pace: Duration) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/v1", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // A client that goes away in the middle is its own business.
                let _ = answer(stream, words, pace).await;
            });
        }
    });
    Ok(base)
}

async fn answer(mut stream: TcpStream, words: usize, pace: Duration) -> Result<()> {
    stream.set_nodelay(true)?;
    let is_held = read_request(&mut stream).await?.contains(HOLD);
    let (words, pace) = if is_held { (HOLD_WORDS, Duration::from_secs(1)) } else { (words, pace) };
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n").await?;
    let mut clock = tokio::time::interval(pace.max(Duration::from_micros(1)));
    for _ in 0..words {
        clock.tick().await;
        stream.write_all(chunk(&format!(r#"{{"content":"{} "}}"#, now_micros()), "null").as_bytes()).await?;
    }
    stream.write_all(chunk("{}", "\"stop\"").as_bytes()).await?;
    stream.write_all(b"data: [DONE]\n\n").await?;
    Ok(())
}

fn chunk(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

/// Microseconds since 1970.
pub(super) fn now_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Reads a request, and gives its body.
async fn read_request(stream: &mut TcpStream) -> Result<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).await?;
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return Ok(body.to_owned());
            }
        }
        if count == 0 {
            return Ok(String::new());
        }
    }
}
