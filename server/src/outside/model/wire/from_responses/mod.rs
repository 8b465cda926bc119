//! Requests that come as OpenAI's Responses, for endpoints that have chat completions only, and the answers on
//! their way back.
//!
//! What an answer would have to remember from one request to the next (`previous_response_id`,
//! `conversation`, references to items) and tools that run at OpenAI are refused: nobody here keeps them.

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
