//! A conversation as Markdown, for reading elsewhere.

use gantry_domain::Timestamp;

use super::turn::{Item, ToolCall, Turn};
use crate::parts::json_view::pretty;

/// One turn of a conversation.
pub(super) struct Said {
    /// What the person said.
    pub(super) input: String,
    /// What came of it.
    pub(super) turn: Turn,
    /// The model's name for people.
    pub(super) model: String,
    /// The word for the mode.
    pub(super) mode: &'static str,
    /// When it was said.
    pub(super) at: Timestamp,
}

/// A fence that nothing in the text ends.
pub(super) fn fence_of(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// A text as a block of code.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let fence = fence_of(text);
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

/// The conversation.
pub(super) fn as_markdown(title: &str, project: &str, turns: &[Said]) -> String {
    let mut text = format!("# {title}\n\nA chat with the agent {project}.\n");
    for said in turns {
        text.push_str(&format!("\n## You, {}\n\n{}\n", said.at, said.input));
        text.push_str(&format!("\n## {project}, {} ({})\n", said.model, said.mode));
        for item in &said.turn.items {
            match item {
                Item::Message(message) => {
                    let speaker = message.speaker.as_ref().map(|name| format!("\n**{name}**\n")).unwrap_or_default();
                    text.push_str(&format!("{speaker}\n{}\n", message.text.whole()));
                }
                Item::ToolCall(call) => text.push_str(&call_text(call)),
                Item::Notice(notice) => text.push_str(&format!("\n> {}\n", notice.message)),
            }
        }
        if let Some(reason) = said.turn.reason.as_ref().filter(|_| said.turn.state.is_final()) {
            text.push_str(&format!("\n> Ended: {} ({})\n", reason.message, reason.code));
        }
    }
    text
}

fn call_text(call: &ToolCall) -> String {
    let mut text = format!("\n**Tool `{}`**: {}\n", call.name, call.state.label().to_lowercase());
    text.push_str(&format!("\n{}\n", fenced("json", &pretty(&call.arguments))));
    if let Some(result) = call.result.as_ref().filter(|result| !result.is_empty()) {
        text.push_str(&format!("\n{}\n", fenced("", &pretty(result))));
    }
    text
}

#[cfg(test)]
mod tests {
    use gantry_domain::api::job::JobState;

    use super::*;
    use crate::pages::project::chat::turn::{CallState, Message};
    use crate::parts::markdown::GrowingText;

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        assert_eq!(fenced("json", "{}\n"), "```json\n{}\n```");
        assert_eq!(fenced("", "a ```` b"), "`````\na ```` b\n`````");
    }

    #[test]
    fn a_conversation_has_what_was_said_and_done() {
        let at = Timestamp::from_micros(1_795_000_000_000_000);
        let mut turn = Turn::blank(JobState::Done);
        turn.items = vec![
            Item::ToolCall(ToolCall {
                id: "c1".to_owned(),
                name: "weather".to_owned(),
                arguments: r#"{"city":"Oslo"}"#.to_owned(),
                state: CallState::Done,
                result: Some("7 degrees".to_owned()),
                approval: None,
                began_at: at,
                duration_ms: Some(3),
            }),
            Item::Message(Message {
                id: "m".to_owned(),
                speaker: Some("writer".to_owned()),
                text: GrowingText::from("It is **7**."),
                complete: true,
            }),
        ];
        let said = Said { input: "Oslo?".to_owned(), turn, model: "fake".to_owned(), mode: "Ask", at };
        let text = as_markdown("Weather", "bot", &[said]);
        let parts = [
            "# Weather",
            "## You, 2026-",
            "Oslo?",
            "## bot, fake (Ask)",
            "**Tool `weather`**: done",
            "\"city\": \"Oslo\"",
            "7 degrees",
            "**writer**",
            "It is **7**.",
        ];
        let mut from = 0;
        for part in parts {
            from += text[from..].find(part).unwrap_or_else(|| panic!("{part} is missing in\n{text}"));
        }
    }
}
