//! What a caller sent of a conversation, as a run takes it.

use serde::Deserialize;

use crate::error::{Error, Result};

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The program: what it wants the agent to know.
    Caller,
    /// The person.
    Person,
    /// The agent.
    Agent,
}

impl Speaker {
    /// Who speaks in a message with this role; none for what is no part of a conversation, such as a tool's.
    pub(super) fn of_role(role: &str) -> Option<Self> {
        match role {
            "system" | "developer" => Some(Self::Caller),
            "user" => Some(Self::Person),
            "assistant" => Some(Self::Agent),
            _ => None,
        }
    }
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) by: Speaker,
    pub(super) text: String,
}

/// A message's content on the wire: text, or a list of parts.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(super) enum Content {
    /// The text.
    Text(String),
    /// Parts, of which only text is understood.
    Parts(Vec<Part>),
}

/// A part of a message.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct Part {
    /// `text`, or something that an agent of text cannot read.
    #[serde(rename = "type")]
    kind: String,
    /// The text.
    #[serde(default)]
    text: String,
}

impl Content {
    /// The text; `path` is the content's place in the body.
    ///
    /// # Errors
    /// `422 content_unsupported` for images, sound and files.
    pub(super) fn into_text(self, path: &str) -> Result<String> {
        let parts = match self {
            Self::Text(text) => return Ok(text),
            Self::Parts(parts) => parts,
        };
        if let Some((index, part)) = parts.iter().enumerate().find(|(_, part)| part.kind != "text") {
            let message = format!(
                "Agents here read text, and this part is {:?}. Send its text, or leave it out.",
                part.kind.chars().take(40).collect::<String>()
            );
            return Err(Error::invalid(format!("{path}/{index}/type"), "content_unsupported", message));
        }
        Ok(parts.into_iter().map(|part| part.text).collect::<Vec<_>>().join("\n"))
    }
}

/// A conversation up to what is to be answered now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Conversation {
    /// What the person said and the agent answered before, oldest first. What the agent said first of all
    /// answers nothing.
    pub(super) earlier: Vec<(String, String)>,
    /// What is to be answered, with what the caller wants the agent to know in front of it.
    pub(super) input: String,
}

impl Conversation {
    /// The conversation that these messages are.
    ///
    /// What the caller says beside the person (a system message) is put in front of the last message: the
    /// agent's instructions are the project's, and a caller may add to them but not stand in their place.
    ///
    /// # Errors
    /// `422 input_empty` when the last word is not the person's.
    pub(super) fn of(messages: Vec<Said>) -> Result<Self> {
        let (mut known, mut earlier, mut open) = (Vec::new(), Vec::<(String, String)>::new(), None::<String>);
        for Said { by, text } in messages {
            match by {
                Speaker::Caller => known.push(text),
                Speaker::Person => {
                    open = Some(match open {
                        Some(before) => format!("{before}\n\n{text}"),
                        None => text,
                    });
                }
                Speaker::Agent => match (open.take(), earlier.last_mut()) {
                    (Some(said), _) => earlier.push((said, text)),
                    (None, Some((_, answered))) => *answered = format!("{answered}\n\n{text}"),
                    (None, None) => earlier.push((String::new(), text)),
                },
            }
        }
        let said = open.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
            Error::invalid("/messages", "input_empty", "Expected the last message to be the user's, with some text.")
        })?;
        known.retain(|text| !text.trim().is_empty());
        known.push(said);
        Ok(Self { earlier, input: known.join("\n\n") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(messages: &[(Speaker, &str)]) -> Result<Conversation> {
        Conversation::of(messages.iter().map(|(by, text)| Said { by: *by, text: (*text).to_owned() }).collect())
    }

    #[test]
    fn what_was_said_before_is_in_pairs_and_the_last_word_is_the_persons() {
        use Speaker::{Agent, Caller, Person};
        let found = of(&[
            (Agent, "Hello!"),
            (Caller, "It is Monday."),
            (Person, "Hi."),
            (Person, "A question:"),
            (Agent, "Yes?"),
            (Agent, "Go on."),
            (Person, "What day is it?"),
        ])
        .unwrap();
        let pair = |said: &str, answered: &str| (said.to_owned(), answered.to_owned());
        assert_eq!(found.earlier, [pair("", "Hello!"), pair("Hi.\n\nA question:", "Yes?\n\nGo on.")]);
        assert_eq!(found.input, "It is Monday.\n\nWhat day is it?");
        for without in [&[][..], &[(Caller, "x")], &[(Person, "x"), (Agent, "y")], &[(Person, " ")]] {
            assert_eq!(of(without).unwrap_err().code(), "invalid", "{without:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        let parts: Content = serde_json::from_str(r#"[{"type":"text","text":"a"},{"type":"image_url"}]"#).unwrap();
        let refused = parts.into_text("/messages/0/content").unwrap_err();
        assert!(refused.detail().starts_with("/messages/0/content/1/type: "), "{refused}");
        let parts: Content =
            serde_json::from_str(r#"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#).unwrap();
        assert_eq!(parts.into_text("").unwrap(), "a\nb");
    }
}
