//! Connections to and from a container that has no network: frames over the standard streams of a small
//! program in it. Both ends of a connection are ordinary streams of bytes here.
//!
//! What comes out of a container is not trusted: a frame has a largest size, connections a largest
//! number. A container whose connection nobody reads holds up its other connections and nobody else's.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

/// A language that the program in the container is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarder {
    /// For images that have `python3`.
    Python,
    /// For images that have `node`.
    Node,
}

impl Forwarder {
    /// The command that runs it: it listens on `gateway` within the container, and connects to `agent`.
    pub(super) fn command(self, gateway: u16, agent: u16) -> Vec<String> {
        let (program, text): (&[&str], _) = match self {
            // Isolated: what the project has or sets for its own Python does not concern this one.
            Self::Python => (&["python3", "-I", "-c"], include_str!("forward.py")),
            Self::Node => (&["node", "-e"], include_str!("forward.js")),
        };
        let mut command: Vec<String> = program.iter().map(|part| (*part).to_owned()).collect();
        command.push(text.to_owned());
        if self == Self::Node {
            command.push("--".to_owned());
        }
        command.extend([gateway.to_string(), agent.to_string()]);
        command
    }
}

const OPEN: u8 = 0;
const DATA: u8 = 1;
const CLOSE: u8 = 2;
const READY: u8 = 3;
/// Bytes before the data of a frame: a kind, a number, a length.
const HEAD: usize = 9;
/// Bytes of one frame at most; the program in the container sends less.
const LARGEST_FRAME: usize = 1024 * 1024;
/// Bytes that a connection holds for a slow reader.
const BUFFER: usize = 64 * 1024;
/// How many frames may wait to be sent.
const AHEAD: usize = 64;
/// How many connections may be open at once.
const MOST_CONNECTIONS: usize = 256;

/// The way into a container. Dropped, it is closed, and so are its connections.
#[derive(Debug)]
pub struct Tunnel {
    wishes: mpsc::Sender<DuplexStream>,
    over: watch::Receiver<()>,
    task: JoinHandle<()>,
}

/// The connections that a container opens, for a server to accept.
#[derive(Debug)]
pub struct Arrivals(mpsc::Receiver<DuplexStream>);

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tunnel {
    /// Begins to speak with the program in the container; none when it ends before it is ready.
    pub(super) async fn open(
        output: impl Stream<Item = Bytes> + Send + 'static,
        input: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Option<(Self, Arrivals)> {
        let (wishes, wished) = mpsc::channel(AHEAD);
        let (arrived, arrivals) = mpsc::channel(AHEAD);
        let (is_open, over) = watch::channel(());
        let mut frames = FrameReader { output: Box::pin(output), held: BytesMut::new() };
        match frames.next().await {
            Some((READY, ..)) => {}
            _ => return None,
        }
        let task = tokio::spawn(async move {
            carry(frames, input, wished, arrived).await;
            drop(is_open);
        });
        Some((Self { wishes, over, task }, Arrivals(arrivals)))
    }

    /// A connection to the port that the agent listens on. When nobody listens there, it ends at once.
    ///
    /// # Errors
    /// When the program in the container has ended.
    pub async fn connect(&self) -> io::Result<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        self.wishes.send(theirs).await.map_err(|_| io::Error::from(io::ErrorKind::ConnectionReset))?;
        Ok(ours)
    }

    /// Waits until the program in the container has ended.
    pub async fn ended(&self) {
        let mut over = self.over.clone();
        while over.changed().await.is_ok() {}
    }
}

impl axum::serve::Listener for Arrivals {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(connection) => (connection, ()),
            // The container is gone; whoever serves is told so in another way.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

struct FrameReader {
    output: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
    held: BytesMut,
}

impl FrameReader {
    /// The next frame; none when the program ended or says what is no frame. Nothing is lost when the
    /// future is dropped.
    async fn next(&mut self) -> Option<(u8, u32, Bytes)> {
        loop {
            if self.held.len() >= HEAD {
                let mut head = &self.held[..HEAD];
                let (kind, number, length) = (head.get_u8(), head.get_u32(), head.get_u32() as usize);
                if length > LARGEST_FRAME {
                    return None;
                }
                if self.held.len() >= HEAD + length {
                    self.held.advance(HEAD);
                    return Some((kind, number, self.held.split_to(length).freeze()));
                }
            }
            let more = self.output.next().await?;
            self.held.extend_from_slice(&more);
        }
    }
}

/// Carries frames until one side ends.
async fn carry(
    frames: FrameReader,
    input: impl AsyncWrite + Unpin,
    wished: mpsc::Receiver<DuplexStream>,
    arrived: mpsc::Sender<DuplexStream>,
) {
    let (send, to_send) = mpsc::channel::<Bytes>(AHEAD);
    tokio::select! {
        () = write_frames(input, to_send) => {}
        () = take_frames(frames, wished, arrived, send) => {}
    }
}

async fn write_frames(mut input: impl AsyncWrite + Unpin, mut to_send: mpsc::Receiver<Bytes>) {
    while let Some(frame) = to_send.recv().await {
        if input.write_all(&frame).await.is_err() || input.flush().await.is_err() {
            return;
        }
    }
}

/// Never waits for something to be sent: else both sides could wait for one another.
async fn take_frames(
    mut frames: FrameReader,
    mut wished: mpsc::Receiver<DuplexStream>,
    arrived: mpsc::Sender<DuplexStream>,
    send: mpsc::Sender<Bytes>,
) {
    let mut connections: HashMap<u32, WriteHalf<DuplexStream>> = HashMap::new();
    // Dropped with this function, they let go of their ends.
    let mut readers = JoinSet::new();
    let mut next = 2_u32;
    loop {
        tokio::select! {
            wish = wished.recv() => {
                let Some(connection) = wish else { return };
                let number = next;
                next = next.wrapping_add(2);
                let (read, write) = tokio::io::split(connection);
                connections.insert(number, write);
                readers.spawn(send_all(true, number, read, send.clone()));
            }
            taken = frames.next() => {
                let Some((kind, number, data)) = taken else { return };
                match kind {
                    OPEN if number % 2 == 1 && connections.len() < MOST_CONNECTIONS => {
                        let (ours, theirs) = tokio::io::duplex(BUFFER);
                        if arrived.send(theirs).await.is_err() {
                            return;
                        }
                        let (read, write) = tokio::io::split(ours);
                        connections.insert(number, write);
                        readers.spawn(send_all(false, number, read, send.clone()));
                    }
                    OPEN => {
                        let send = send.clone();
                        readers.spawn(async move {
                            let _ = send.send(frame(CLOSE, number, &[])).await;
                        });
                    }
                    DATA => {
                        if let Some(connection) = connections.get_mut(&number)
                            && connection.write_all(&data).await.is_err()
                        {
                            connections.remove(&number);
                        }
                    }
                    CLOSE => {
                        if let Some(mut connection) = connections.remove(&number) {
                            let _ = connection.shutdown().await;
                        }
                    }
                    _ => {}
                }
            }
            Some(_) = readers.join_next() => {}
        }
    }
}

/// Sends what is written at our end of a connection, and that it ended.
async fn send_all(opens: bool, number: u32, mut read: ReadHalf<DuplexStream>, send: mpsc::Sender<Bytes>) {
    if opens && send.send(frame(OPEN, number, &[])).await.is_err() {
        return;
    }
    let mut data = vec![0_u8; 16 * 1024];
    loop {
        let count = read_some(&mut read, &mut data).await;
        let (kind, part) = if count == 0 { (CLOSE, &[][..]) } else { (DATA, &data[..count]) };
        if send.send(frame(kind, number, part)).await.is_err() || count == 0 {
            return;
        }
    }
}

async fn read_some(read: &mut (impl AsyncRead + Unpin), data: &mut [u8]) -> usize {
    read.read(data).await.unwrap_or(0)
}

fn frame(kind: u8, number: u32, data: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD + data.len());
    frame.put_u8(kind);
    frame.put_u32(number);
    frame.put_u32(u32::try_from(data.len()).unwrap_or(0));
    frame.put_slice(data);
    frame.freeze()
}

#[cfg(test)]
mod tests;
