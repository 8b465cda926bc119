//! A model endpoint on loopback for the measurements: answers word by word at a steady pace.

use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts the endpoint and returns its base URL. It ends with the runtime.
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
    read_request(&mut stream).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n").await?;
    let mut clock = tokio::time::interval(pace);
    for word in 0..words {
        clock.tick().await;
        stream.write_all(chunk(&format!(r#"{{"content":"word{word} "}}"#), "null").as_bytes()).await?;
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

/// Reads a request with its body, which is not looked at.
async fn read_request(stream: &mut TcpStream) -> Result<()> {
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
                return Ok(());
            }
        }
        if count == 0 {
            return Ok(());
        }
    }
}
