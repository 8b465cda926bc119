//! Agents spoken to by other programs, in protocols that are not Gantry's own: OpenAI's chat completions
//! ([`openai`]), AG-UI ([`agui`]), the Model Context Protocol ([`mcp`]) and A2A ([`a2a`]).
//!
//! A request is a run like any other: it is in the Activity page, asks for approvals there, and is stopped
//! when whoever asked for it has gone. What an agent does belongs in `runtime/`; Gantry's own interface to
//! runs belongs in `run/`.

pub(crate) mod a2a;
pub(crate) mod agui;
mod call;
mod conversation;
pub(crate) mod mcp;
pub(crate) mod openai;

use conversation::{Conversation, Said, Speaker};
