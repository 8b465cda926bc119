//! Doors to other formats, over HTTP. What is read and written is the generator's; nothing is kept.

pub(crate) mod http;
