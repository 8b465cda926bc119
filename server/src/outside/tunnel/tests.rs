//! Both programs that forward, as processes of this machine: what goes in comes out, and every end is noticed.

use std::process::Stdio;

use futures::StreamExt;
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Runs the program as a process of this machine, with a tunnel to it.
async fn with_program(
    forwarder: Forwarder,
    gateway: u16,
    agent: u16,
) -> Option<(Tunnel, Arrivals, tokio::process::Child)> {
    let command = forwarder.command(gateway, agent);
    let mut child = tokio::process::Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let output = tokio_util::io::ReaderStream::new(child.stdout.take().unwrap());
    let output = output.filter_map(async |part| part.ok());
    let (tunnel, arrivals) = Tunnel::open(output, child.stdin.take().unwrap()).await.expect("it is ready");
    Some((tunnel, arrivals, child))
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Answers everything with itself, and ends when the other side does.
async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut data = vec![0; 8 * 1024];
    loop {
        let count = stream.read(&mut data).await.unwrap_or(0);
        if count == 0 || stream.write_all(&data[..count]).await.is_err() {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// Sends a text and gives what came back until the other side ended.
async fn said(stream: impl AsyncRead + AsyncWrite + Unpin, text: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = tokio::io::split(stream);
    let mut back = Vec::new();
    let (sent, read) = tokio::join!(
        async {
            write.write_all(text).await?;
            write.shutdown().await
        },
        read.read_to_end(&mut back)
    );
    sent.unwrap();
    read.unwrap();
    back
}

async fn carries_both_ways(forwarder: Forwarder) {
    let agent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = agent.local_addr().unwrap().port();
    let gateway = free_port().await;
    let Some((tunnel, mut arrivals, mut child)) = with_program(forwarder, gateway, port).await else {
        eprintln!("NOT TESTED: {forwarder:?} is not on this machine");
        return;
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = agent.accept().await {
            tokio::spawn(echo(stream));
        }
    });
    tokio::spawn(async move {
        loop {
            let (stream, ()) = axum::serve::Listener::accept(&mut arrivals).await;
            tokio::spawn(echo(stream));
        }
    });
    let text: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
    let inward = async { said(tunnel.connect().await.unwrap(), &text).await };
    let outward = async { said(TcpStream::connect(("127.0.0.1", gateway)).await.unwrap(), &text).await };
    let small = async { said(tunnel.connect().await.unwrap(), b"hello").await };
    let (inward, outward, small) = tokio::join!(inward, outward, small);
    assert!(inward == text && outward == text, "{} and {} bytes of {}", inward.len(), outward.len(), text.len());
    assert_eq!(small, b"hello");

    child.start_kill().unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(5), tunnel.ended()).await.expect("its end is noticed");
    assert!(tunnel.connect().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_program_carries_connections_both_ways() {
    carries_both_ways(Forwarder::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_program_carries_connections_both_ways() {
    carries_both_ways(Forwarder::Node).await;
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_ends_the_connection_at_once() {
    let (gateway, agent) = (free_port().await, free_port().await);
    let (tunnel, _arrivals, _child) = with_program(Forwarder::Python, gateway, agent).await.unwrap();
    let mut connection = tunnel.connect().await.unwrap();
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), connection.read(&mut [0; 8])).await;
    assert_eq!(read.expect("it ends").unwrap(), 0);
}

#[tokio::test]
async fn what_is_no_frame_ends_the_tunnel() {
    let head = |kind: u8, length: u32| {
        let mut bytes = vec![kind];
        bytes.extend(1_u32.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        Bytes::from(bytes)
    };
    let (input, _other) = tokio::io::duplex(1024);
    let said = vec![head(READY, 0), head(DATA, u32::MAX)];
    let (tunnel, _arrivals) = Tunnel::open(futures::stream::iter(said), input).await.unwrap();
    tunnel.ended().await;
    let (input, _other) = tokio::io::duplex(1024);
    assert!(
        Tunnel::open(futures::stream::iter(vec![Bytes::from_static(b"OCI runtime exec failed")]), input)
            .await
            .is_none()
    );
}
