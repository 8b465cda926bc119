//! What words mean to the planner: about twenty shapes of agents, each known by its words.

use std::collections::HashSet;

/// A kind of agent that people often ask for.
pub(super) struct Shape {
    /// What its projects are called.
    pub(super) slug: &'static str,
    /// What a tool that serves it is about.
    pub(super) subject: &'static str,
    /// What the agent is.
    pub(super) role: &'static str,
    /// What such an agent should heed.
    pub(super) advice: &'static str,
    /// The words that speak for it, the telling ones first; the first three count double.
    words: &'static [&'static str],
}

const SHAPES: &[Shape] = &[
    Shape {
        slug: "weather-reporter",
        subject: "weather",
        role: "Weather reporter",
        advice: "Give temperatures with their unit.",
        words: &["weather", "forecast", "temperature", "rain", "wind", "city"],
    },
    Shape {
        slug: "support-triage",
        subject: "ticket",
        role: "Support agent",
        advice: "Name the topic and the urgency of every request, and say what happens next.",
        words: &["support", "triage", "ticket", "tickets", "helpdesk", "customer", "customers", "complaint", "urgency"],
    },
    Shape {
        slug: "research-digest",
        subject: "source",
        role: "Researcher",
        advice: "Name the source of every claim, and say what you could not find.",
        words: &["research", "digest", "papers", "arxiv", "literature", "sources", "study", "news", "findings"],
    },
    Shape {
        slug: "data-analyst",
        subject: "data",
        role: "Data analyst",
        advice: "State the question that you answer, then the numbers, then what they mean.",
        words: &[
            "analyst",
            "sql",
            "dataset",
            "data",
            "query",
            "metrics",
            "report",
            "csv",
            "statistics",
            "analyse",
            "analyze",
        ],
    },
    Shape {
        slug: "code-reviewer",
        subject: "code",
        role: "Code reviewer",
        advice: "Name the line, the fault and a better way; praise nothing.",
        words: &["code", "refactor", "repository", "review", "bug", "bugs", "programming", "python", "function"],
    },
    Shape {
        slug: "translator",
        subject: "translation",
        role: "Translator",
        advice: "Keep names, numbers and layout as they are.",
        words: &[
            "translate",
            "translator",
            "translation",
            "translates",
            "language",
            "languages",
            "english",
            "german",
            "french",
            "spanish",
        ],
    },
    Shape {
        slug: "summarizer",
        subject: "text",
        role: "Summarizer",
        advice: "Keep what decides, leave out what repeats, add nothing.",
        words: &["summarize", "summarise", "summary", "summarizes", "summaries", "shorten", "tldr", "minutes"],
    },
    Shape {
        slug: "writer",
        subject: "text",
        role: "Writer",
        advice: "Write plainly, in the tone that was asked for.",
        words: &["write", "writer", "essay", "blog", "article", "copy", "draft", "story", "newsletter", "post"],
    },
    Shape {
        slug: "math-tutor",
        subject: "problem",
        role: "Mathematics tutor",
        advice: "Show each step, and check the result with the calculator.",
        words: &["math", "maths", "mathematics", "calculate", "arithmetic", "equation", "sum", "percentage", "tutor"],
    },
    Shape {
        slug: "timekeeper",
        subject: "time",
        role: "Timekeeper",
        advice: "Say which offset from UTC every time is in.",
        words: &["time", "timezone", "clock", "timezones", "date", "today", "utc", "calendar"],
    },
    Shape {
        slug: "text-statistician",
        subject: "text",
        role: "Text statistician",
        advice: "Give the numbers as the tool returned them.",
        words: &["count", "characters", "words", "counts", "lines", "length", "word", "letters"],
    },
    Shape {
        slug: "order-desk",
        subject: "order",
        role: "Order clerk",
        advice: "Repeat an order's number and state before you say anything about it.",
        words: &["order", "orders", "shipment", "shipping", "delivery", "invoice", "invoices", "refund", "warehouse"],
    },
    Shape {
        slug: "travel-planner",
        subject: "trip",
        role: "Travel planner",
        advice: "Give days, places and times in order, with what each leg takes.",
        words: &["travel", "trip", "itinerary", "flight", "flights", "hotel", "hotels", "vacation", "train"],
    },
    Shape {
        slug: "recipe-helper",
        subject: "recipe",
        role: "Cook",
        advice: "List ingredients with amounts first, then numbered steps.",
        words: &["recipe", "recipes", "cook", "cooking", "meal", "ingredients", "dinner", "kitchen"],
    },
    Shape {
        slug: "finance-assistant",
        subject: "price",
        role: "Finance assistant",
        advice: "Give every amount with its currency and the date it was valid on. You give no investment advice.",
        words: &[
            "finance", "stock", "price", "prices", "currency", "exchange", "budget", "expense", "expenses", "crypto",
        ],
    },
    Shape {
        slug: "interview-coach",
        subject: "question",
        role: "Coach",
        advice: "Ask one question at a time, and build on the answers.",
        words: &["interview", "coach", "practice", "feedback", "quiz", "teach", "explain", "lesson", "student"],
    },
    Shape {
        slug: "status-checker",
        subject: "status",
        role: "Operations assistant",
        advice: "Say what is up, what is not, and since when.",
        words: &[
            "status",
            "uptime",
            "monitor",
            "health",
            "incident",
            "incidents",
            "server",
            "servers",
            "deploy",
            "logs",
        ],
    },
    Shape {
        slug: "legal-reader",
        subject: "contract",
        role: "Contract reader",
        advice: "Quote the clause that you speak of. You give no legal advice.",
        words: &["contract", "contracts", "legal", "clause", "policy", "policies", "compliance", "gdpr"],
    },
];

/// The words of a text, in lower case: in their order, and to look up.
pub(super) struct Words {
    in_order: Vec<String>,
    known: HashSet<String>,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        // Addresses are read elsewhere; their parts are no words.
        let without_addresses: Vec<&str> = text.split_whitespace().filter(|word| !word.contains("://")).collect();
        let words = without_addresses
            .iter()
            .flat_map(|word| word.split(|c: char| !c.is_alphanumeric()))
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase);
        let in_order: Vec<String> = words.collect();
        let known = in_order.iter().cloned().collect();
        Self { in_order, known }
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.known.contains(word)
    }

    /// The first of `words` that the text has.
    pub(super) fn first_of(&self, words: &[&'static str]) -> Option<&'static str> {
        words.iter().copied().find(|word| self.has(word))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.in_order.iter().map(String::as_str)
    }
}

/// The shape that most words speak for; none if none does.
pub(super) fn shape(words: &Words, reasons: &mut Vec<String>) -> Option<&'static Shape> {
    let mut best: Option<(&Shape, usize, Vec<&str>)> = None;
    for shape in SHAPES {
        let hits: Vec<(usize, &str)> = shape
            .words
            .iter()
            .enumerate()
            .filter(|(_, word)| words.has(word))
            .map(|(rank, word)| (rank, *word))
            .collect();
        let score = hits.iter().map(|(rank, _)| if *rank < 3 { 2 } else { 1 }).sum();
        // One common word is not enough to say what an agent is.
        if score >= 2 && best.as_ref().is_none_or(|(_, most, _)| score > *most) {
            best = Some((shape, score, hits.into_iter().map(|(_, word)| word).collect()));
        }
    }
    let (shape, _, hits) = best?;
    reasons.push(format!("Role {}: the text says {}.", shape.role, quoted(&hits)));
    Some(shape)
}

/// `"a", "b" and "c"`.
pub(super) fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}
