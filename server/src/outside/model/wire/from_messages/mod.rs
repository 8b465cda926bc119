//! Requests that come as Anthropic's Messages, for endpoints that speak OpenAI's chat completions, and the
//! answers on their way back: the other direction of `anthropic`.
//!
//! What asks for a detail and has no counterpart (`top_k`, `thinking`, thoughts of earlier turns, marks for
//! caches) is left out. What would change the meaning of an answer (tools that run at Anthropic, files that
//! are kept there) is refused.

mod answer;
mod events;
mod request;
mod stream;

pub(super) use answer::answer;
pub(crate) use events::streamed;
pub(super) use request::request;
pub(in crate::outside::model) use stream::EventWriter;

#[cfg(test)]
mod tests;
