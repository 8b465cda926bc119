//! OCI registries: pushing an image and reading it back (OCI Distribution Specification).
//!
//! What to push under which name is decided by the caller. A credential is used here and shown
//! nowhere: not in errors, not in debug output.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use gantry_domain::api::registry::ConnectionTest;
use gantry_domain::{Digest, RepositoryName, Tag};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use reqwest::StatusCode;
use reqwest::header::WWW_AUTHENTICATE;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};

use super::layout::{Descriptor, MANIFEST_TYPE, digest_of};

/// What we say we are.
const AGENT: &str = concat!("gantry/", env!("CARGO_PKG_VERSION"));
/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long a registry may be silent.
const SILENT_AT_MOST: Duration = Duration::from_secs(60);
/// How much of a blob is read from the disk at once, in bytes.
const PART: usize = 256 * 1024;
/// The user that is named when there is only a token: registries that take tokens ignore the name.
const TOKEN_USER: &str = "token";
/// What Docker Hub's images are named after.
pub(crate) const DOCKER_HUB: &str = "docker.io";
/// Where Docker Hub's registry answers.
pub(crate) const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// Where a registry is and how to get in.
#[derive(Clone, Debug)]
pub struct RegistryAccess {
    /// `host[:port]`, without a scheme.
    pub address: String,
    /// What repositories start with there; may be empty.
    pub prefix: String,
    /// The user; empty when a token alone, or nothing, is needed.
    pub username: String,
    /// The password or token.
    pub credential: Option<SecretString>,
    /// Whether plain HTTP is spoken.
    pub plain_http: bool,
    /// Certificates (PEM) of its own authority, trusted besides the machine's.
    pub ca_certificate: Option<String>,
}

impl RegistryAccess {
    /// User and password as they are sent; none when there is no credential.
    pub fn login(&self) -> Option<(String, SecretString)> {
        let credential = self.credential.clone()?;
        Some((user(self).to_owned(), credential))
    }
}

/// Why a registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Nobody answers, or not in time, or with a fault of the registry's own: worth another attempt.
    #[error("the registry {address} cannot be reached or does not work: {cause}")]
    Unreachable {
        /// The registry.
        address: String,
        /// What the attempt ended with.
        cause: String,
    },
    /// Whoever answers cannot be proven to be the registry, or the password would travel in clear.
    #[error("the registry {address} is not trusted: {cause}")]
    Untrusted {
        /// The registry.
        address: String,
        /// What is wrong, and what to do.
        cause: String,
    },
    /// The user or the password is wrong, or one is needed.
    #[error(
        "the registry {address} does not accept the credential: check user and password, and that neither has expired"
    )]
    Unauthorized {
        /// The registry.
        address: String,
    },
    /// The user is known and may not do this.
    #[error("the registry {address} does not allow it: {cause}")]
    Denied {
        /// The registry.
        address: String,
        /// What it answered.
        cause: String,
    },
    /// It is not there.
    #[error("the registry {address} does not have it: {cause}")]
    NotFound {
        /// The registry.
        address: String,
        /// What it answered.
        cause: String,
    },
    /// Anything else that it answered; another attempt would get the same answer.
    #[error("the registry {address} refused: {cause}")]
    Refused {
        /// The registry.
        address: String,
        /// What it answered.
        cause: String,
    },
    /// The blob could not be read from this machine's disk.
    #[error("the image could not be read from the store: {0}")]
    Disk(#[from] std::io::Error),
}

/// One repository in one registry, ready to be pushed to.
pub struct Repository {
    client: Client,
    auth: RegistryAuth,
    reference: Reference,
    address: String,
}

impl Repository {
    /// Gets ready to push `repository:tag`. With a registry that hands out tokens, one is fetched;
    /// whether a password is accepted may be seen only at the first request after this.
    pub async fn open(access: &RegistryAccess, repository: &RepositoryName, tag: &Tag) -> Result<Self, RegistryError> {
        let protocol = if access.plain_http {
            ClientProtocol::HttpsExcept(vec![access.address.clone()])
        } else {
            ClientProtocol::Https
        };
        refuse_clear_token_service(access).await?;
        let client = Client::try_from(ClientConfig {
            protocol,
            extra_root_certificates: authorities(access).collect(),
            // One request with the whole blob: what every registry can do, and what some require.
            use_monolithic_push: true,
            connect_timeout: Some(CONNECT_WITHIN),
            read_timeout: Some(SILENT_AT_MOST),
            user_agent: AGENT,
            ..ClientConfig::default()
        });
        let client = client.map_err(|error| unusable_authority(access, &error))?;
        let opened = Self {
            client,
            auth: authentication(access),
            reference: Reference::with_tag(access.address.clone(), repository.to_string(), tag.to_string()),
            address: access.address.clone(),
        };
        let authenticated = opened.client.auth(&opened.reference, &opened.auth, RegistryOperation::Push).await;
        authenticated.map_err(|error| opened.explain(error))?;
        Ok(opened)
    }

    /// The digest that the tag has now; none when there is no such tag. The manifest is fetched and
    /// hashed here: what the registry says about it is not taken on trust.
    pub async fn tag_digest(&self) -> Result<Option<Digest>, RegistryError> {
        let accepted = [
            OCI_IMAGE_MEDIA_TYPE,
            OCI_IMAGE_INDEX_MEDIA_TYPE,
            IMAGE_MANIFEST_MEDIA_TYPE,
            IMAGE_MANIFEST_LIST_MEDIA_TYPE,
        ];
        match self.client.pull_manifest_raw(&self.reference, &self.auth, &accepted).await {
            Ok((bytes, _)) => Ok(Some(digest_of(&bytes))),
            Err(error) => match self.explain(error) {
                RegistryError::NotFound { .. } => Ok(None),
                other => Err(other),
            },
        }
    }

    /// Whether the repository has the blob.
    pub async fn has_blob(&self, blob: &Descriptor) -> Result<bool, RegistryError> {
        let found = self.client.blob_exists(&self.reference, blob.digest.as_str()).await;
        found.map_err(|error| self.explain(error))
    }

    /// Sends the blob in the file at `path`. `sent` is told how many bytes have left so far.
    pub async fn push_blob(
        &self,
        blob: &Descriptor,
        path: &Path,
        sent: impl Fn(u64) + Send + 'static,
    ) -> Result<(), RegistryError> {
        let file = tokio::fs::File::open(path).await?;
        let total = Arc::new(AtomicU64::new(0));
        let parts = tokio_util::io::ReaderStream::with_capacity(file, PART).map(move |part| {
            let part = part.map_err(OciDistributionError::from)?;
            let before = total.fetch_add(part.len() as u64, Ordering::Relaxed);
            sent(before + part.len() as u64);
            Ok(part)
        });
        let pushed = self.client.push_blob_stream(&self.reference, parts, blob.digest.as_str(), Some(blob.size)).await;
        pushed.map(drop).map_err(|error| self.explain(error))
    }

    /// Sends the manifest, byte for byte, and so makes the tag.
    pub async fn push_manifest(&self, manifest: Bytes) -> Result<(), RegistryError> {
        let kind = reqwest::header::HeaderValue::from_static(MANIFEST_TYPE);
        let pushed = self.client.push_manifest_raw(&self.reference, manifest, kind).await;
        pushed.map(drop).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: OciDistributionError) -> RegistryError {
        let address = self.address.clone();
        match error {
            OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
                RegistryError::Unauthorized { address }
            }
            OciDistributionError::RequestError(error) => explain_request(address, error),
            OciDistributionError::ServerError { code, message, .. } => by_status(address, code, &message),
            OciDistributionError::RegistryError { envelope, .. } => {
                let cause = envelope
                    .errors
                    .iter()
                    .map(
                        |error| {
                            if error.message.is_empty() { format!("{:?}", error.code) } else { error.message.clone() }
                        },
                    )
                    .collect::<Vec<_>>()
                    .join("; ");
                match envelope.errors.first().map(|error| &error.code) {
                    Some(OciErrorCode::Unauthorized) => RegistryError::Unauthorized { address },
                    Some(OciErrorCode::Denied) => RegistryError::Denied { address, cause },
                    Some(OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound) => {
                        RegistryError::NotFound { address, cause }
                    }
                    Some(OciErrorCode::Toomanyrequests) => RegistryError::Unreachable { address, cause },
                    _ => RegistryError::Refused { address, cause },
                }
            }
            OciDistributionError::ImageManifestNotFoundError(cause) => RegistryError::NotFound { address, cause },
            OciDistributionError::IoError(error) => RegistryError::Disk(error),
            other => RegistryError::Refused { address, cause: other.to_string() },
        }
    }
}

fn authentication(access: &RegistryAccess) -> RegistryAuth {
    match &access.credential {
        Some(credential) => RegistryAuth::Basic(user(access).to_owned(), credential.expose_secret().to_owned()),
        None => RegistryAuth::Anonymous,
    }
}

fn user(access: &RegistryAccess) -> &str {
    if access.username.is_empty() { TOKEN_USER } else { &access.username }
}

fn explain_request(address: String, error: reqwest::Error) -> RegistryError {
    match error.status() {
        Some(status) => by_status(address, status.as_u16(), status.canonical_reason().unwrap_or_default()),
        None => {
            let cause = chain(&error.without_url());
            if cause.contains("invalid peer certificate") {
                let cause = format!(
                    "{cause}. If its certificate comes from an authority of your own, enter that authority's certificate in the registry's settings"
                );
                return RegistryError::Untrusted { address, cause };
            }
            RegistryError::Unreachable { address, cause }
        }
    }
}

/// Whether a text is a list of certificates that can be trusted as authorities.
pub fn is_authority(pem: &str) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    let mut certificates = rustls::pki_types::CertificateDer::pem_slice_iter(pem.as_bytes());
    let all_added = certificates.all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    all_added && !roots.is_empty()
}

fn authorities(access: &RegistryAccess) -> impl Iterator<Item = oci_client::client::Certificate> {
    // One by one: as a whole, only the first of them would be read.
    let certificates = access.ca_certificate.as_deref().unwrap_or_default().as_bytes();
    rustls::pki_types::CertificateDer::pem_slice_iter(certificates).filter_map(Result::ok).map(|certificate| {
        oci_client::client::Certificate {
            encoding: oci_client::client::CertificateEncoding::Der,
            data: certificate.to_vec(),
        }
    })
}

fn unusable_authority(access: &RegistryAccess, error: &dyn std::error::Error) -> RegistryError {
    RegistryError::Untrusted {
        address: access.address.clone(),
        cause: format!("the certificate of its authority cannot be used ({}): enter it again", chain(error)),
    }
}

/// A client that trusts the registry's own authority as well.
fn http_client(access: &RegistryAccess) -> Result<reqwest::Client, RegistryError> {
    let pem = access.ca_certificate.as_deref().unwrap_or_default();
    let authorities = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
    let builder = reqwest::Client::builder().user_agent(AGENT).connect_timeout(CONNECT_WITHIN);
    authorities
        .and_then(|authorities| builder.read_timeout(SILENT_AT_MOST).tls_certs_merge(authorities).build())
        .map_err(|error| unusable_authority(access, &error))
}

/// The challenge that a registry answers with when nobody is named; empty when it lets everybody in.
async fn challenge(
    http: &reqwest::Client,
    access: &RegistryAccess,
) -> Result<(reqwest::Response, String), RegistryError> {
    let answer = http.get(version_address(access)).send().await;
    let answer = answer.map_err(|error| explain_request(access.address.clone(), error))?;
    let challenge = answer.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let challenge = challenge.to_owned();
    Ok((answer, challenge))
}

fn version_address(access: &RegistryAccess) -> String {
    let scheme = if access.plain_http { "http" } else { "https" };
    let host = if access.address == DOCKER_HUB { DOCKER_HUB_HOST } else { &access.address };
    format!("{scheme}://{host}/v2/")
}

/// The client for pushing asks whatever token service a registry names: not with a password, where it
/// could be read on the way.
async fn refuse_clear_token_service(access: &RegistryAccess) -> Result<(), RegistryError> {
    if access.credential.is_none() {
        return Ok(());
    }
    let (_, challenge) = challenge(&http_client(access)?, access).await?;
    match token_request(&challenge, access) {
        Some(Err(cause)) => Err(RegistryError::Untrusted { address: access.address.clone(), cause }),
        _ => Ok(()),
    }
}

fn by_status(address: String, status: u16, message: &str) -> RegistryError {
    let message: String = message.chars().take(300).collect();
    let cause = format!("HTTP {status} {message}").trim_end().to_owned();
    match status {
        401 => RegistryError::Unauthorized { address },
        403 => RegistryError::Denied { address, cause },
        404 => RegistryError::NotFound { address, cause },
        408 | 429 | 500..=599 => RegistryError::Unreachable { address, cause },
        _ => RegistryError::Refused { address, cause },
    }
}

/// An error with what caused it: the outermost text alone says little ("error sending request").
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        inner = cause.source();
    }
    text
}

/// Asks a registry whether it answers and accepts the credential, as a push would ask it.
///
/// A registry that hands out tokens is asked for one; one that takes passwords itself is asked for
/// its version with the password, since only then does it look at it.
pub async fn test_connection(access: &RegistryAccess) -> ConnectionTest {
    let started = Instant::now();
    let asked = tokio::time::timeout(Duration::from_secs(20), ask(access)).await;
    let (ok, message) = match asked {
        Ok(Ok(message)) => (true, message),
        Ok(Err(error)) => (false, error.to_string()),
        Err(_) => (false, format!("the registry {} did not answer within 20 s", access.address)),
    };
    let duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    ConnectionTest { ok, message, duration_ms }
}

async fn ask(access: &RegistryAccess) -> Result<String, RegistryError> {
    let http = http_client(access)?;
    let address = access.address.clone();
    let send = |request: reqwest::RequestBuilder| {
        let address = address.clone();
        async move { request.send().await.map_err(|error| explain_request(address, error)) }
    };

    let (answer, challenge) = challenge(&http, access).await?;
    if answer.status().is_success() {
        return Ok(format!("{address} answers and asks for no credential."));
    }
    if answer.status() != StatusCode::UNAUTHORIZED {
        return Err(by_status(address, answer.status().as_u16(), "at /v2/: is this an OCI registry?"));
    }
    let Some(credential) = &access.credential else {
        let cause = "it asks for a user and password or a token, and none is stored".to_owned();
        return Err(RegistryError::Denied { address, cause });
    };
    let password = Some(credential.expose_secret());
    let Some(token_request) = token_request(&challenge, access) else {
        let answer = send(http.get(version_address(access)).basic_auth(user(access), password)).await?;
        return if answer.status().is_success() {
            Ok(format!("{address} answers and accepts the credential."))
        } else {
            Err(by_status(address, answer.status().as_u16(), "at /v2/"))
        };
    };
    let token_request = token_request.map_err(|cause| RegistryError::Untrusted { address: address.clone(), cause })?;
    let answer = send(http.get(token_request).basic_auth(user(access), password)).await?;
    match answer.status() {
        status if status.is_success() => Ok(format!("{address} answers and gives a token for the credential.")),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RegistryError::Unauthorized { address }),
        status => Err(by_status(address, status.as_u16(), "from its token service")),
    }
}

/// The request for a token to push with, when the registry's challenge is `Bearer` (Distribution
/// Specification, "Token Authentication"). Refused when the password would travel in clear.
fn token_request(challenge: &str, access: &RegistryAccess) -> Option<Result<url::Url, String>> {
    let (scheme, parameters) = challenge.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let parameter = |name: &str| {
        parameters.split(',').find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"').to_owned())
        })
    };
    let Some(mut realm) = parameter("realm").and_then(|realm| url::Url::parse(&realm).ok()) else {
        return Some(Err("its challenge names no token service".to_owned()));
    };
    let is_on_this_machine = match realm.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if realm.scheme() != "https" && !(access.plain_http && is_on_this_machine) {
        return Some(Err("its token service is not behind HTTPS, and the password would travel in clear".to_owned()));
    }
    let repository = format!("{}/connection-test", access.prefix);
    let scope = format!("repository:{}:pull,push", repository.trim_start_matches('/'));
    realm.query_pairs_mut().append_pair("scope", &scope);
    if let Some(service) = parameter("service") {
        realm.query_pairs_mut().append_pair("service", &service);
    }
    Some(Ok(realm))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(plain_http: bool) -> RegistryAccess {
        RegistryAccess {
            address: "registry.example".to_owned(),
            prefix: "team".to_owned(),
            username: "me".to_owned(),
            credential: Some("hunter2".into()),
            plain_http,
            ca_certificate: None,
        }
    }

    #[test]
    fn a_bearer_challenge_becomes_a_request_for_a_token_to_push_with() {
        let challenge = r#"Bearer realm="https://auth.example/token",service="registry.example""#;
        let request = token_request(challenge, &access(false)).unwrap().unwrap();
        assert_eq!(
            request.as_str(),
            "https://auth.example/token?scope=repository%3Ateam%2Fconnection-test%3Apull%2Cpush&service=registry.example"
        );
        assert!(token_request(r#"Basic realm="x""#, &access(false)).is_none());
    }

    #[test]
    fn a_password_is_not_sent_in_clear_to_a_token_service() {
        let challenge = r#"Bearer realm="http://auth.example/token""#;
        assert!(token_request(challenge, &access(false)).unwrap().is_err());
        assert!(token_request(challenge, &access(true)).unwrap().is_err());
        let here = r#"Bearer realm="http://127.0.0.1:5001/token""#;
        assert!(token_request(here, &access(true)).unwrap().is_ok());
        assert!(token_request(here, &access(false)).unwrap().is_err(), "who speaks HTTPS has no reason to");
    }

    #[test]
    fn a_credential_is_not_in_debug_output() {
        assert!(!format!("{:?}", access(false)).contains("hunter2"));
    }
}
