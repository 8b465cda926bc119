//! What can be the matter with a model's endpoint: the vocabulary of its test.

use serde::{Deserialize, Serialize};

/// What a model's endpoint was found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ProviderFinding))]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It answers for the model.
    Works,
    /// No machine has this name.
    NameNotResolved,
    /// Nothing listens there.
    ConnectionRefused,
    /// No secure connection came about.
    TlsFailed,
    /// It cannot be reached for another reason.
    Unreachable,
    /// It was silent for too long.
    TimedOut,
    /// It wants a key and none is stored.
    KeyMissing,
    /// It refused the key.
    KeyRefused,
    /// The key is known but may not do this.
    KeyNotAllowed,
    /// Nothing is at this path.
    PathWrong,
    /// A web page answered.
    WebPage,
    /// It sends elsewhere.
    Redirected,
    /// It does not know the model.
    ModelUnknown,
    /// Too many requests.
    RateLimited,
    /// The account has nothing left to spend.
    QuotaExceeded,
    /// It has too much to do.
    Overloaded,
    /// It failed by itself.
    EndpointFailing,
    /// It did not understand the request.
    RequestRefused,
    /// What was asked for does not exist on its wire.
    Unsupported,
    /// Its answer broke off.
    BrokenOff,
    /// Its answer is no chat completion.
    NotACompletion,
}

impl Finding {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Works,
        Self::NameNotResolved,
        Self::ConnectionRefused,
        Self::TlsFailed,
        Self::Unreachable,
        Self::TimedOut,
        Self::KeyMissing,
        Self::KeyRefused,
        Self::KeyNotAllowed,
        Self::PathWrong,
        Self::WebPage,
        Self::Redirected,
        Self::ModelUnknown,
        Self::RateLimited,
        Self::QuotaExceeded,
        Self::Overloaded,
        Self::EndpointFailing,
        Self::RequestRefused,
        Self::Unsupported,
        Self::BrokenOff,
        Self::NotACompletion,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::NameNotResolved => "name_not_resolved",
            Self::ConnectionRefused => "connection_refused",
            Self::TlsFailed => "tls_failed",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::KeyMissing => "key_missing",
            Self::KeyRefused => "key_refused",
            Self::KeyNotAllowed => "key_not_allowed",
            Self::PathWrong => "path_wrong",
            Self::WebPage => "web_page",
            Self::Redirected => "redirected",
            Self::ModelUnknown => "model_unknown",
            Self::RateLimited => "rate_limited",
            Self::QuotaExceeded => "quota_exceeded",
            Self::Overloaded => "overloaded",
            Self::EndpointFailing => "endpoint_failing",
            Self::RequestRefused => "request_refused",
            Self::Unsupported => "unsupported",
            Self::BrokenOff => "broken_off",
            Self::NotACompletion => "not_a_completion",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_one_code() {
        for finding in Finding::ALL {
            assert_eq!(serde_json::to_value(finding).unwrap(), finding.code());
        }
    }
}
