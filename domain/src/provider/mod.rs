//! The kinds of model providers: what each is called, how it is spoken to, and what must be known of one.
//!
//! Everything that depends on the kind is here as data, once, for the server, the browser and the
//! documents. No address in it is ever called: `address_form` is what a form shows while its field is
//! empty. How a wire is spoken belongs in the server's `outside/model/wire`.

mod finding;

use serde::{Deserialize, Serialize};

pub use finding::Finding;

/// What kind of endpoint a provider is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "kebab-case"))]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// OpenAI.
    Openai,
    /// Anthropic.
    Anthropic,
    /// Google Gemini, at its OpenAI-compatible endpoint.
    Gemini,
    /// Azure OpenAI.
    AzureOpenai,
    /// Amazon Bedrock, at its OpenAI-compatible endpoint.
    Bedrock,
    /// IBM watsonx.ai, at the OpenAI-compatible endpoint of its model gateway.
    Watsonx,
    /// Ollama.
    Ollama,
    /// OllaBridge: the gateway on one's own machine, or its cloud.
    Ollabridge,
    /// Anything else that speaks OpenAI's chat completions.
    #[default]
    OpenaiCompatible,
}

/// Where kinds stand on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderGroup {
    /// A company's public service, opened with its key.
    Cloud,
    /// A company's own contract with a cloud.
    Enterprise,
    /// On one's own machines.
    Local,
}

impl ProviderGroup {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Cloud, Self::Enterprise, Self::Local];

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Cloud => "Cloud",
            Self::Enterprise => "Enterprise",
            Self::Local => "Local",
        }
    }

    /// What belongs into it, as a sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Cloud => "Public services that are opened with a key of theirs.",
            Self::Enterprise => "Models in an account of your organisation at a cloud.",
            Self::Local => "Endpoints on machines of your own, and whatever speaks OpenAI's chat completions.",
        }
    }
}

/// The language that an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// OpenAI's chat completions, responses and embeddings.
    Openai,
    /// The same, with Azure's paths: one for each deployment when an API version is named.
    AzureOpenai,
    /// Anthropic's Messages.
    Anthropic,
}

/// The header that a key travels in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyHeader {
    /// `Authorization: Bearer …`.
    Bearer,
    /// `api-key: …`.
    ApiKey,
    /// `x-api-key: …`.
    XApiKey,
}

/// Where the prices of a provider come from when nobody has entered any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PriceSource {
    /// They have to be entered: contracts differ.
    Entered,
    /// A model on one's own machine costs nothing for a token.
    Free,
}

/// One more thing that a kind may need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraField {
    /// What it is called.
    pub label: &'static str,
    /// What to enter.
    pub hint: &'static str,
}

/// All that is known of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindFacts {
    /// What people read.
    pub label: &'static str,
    /// Where it stands.
    pub group: ProviderGroup,
    /// What it speaks.
    pub wire: Wire,
    /// How its key travels.
    pub key_header: KeyHeader,
    /// Whether it answers nobody without a key.
    pub needs_key: bool,
    /// The form of its address; never called.
    pub address_form: &'static str,
    /// What to enter as its address.
    pub address_hint: &'static str,
    /// What the name of a model is called there.
    pub model_label: &'static str,
    /// Whether an address may leave out the `/v1` at its end.
    pub adds_v1: bool,
    /// Whether it has a list of the models that may be named.
    pub lists_models: bool,
    /// The API's version, where it may be named.
    pub api_version: Option<ExtraField>,
    /// The address that turns the key into a token of short life, where there is one.
    pub token_url: Option<ExtraField>,
    /// Where prices come from.
    pub prices: PriceSource,
    /// What people should know before they add one.
    pub help: &'static str,
}

const OPENAI: KindFacts = KindFacts {
    label: "OpenAI",
    group: ProviderGroup::Cloud,
    wire: Wire::Openai,
    key_header: KeyHeader::Bearer,
    needs_key: true,
    address_form: "https://api.openai.com/v1",
    address_hint: "Up to and with /v1.",
    model_label: "Default model",
    adds_v1: true,
    lists_models: true,
    api_version: None,
    token_url: None,
    prices: PriceSource::Entered,
    help: "Chat completions, responses and embeddings. The key begins with sk-.",
};

impl ProviderKind {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 9] = [
        Self::Openai,
        Self::Anthropic,
        Self::Gemini,
        Self::AzureOpenai,
        Self::Bedrock,
        Self::Watsonx,
        Self::Ollama,
        Self::Ollabridge,
        Self::OpenaiCompatible,
    ];

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::AzureOpenai => "azure-openai",
            Self::Bedrock => "bedrock",
            Self::Watsonx => "watsonx",
            Self::Ollama => "ollama",
            Self::Ollabridge => "ollabridge",
            Self::OpenaiCompatible => "openai-compatible",
        }
    }

    /// The kind of a word, if it is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What is known of it.
    pub fn facts(self) -> KindFacts {
        match self {
            Self::Openai => OPENAI,
            Self::Anthropic => KindFacts {
                label: "Anthropic",
                wire: Wire::Anthropic,
                key_header: KeyHeader::XApiKey,
                address_form: "https://api.anthropic.com",
                address_hint: "Without /v1/messages.",
                help: "Anthropic's Messages API. Gantry translates chat completions and responses to it and back, tools \
                       and streams included; embeddings are not offered there.",
                ..OPENAI
            },
            Self::Gemini => KindFacts {
                label: "Google Gemini",
                address_form: "https://generativelanguage.googleapis.com/v1beta/openai",
                address_hint: "The address of its OpenAI-compatible endpoint, which ends in /openai.",
                adds_v1: false,
                help: "Gemini's OpenAI-compatible endpoint, with an API key of Google AI Studio.",
                ..OPENAI
            },
            Self::AzureOpenai => KindFacts {
                label: "Azure OpenAI",
                group: ProviderGroup::Enterprise,
                wire: Wire::AzureOpenai,
                key_header: KeyHeader::ApiKey,
                address_form: "https://NAME.openai.azure.com",
                address_hint: "The endpoint of the resource, without /openai.",
                model_label: "Default deployment",
                adds_v1: false,
                lists_models: false,
                api_version: Some(ExtraField {
                    label: "API version",
                    hint: "Such as 2024-10-21; then each deployment has its own path. Empty uses Azure's v1 API.",
                }),
                help: "Azure names models by their deployments: enter the deployment's name where others want a model's.",
                ..OPENAI
            },
            Self::Bedrock => KindFacts {
                label: "Amazon Bedrock",
                group: ProviderGroup::Enterprise,
                address_form: "https://bedrock-runtime.REGION.amazonaws.com/openai/v1",
                address_hint: "The OpenAI-compatible endpoint of your region.",
                adds_v1: false,
                lists_models: false,
                help: "Bedrock's OpenAI-compatible endpoint, with a Bedrock API key. It serves the models that AWS \
                       offers there; Converse and signatures (SigV4) are not spoken.",
                ..OPENAI
            },
            Self::Watsonx => KindFacts {
                label: "IBM watsonx.ai",
                group: ProviderGroup::Enterprise,
                address_form: "https://REGION.ml.cloud.ibm.com/ml/gateway/v1",
                address_hint: "The OpenAI-compatible endpoint of the model gateway, which ends in /ml/gateway/v1.",
                adds_v1: false,
                token_url: Some(ExtraField {
                    label: "Token address",
                    hint: "Where the API key becomes a bearer token, such as https://iam.cloud.ibm.com/identity/token. \
                           Empty: the key is sent as it is.",
                }),
                help: "The model gateway of watsonx.ai, which has to be set up in your account first.",
                ..OPENAI
            },
            Self::Ollama => KindFacts {
                label: "Ollama",
                group: ProviderGroup::Local,
                needs_key: false,
                address_form: "http://127.0.0.1:11434",
                address_hint: "Where Ollama listens; /v1 may be left out.",
                prices: PriceSource::Free,
                help: "Models on a machine of yours. Pull one first, for example with: ollama pull llama3.2",
                ..OPENAI
            },
            Self::Ollabridge => KindFacts {
                label: "OllaBridge",
                group: ProviderGroup::Local,
                needs_key: true,
                address_form: "http://127.0.0.1:11435",
                address_hint: "The gateway on your machine or OllaBridge Cloud; /v1 may be left out.",
                prices: PriceSource::Free,
                help: "Pair it by a code after adding it, or enter one of its API keys.",
                ..OPENAI
            },
            Self::OpenaiCompatible => KindFacts {
                label: "OpenAI-compatible",
                group: ProviderGroup::Local,
                needs_key: false,
                address_form: "http://127.0.0.1:8000/v1",
                address_hint: "Up to, but without, /chat/completions.",
                adds_v1: false,
                help: "vLLM, LM Studio, llama.cpp, LiteLLM, OpenRouter and whatever else speaks chat completions.",
                ..OPENAI
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_word_on_the_wire_in_the_database_and_in_code() {
        for kind in ProviderKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(ProviderKind::from_word(kind.as_str()), Some(kind));
        }
        assert_eq!(ProviderKind::from_word("nobody"), None);
    }

    #[test]
    fn every_group_has_kinds_and_every_kind_says_what_to_enter() {
        for group in ProviderGroup::ALL {
            assert!(ProviderKind::ALL.iter().any(|kind| kind.facts().group == group), "{group:?}");
        }
        for kind in ProviderKind::ALL {
            let facts = kind.facts();
            assert!(facts.address_form.starts_with("http"), "{kind:?}");
            for text in [facts.label, facts.address_hint, facts.help, facts.model_label] {
                assert!(!text.is_empty() && !text.contains("  "), "{kind:?}: {text}");
            }
        }
    }
}
