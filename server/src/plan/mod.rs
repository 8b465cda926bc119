//! Plans: proposed specs made from a sentence. The rules are the generator's; here a model may write
//! one instead. A plan is not kept, it becomes a project when somebody creates one from its spec.

pub(crate) mod http;
mod model;

use crate::error::{Error, Result};

/// How long a prompt may be, in characters.
const LONGEST_PROMPT: usize = 10_000;

/// Refuses a prompt that nothing can be planned from.
///
/// # Errors
/// `422 prompt_length`.
pub(crate) fn check_prompt(prompt: &str) -> Result<()> {
    if prompt.trim().is_empty() || prompt.chars().count() > LONGEST_PROMPT {
        return Err(Error::invalid(
            "/prompt",
            "prompt_length",
            format!("Expected 1 to {LONGEST_PROMPT} characters that say what the agent is to do."),
        ));
    }
    Ok(())
}
