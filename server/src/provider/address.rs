//! What a provider's address may be.

use gantry_domain::problem::FieldProblem;
use url::Url;

use crate::identity::origin::is_local_host;

const LONGEST: usize = 2_048;

/// The address as it is kept: without blanks around it and slashes at its end.
///
/// # Errors
/// What was expected, when it is not an http or https address of its own.
pub(super) fn checked(field: &str, text: &str) -> Result<String, FieldProblem> {
    let text = text.trim();
    let fault = |code: &'static str, message: &str| Err(FieldProblem::new(field, code, message));
    if text.len() > LONGEST {
        return fault("invalid_url", "Expected an address of at most 2048 characters.");
    }
    let Ok(url) = Url::parse(text) else {
        return fault("invalid_url", "Expected an http or https address such as https://api.example.com/v1.");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return fault("invalid_url", "Expected an http or https address such as https://api.example.com/v1.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return fault(
            "credentials_in_url",
            "Expected an address without a user or password in it. Enter the key as the key: it is kept encrypted.",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return fault("invalid_url", "Expected an address without ? and #.");
    }
    let path = url.path().trim_end_matches('/');
    if let Some(added) = ["/chat/completions", "/messages"].into_iter().find(|end| path.ends_with(end)) {
        return fault("invalid_url", &format!("Expected the address without {added} at its end: Gantry adds that."));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a key sent to this address could be read on the way.
pub(super) fn is_plain_and_elsewhere(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| url.scheme() == "http" && !url.host_str().is_some_and(is_local_host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_in_one_form() {
        for (given, kept) in [
            ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
            (" https://API.example.com/v1/ ", "https://api.example.com/v1"),
            ("https://api.example.com", "https://api.example.com"),
            ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ] {
            assert_eq!(checked("/baseUrl", given).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for bad in [
            "",
            "api.example.com",
            "ftp://x",
            "file:///etc/passwd",
            "https://",
            "javascript:alert(1)",
            "http://a b/",
            "https://x/v1?key=1",
            "https://x/v1#a",
            "https://x/v1/chat/completions",
            "https://x/v1/messages",
            &format!("https://x/{}", "a".repeat(65_536)),
        ] {
            assert_eq!(checked("/baseUrl", bad).unwrap_err().code, "invalid_url", "{bad}");
        }
        for bad in ["https://ada:sesame@x/v1", "https://sesame@x/v1", "https://:sesame@x/v1"] {
            let fault = checked("/baseUrl", bad).unwrap_err();
            assert_eq!(fault.code, "credentials_in_url", "{bad}");
            assert!(!fault.message.contains("sesame"));
        }
    }

    #[test]
    fn only_plain_http_to_elsewhere_can_be_read_on_the_way() {
        for safe in ["https://x.example", "http://127.0.0.1:1", "http://localhost/v1", "http://[::1]:1/v1"] {
            assert!(!is_plain_and_elsewhere(safe), "{safe}");
        }
        for unsafe_ in ["http://x.example", "http://10.0.0.1", "http://0.0.0.0:1", "http://[::2]:1/v1"] {
            assert!(is_plain_and_elsewhere(unsafe_), "{unsafe_}");
        }
    }
}
