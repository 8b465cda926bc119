//! What BuildKit may ask us for while it builds: the context, and what opens the registries that base
//! images come from. Secrets are answered with "not found": builds are given none.

use std::pin::Pin;
use std::sync::Arc;

use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard_buildkit_proto::moby::filesync::v1::auth_server::{Auth, AuthServer};
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use bollard_buildkit_proto::moby::upload::v1::BytesMessage;
use bollard_buildkit_proto::moby::upload::v1::upload_server::{Upload, UploadServer};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use secrecy::ExposeSecret;
use tokio::sync::oneshot;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::upgrade::{random_id, upgrade};
use super::{BaseImageLogin, BuildError};
use crate::outside::docker::Docker;

/// How much of the context travels in one message, in bytes.
const PART: usize = 32 * 1024;

/// What BuildKit may call; it is told by name when the session opens.
const METHODS: [&str; 3] =
    ["/grpc.health.v1.Health/Check", "/moby.upload.v1.Upload/Pull", "/moby.filesync.v1.Auth/Credentials"];

/// An open session: BuildKit can ask for as long as this exists.
pub(super) struct Session {
    /// The session's id, for `Solve`.
    pub(super) id: String,
    context_key: String,
    /// Dropped with the session, whereupon the connection is closed: BuildKit might keep it for ever.
    _stop: oneshot::Sender<()>,
}

impl Session {
    /// The address under which BuildKit asks us for the context.
    pub(super) fn context_address(&self) -> String {
        format!("http://buildkit-session/{}", self.context_key)
    }
}

/// Opens a session that offers `context`.
pub(super) async fn open(
    docker: &Docker,
    context: Bytes,
    base_images: Option<Arc<dyn BaseImageLogin>>,
) -> Result<Session, BuildError> {
    let id = random_id();
    let context_key = random_id();
    let mut headers = vec![("X-Docker-Expose-Session-Uuid", id.as_str()), ("X-Docker-Expose-Session-Name", "gantry")];
    headers.extend(METHODS.iter().map(|method| ("X-Docker-Expose-Session-Grpc-Method", *method)));
    let stream = upgrade(docker, "/session", &headers).await?;

    let router = Server::builder()
        .add_service(HealthServer::new(Alive))
        .add_service(UploadServer::new(Context { path: format!("/{context_key}"), bytes: context }))
        .add_service(AuthServer::new(Login(base_images)));
    // One connection, and then none: the server must not end before that connection does.
    let incoming = futures::stream::iter([Ok::<_, std::io::Error>(stream)]).chain(futures::stream::pending());
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        // That nothing was sent is how it is told.
        let _ = stopped.await;
    };
    tokio::spawn(router.serve_with_incoming_shutdown(incoming, stopped));
    Ok(Session { id, context_key, _stop: stop })
}

struct Alive;

#[tonic::async_trait]
impl Health for Alive {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        // 1 is SERVING (grpc.health.v1).
        Ok(Response::new(HealthCheckResponse { status: 1 }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("not offered"))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not offered"))
    }
}

struct Context {
    path: String,
    bytes: Bytes,
}

#[tonic::async_trait]
impl Upload for Context {
    type PullStream = Pin<Box<dyn Stream<Item = Result<BytesMessage, Status>> + Send>>;

    async fn pull(&self, request: Request<Streaming<BytesMessage>>) -> Result<Response<Self::PullStream>, Status> {
        let asked = request.metadata().get("urlpath").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if asked != self.path {
            return Err(Status::not_found("no such context"));
        }
        let bytes = self.bytes.clone();
        let parts = (0..bytes.len()).step_by(PART).map(move |start| {
            let end = bytes.len().min(start + PART);
            Ok(BytesMessage { data: bytes[start..end].to_vec() })
        });
        Ok(Response::new(Box::pin(futures::stream::iter(parts))))
    }
}

struct Login(Option<Arc<dyn BaseImageLogin>>);

#[tonic::async_trait]
impl Auth for Login {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let login = match &self.0 {
            Some(base_images) => base_images.login(&request.into_inner().host).await.map_err(Status::unavailable)?,
            None => None,
        };
        // Empty is "as nobody".
        let answer = login.map_or_else(CredentialsResponse::default, |(username, password)| CredentialsResponse {
            username,
            secret: password.expose_secret().to_owned(),
        });
        Ok(Response::new(answer))
    }

    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("not offered"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("not offered"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("not offered"))
    }
}
