//! Where a repository is: only protocols that ask who somebody is, and never with a password in the address.

use std::fmt;

/// The address of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GitAddress {
    /// Over https; over http only on this machine.
    Http { url: url::Url },
    /// Over ssh: `ssh://user@host/path`.
    Ssh { url: url::Url },
}

const EXPECTED: &str = "Expected where a git repository is: https://host/path, ssh://user@host/path or user@host:path.";

impl GitAddress {
    /// Reads an address as people write it.
    ///
    /// # Errors
    /// What was expected, as a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > 2_048 || text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(EXPECTED.to_owned());
        }
        let written = match (text.contains("://"), text.split_once(':')) {
            // `user@host:path`, as ssh writes it.
            (false, Some((host, path))) if host.contains('@') && !path.is_empty() => {
                format!("ssh://{host}/{}", path.trim_start_matches('/'))
            }
            _ => text.to_owned(),
        };
        let url = url::Url::parse(&written).map_err(|_| EXPECTED.to_owned())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        // A host or path that begins with a hyphen could be taken for an option.
        if host.is_empty() || host.starts_with('-') || url.path().len() < 2 || url.path().starts_with("/-") {
            return Err(EXPECTED.to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("{EXPECTED} It has no ? and no #."));
        }
        if url.password().is_some() {
            return Err("An address is no place for a password: keep it as a secret and name that.".to_owned());
        }
        match url.scheme() {
            "https" | "http" if !url.username().is_empty() => {
                Err("An address over https has no user in it: give the user beside it, and the password as a secret."
                    .to_owned())
            }
            "https" => Ok(Self::Http { url }),
            "http" if is_this_machine(&url) => Ok(Self::Http { url }),
            "http" => {
                Err("Expected https: over http everybody on the way can read and change what is sent.".to_owned())
            }
            "ssh" if url.username().starts_with('-') => Err(EXPECTED.to_owned()),
            "ssh" => Ok(Self::Ssh { url }),
            other => Err(format!("{EXPECTED} {other} is not allowed.")),
        }
    }

    /// The word for its protocol in git's allow-list.
    pub(super) fn protocol(&self) -> &str {
        match self {
            Self::Http { url } | Self::Ssh { url } => url.scheme(),
        }
    }

    /// The host.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::Http { url } | Self::Ssh { url } => url.host_str().unwrap_or_default(),
        }
    }

    /// Protocol, host and port: what a credential is for.
    pub(super) fn origin(&self) -> String {
        match self {
            Self::Http { url } | Self::Ssh { url } => format!("{}/", url.origin().ascii_serialization()),
        }
    }
}

fn is_this_machine(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl fmt::Display for GitAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { url } | Self::Ssh { url } => f.write_str(url.as_str()),
        }
    }
}

/// What is wrong with the name of a branch or tag (git-check-ref-format); none if nothing is.
pub(crate) fn reference_fault(name: &str) -> Option<&'static str> {
    let is_sound = !name.is_empty()
        && name.len() <= 200
        && !name.starts_with(['-', '+', '/', '.'])
        && !name.ends_with(['/', '.'])
        && !name.ends_with(".lock")
        && !name.contains("..")
        && !name.contains("//")
        && !name.contains("/.")
        && !name.contains("@{")
        && name != "@"
        && !name.starts_with("refs/")
        && name.chars().all(|letter| !letter.is_control() && !letter.is_whitespace() && !"~^:?*[\\".contains(letter));
    (!is_sound).then_some("Expected the name of a branch or tag, such as main or release/1.2, without refs/heads/.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_write_them() {
        for (written, read) in [
            ("https://github.com/a/b.git", "https://github.com/a/b.git"),
            ("git@github.com:a/b.git", "ssh://git@github.com/a/b.git"),
            ("ssh://git@host:2222/~/x/", "ssh://git@host:2222/~/x/"),
            ("http://127.0.0.1:3000/r", "http://127.0.0.1:3000/r"),
        ] {
            assert_eq!(GitAddress::parse(written).unwrap().to_string(), read);
        }
    }

    #[test]
    fn what_is_no_address_or_not_safe_is_refused() {
        for refused in [
            "",
            "x",
            "/etc/passwd",
            "file:///etc",
            "ext::sh -c id",
            "http://github.com/a/b",
            "git://host/a",
            "https://user:secret@host/a",
            "https://user@host/a",
            "ssh://-oProxyCommand=id/a",
            "ssh://host/-x",
            "https://host/a?b",
            "https://host",
            "https://host/a b",
            "https://host/a\nb",
            "../a",
            "-u@host:x",
        ] {
            assert!(GitAddress::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn references() {
        for good in ["main", "release/1.2", "v1.0.0", "feature_x-y"] {
            assert_eq!(reference_fault(good), None, "{good}");
        }
        for bad in ["", "-x", "a..b", "a b", "a:b", "refs/heads/x", "a.lock", "/a", "a/", "a@{1}", "+main", "a*"] {
            assert!(reference_fault(bad).is_some(), "{bad}");
        }
    }
}
