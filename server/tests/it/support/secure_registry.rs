//! A registry as the big ones are: behind TLS with a certificate of an authority of one's own, letting
//! in whoever brings a token that its token service signed (Distribution Specification, "Token
//! Authentication"). The registry is Debian's `docker-registry`, in a process of its own; the token
//! service is here, with keys and certificates made by `openssl`.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gantry_server::outside::oci::RegistryAccess;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use super::part_is_wanted;

const USER: &str = "robot";
const PASSWORD: &str = "token-password-1";

/// A running registry with its token service.
pub struct SecureRegistry {
    /// Where it is and how to get in.
    pub access: RegistryAccess,
    /// The scopes that tokens were asked for, with the right password.
    pub scopes: Arc<Mutex<Vec<String>>>,
    process: std::process::Child,
    _directory: tempfile::TempDir,
}

impl Drop for SecureRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts one; none when `GANTRY_TEST_SKIP` names `registry`.
///
/// # Panics
/// When it is wanted and does not start.
pub async fn start() -> Option<SecureRegistry> {
    if !part_is_wanted("registry") {
        return None;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    make_certificates(folder);
    let scopes = Arc::<Mutex<Vec<String>>>::default();
    let token_service = serve_tokens(folder, scopes.clone()).await;

    let port = free_port();
    let place = |name: &str| folder.join(name).display().to_string();
    let configuration = json!({
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": place("data")}},
        "http": {
            "addr": format!("127.0.0.1:{port}"),
            "secret": "only-for-tests",
            "tls": {"certificate": place("server.pem"), "key": place("server.key")},
        },
        "auth": {"token": {
            "realm": format!("https://{token_service}/token"), "service": "gantry-test-registry",
            "issuer": "gantry-test-issuer", "rootcertbundle": place("authority.pem"),
        }},
    });
    // JSON is YAML.
    std::fs::write(folder.join("registry.yml"), configuration.to_string()).unwrap();
    let log = std::fs::File::create(folder.join("registry.log")).unwrap();
    let process = Command::new("docker-registry")
        .args(["serve", &place("registry.yml")])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("docker-registry starts: scripts/registry.sh up installs it");
    let registry = SecureRegistry {
        access: RegistryAccess {
            address: format!("127.0.0.1:{port}"),
            prefix: "gantry-test".to_owned(),
            username: USER.to_owned(),
            credential: Some(PASSWORD.into()),
            plain_http: false,
            ca_certificate: Some(std::fs::read_to_string(folder.join("authority.pem")).unwrap()),
        },
        scopes,
        process,
        _directory: directory,
    };
    let until = Instant::now() + Duration::from_secs(20);
    while tokio::net::TcpStream::connect(&registry.access.address).await.is_err() {
        let log = std::fs::read_to_string(registry._directory.path().join("registry.log")).unwrap();
        assert!(Instant::now() < until, "the registry does not start: {log}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Some(registry)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An authority, and a certificate for 127.0.0.1 that it signed. The latter's key signs tokens too.
fn make_certificates(folder: &Path) {
    std::fs::write(
        folder.join("openssl.cnf"),
        "[req]\ndistinguished_name=name\n[name]\n\
         [authority]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n\
         [server]\nbasicConstraints=critical,CA:false\nsubjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n",
    )
    .unwrap();
    let request = ["req", "-x509", "-config", "openssl.cnf", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
    let authority = [
        "-subj",
        "/CN=Gantry test authority",
        "-extensions",
        "authority",
        "-keyout",
        "authority.key",
        "-out",
        "authority.pem",
    ];
    openssl(folder, &[&request[..], &authority].concat(), b"");
    let server = [
        "-subj",
        "/CN=127.0.0.1",
        "-extensions",
        "server",
        "-keyout",
        "server.key",
        "-out",
        "server.pem",
        "-CA",
        "authority.pem",
        "-CAkey",
        "authority.key",
    ];
    openssl(folder, &[&request[..], &server].concat(), b"");
}

fn openssl(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut process = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("openssl is needed: install the package openssl");
    process.stdin.take().unwrap().write_all(input).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

struct TokenService {
    folder: std::path::PathBuf,
    scopes: Arc<Mutex<Vec<String>>>,
}

/// Serves tokens over TLS until the test ends; its address.
async fn serve_tokens(folder: &Path, scopes: Arc<Mutex<Vec<String>>>) -> String {
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let tls = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let service = Arc::new(TokenService { folder: folder.to_owned(), scopes });
    let router = axum::Router::new().route("/token", axum::routing::get(give_token)).with_state(service);
    let listener = TlsListener { tcp, acceptor: Arc::new(tls).into() };
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

struct TlsListener {
    tcp: tokio::net::TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.tcp.accept().await else { continue };
            // Who does not trust us goes away in the handshake.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

/// `GET /token`: a token for the scopes that were asked for, to whoever has the password.
async fn give_token(
    State(service): State<Arc<TokenService>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let right = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    if headers.get(header::AUTHORIZATION).is_none_or(|sent| sent.as_bytes() != right.as_bytes()) {
        return (StatusCode::UNAUTHORIZED, "no").into_response();
    }
    let query = query.unwrap_or_default();
    let asked: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert!(asked.contains(&("service".to_owned(), "gantry-test-registry".to_owned())), "{query}");
    let mut access = Vec::new();
    for (name, scope) in asked {
        if name == "scope" {
            // `repository:<name>:<actions>`; a name may have a port, and so a colon, in it.
            let (kind, rest) = scope.split_once(':').unwrap();
            let (name, actions) = rest.rsplit_once(':').unwrap();
            access.push(json!({"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}));
            service.scopes.lock().unwrap().push(scope);
        }
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let certificate = CertificateDer::from_pem_file(service.folder.join("server.pem")).unwrap();
    let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [STANDARD.encode(&certificate)]});
    let claims = json!({
        "iss": "gantry-test-issuer", "sub": USER, "aud": "gantry-test-registry", "jti": format!("{now}"),
        "iat": now, "nbf": now - 10, "exp": now + 60, "access": access,
    });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = openssl(&service.folder, &["dgst", "-sha256", "-sign", "server.key"], signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    axum::Json(json!({"token": token, "access_token": token, "expires_in": 60})).into_response()
}
