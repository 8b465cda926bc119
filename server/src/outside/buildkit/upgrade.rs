//! Opening a connection to the engine and turning it into HTTP/2 without TLS.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::BuildError;
use crate::outside::docker::Docker;

/// How long the engine may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long the head of its answer may be, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;

/// Asks the engine to speak HTTP/2 on a new connection to `path`.
///
/// [`DockerError::Unavailable`](crate::outside::docker::DockerError::Unavailable) when nobody
/// answers, [`BuildError::Unsupported`] when the engine answers with anything but 101.
pub(super) async fn upgrade(docker: &Docker, path: &str, headers: &[(&str, &str)]) -> Result<UnixStream, BuildError> {
    let answer = tokio::time::timeout(ANSWER_WITHIN, exchange(docker, path, headers));
    let (stream, head) = answer
        .await
        .map_err(|_| docker.unavailable("no answer within 10 s"))?
        .map_err(|error| docker.unavailable(error))?;
    let status = head.lines().next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 101") {
        return Err(BuildError::Unsupported { address: docker.address(), cause: status.to_owned() });
    }
    Ok(stream)
}

async fn exchange(docker: &Docker, path: &str, headers: &[(&str, &str)]) -> std::io::Result<(UnixStream, String)> {
    let mut stream = UnixStream::connect(docker.socket()).await?;
    let mut request =
        format!("POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    // Byte by byte: what follows the head belongs to HTTP/2 and must stay in the socket.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
        if head.len() > HEAD_LIMIT {
            return Err(std::io::Error::other("the engine's answer is too long"));
        }
    }
    Ok((stream, String::from_utf8_lossy(&head).into_owned()))
}

/// A name that nobody else has, for sessions and builds.
pub(super) fn random_id() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}
