//! Strings that mean something: parsed once, at the edge, with an error that says what was expected.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not what it was meant to be: a sentence for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidText {
    /// What would have been accepted.
    pub expected: &'static str,
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for InvalidText {}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        pub struct $name(String);

        impl $name {
            /// The text as it is.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidText;

            fn from_str(text: &str) -> Result<Self, InvalidText> {
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(text) { Ok(Self(text.to_owned())) } else { Err(InvalidText { expected: $expected }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;

            fn try_from(text: String) -> Result<Self, InvalidText> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(
    /// A name for addresses and file names: what a project is called in a path.
    Slug,
    "1 to 63 lower-case letters, digits and single hyphens, starting with a letter and not ending with a hyphen",
    |text| {
        (1..=63).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && !text.contains("--")
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    }
);

text_type!(
    /// A content address: `sha256:` and 64 hexadecimal digits (OCI Image Specification, "Digests").
    Digest,
    "a digest: sha256: followed by 64 lower-case hexadecimal digits",
    |text| {
        text.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64 && hex.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
        })
    }
);

impl Digest {
    /// The 64 hexadecimal digits after `sha256:`.
    pub fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }
}

text_type!(
    /// A repository's name within a registry (OCI Distribution Specification, "Pulling manifests").
    RepositoryName,
    "a repository name: lower-case letters, digits and . _ - in parts separated by /, at most 255 characters",
    |text| {
        (1..=255).contains(&text.len())
            && text.split('/').all(|part| {
                part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                    && part.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                    && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'))
                    && !part.contains("..")
                    && !part.contains("___")
                    && !part.contains("._")
                    && !part.contains("_.")
            })
    }
);

text_type!(
    /// A tag within a repository (OCI Distribution Specification, "Pulling manifests").
    Tag,
    "a tag: a letter, digit or underscore, then up to 127 letters, digits, and . _ -",
    |text| {
        (1..=128).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    }
);

/// Where an image can be pulled from: `host[:port]/repository:tag`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageReference {
    /// The registry's host, with its port if it is not the protocol's own.
    pub host: String,
    /// The repository within the registry.
    pub repository: RepositoryName,
    /// The tag within the repository.
    pub tag: Tag,
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.host, self.repository, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for good in ["a", "weather-bot", "x9"] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in ["", "9a", "-a", "a-", "a--b", "A", "a b", "ä", "../a", &"a".repeat(64)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }

    #[test]
    fn digests() {
        let good = format!("sha256:{}", "0f".repeat(32));
        assert_eq!(good.parse::<Digest>().unwrap().hex().len(), 64);
        for bad in ["sha256:", "sha512:00", &good.to_uppercase(), &good[..70]] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn repositories_and_tags() {
        assert!("team/weather-bot".parse::<RepositoryName>().is_ok());
        for bad in ["", "/a", "a/", "A", "a//b", "a..b", "a/-b"] {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad}");
        }
        assert!("0.1.0-rc.1".parse::<Tag>().is_ok());
        for bad in ["", "-a", ".a", "a/b", "a b", &"a".repeat(129)] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }
}
