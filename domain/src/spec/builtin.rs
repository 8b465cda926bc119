//! What Gantry's own tools do, to the letter: the native runtime (Rust) and every emitter (Python)
//! give the same answer to the same arguments, so that a chat with the native runtime says what the
//! built image will say. The code is in the server's `runtime/builtin` and in the generator's
//! templates; the definition is here.
//!
//! # `calculator` `{expression}`
//! * Numbers: `(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?` with ASCII digits (`12`, `0.5`, `.5`, `1e3`; no `_`).
//! * Operators, loosest first: `+ -` (left), `* / // %` (left), unary `+ -`, `**` (right, binds tighter
//!   than a unary minus on its left: `-2**2` is `-4`; its right side may carry a sign: `2**-1`).
//!   `^` means `**`. Parentheses. Spaces and tabs mean nothing. No names, no functions.
//! * All arithmetic is IEEE 754 double precision. `//` is the floor of the quotient and `%` has the
//!   sign of the divisor, both as Python's `float` does it.
//! * At most 1 000 characters and 50 levels of parentheses.
//! * The answer: a whole number of magnitude below 1e15 is written without a fraction (`4`, never
//!   `4.0` or `-0`); anything else as Python's `repr(float)` (`0.30000000000000004`, `1e+16`, `1.5e-07`).
//! * Failures, exactly: `Error: division by zero` (`/`, `//`, `%` by zero, and 0 to a negative power),
//!   `Error: the result is not a finite real number` (a power that overflows or is complex, or a final
//!   value that is infinite or not a number), and `Error: not an arithmetic expression` for everything else.
//!
//! # `current_time` `{utc_offset?}`
//! * `utc_offset` is `Z` or `±HH:MM` with HH 00 to 23 and MM 00 to 59; `+00:00` when left out.
//! * The answer: `2026-11-21T10:15:00+02:00`, whole seconds, the offset always as `±HH:MM` (`+00:00` for UTC).
//! * Failure, exactly: `Error: utc_offset must look like +02:00`.
//!
//! # `text_statistics` `{text}`
//! * Characters are Unicode code points. Words are what Python's `str.split()` gives. Lines are the
//!   pieces between `\n`, of which a last empty one does not count; an empty text has none.
//! * The answer: `{"characters": 11, "words": 2, "lines": 1}`, spelled exactly so.

use serde_json::{Value, json};

use super::{Builtin, Effect, Tool, ToolSource};

impl Builtin {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CurrentTime, Self::Calculator, Self::TextStatistics];

    /// The word in the spec.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CurrentTime => "current_time",
            Self::Calculator => "calculator",
            Self::TextStatistics => "text_statistics",
        }
    }

    /// What it does, for a model to read.
    pub fn description(self) -> &'static str {
        match self {
            Self::CurrentTime => "Tell the current date and time, in UTC or at an offset from it.",
            Self::Calculator => "Compute the value of an arithmetic expression, such as (2 + 3) * 4.",
            Self::TextStatistics => "Count the characters, words and lines of a text.",
        }
    }

    /// Its arguments: the JSON Schema that a spec's `parameters` carries for it.
    pub fn parameters(self) -> Value {
        match self {
            Self::CurrentTime => json!({
                "type": "object",
                "properties": {
                    "utc_offset": {
                        "type": "string",
                        "description": "The offset from UTC, such as +02:00; UTC when left out.",
                    },
                },
                "additionalProperties": false,
            }),
            Self::Calculator => json!({
                "type": "object",
                "properties": {
                    "expression": {
                        "type": "string",
                        "description": "Numbers, + - * / // % ** and parentheses.",
                    },
                },
                "required": ["expression"],
                "additionalProperties": false,
            }),
            Self::TextStatistics => json!({
                "type": "object",
                "properties": {
                    "text": { "type": "string", "description": "The text to count." },
                },
                "required": ["text"],
                "additionalProperties": false,
            }),
        }
    }

    /// The tool as a spec lists it.
    pub fn tool(self) -> Tool {
        Tool {
            id: self.as_str().to_owned(),
            description: self.description().to_owned(),
            parameters: self.parameters(),
            effect: Effect::Read,
            timeout_ms: super::default_timeout(),
            source: ToolSource::Builtin { name: self },
        }
    }
}
