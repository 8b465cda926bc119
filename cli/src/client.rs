//! A server's REST API as this program uses it: one method per way of asking, every failure as a
//! [`Failure`] with an exit code. Which paths there are is the commands' business.

use std::time::Duration;

use gantry_domain::api::Page;
use gantry_domain::api::project::Project;
use gantry_domain::problem::Problem;
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use crate::failure::Failure;

/// How long one answer may take; streams have no such limit.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A server and the credential to use there.
#[derive(Clone)]
pub(crate) struct Connection {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

impl Connection {
    /// A client for the server at `base`. Nothing is sent yet.
    pub(crate) fn new(base: Url, token: Option<String>) -> Result<Self, Failure> {
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(Failure::usage(format!(
                "{base} is not the address of a server: expected http://host[:port] or https://host[:port]"
            )));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("gantry/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| Failure::failed(format!("the client could not be made: {error}")))?;
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        Ok(Self { http, base, token })
    }

    /// The server's address, for messages.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The whole address of a path of the API, such as `projects/…`; each segment is taken literally.
    fn address(&self, segments: &[&str]) -> Url {
        let mut address = self.base.clone();
        if let Ok(mut path) = address.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v1"]).extend(segments);
        }
        address
    }

    /// A request with the credential.
    pub(crate) fn request(&self, method: Method, segments: &[&str]) -> reqwest::RequestBuilder {
        self.authorised(self.http.request(method, self.address(segments)))
    }

    fn authorised(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and hands back the answer if it is a success.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Failure::Refused(Box::new(problem_of(response).await)))
    }

    /// What could not be reached and why, down to the system's own words.
    pub(crate) fn unreachable(&self, error: &dyn std::error::Error) -> Failure {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Failure::Unreachable(format!(
            "{} could not be reached: {innermost}. Is `gantry serve` running there, and is GANTRY_URL right?",
            self.base
        ))
    }

    async fn decode<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&body)
            .map_err(|error| Failure::failed(format!("{} answered something else than expected ({error}): do server and program have the same version? `gantry version --server` prints both", self.base)))
    }

    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, segments: &[&str]) -> Result<T, Failure> {
        let response = self.send(self.request(Method::GET, segments).timeout(TIMEOUT)).await?;
        self.decode(response).await
    }

    /// Reads something that is asked for with a query.
    pub(crate) async fn get_with<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let mut address = self.address(segments);
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        let response = self.send(self.authorised(self.http.get(address)).timeout(TIMEOUT)).await?;
        self.decode(response).await
    }

    /// Reads one page of a list.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        cursor: Option<&str>,
    ) -> Result<Page<T>, Failure> {
        let mut address = self.address(segments);
        address.query_pairs_mut().append_pair("limit", "100");
        if let Some(cursor) = cursor {
            address.query_pairs_mut().append_pair("cursor", cursor);
        }
        let response = self.send(self.authorised(self.http.get(address)).timeout(TIMEOUT)).await?;
        self.decode(response).await
    }

    /// Reads a whole list, page by page.
    pub(crate) async fn list<T: DeserializeOwned>(&self, segments: &[&str]) -> Result<Vec<T>, Failure> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let page: Page<T> = self.page(segments, cursor.as_deref()).await?;
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    /// Asks for something to be made or done. The key makes a repetition after a broken connection
    /// answer the same resource instead of making another.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let key = Uuid::now_v7().to_string();
        let mut repetition = 0;
        loop {
            let request =
                self.request(Method::POST, segments).timeout(TIMEOUT).header("idempotency-key", &key).json(body);
            match self.send(request).await {
                Err(Failure::Unreachable(_)) if repetition < 2 => {
                    repetition += 1;
                    tokio::time::sleep(Duration::from_millis(250 << repetition)).await;
                }
                Err(failure) => return Err(failure),
                Ok(response) => return self.decode(response).await,
            }
        }
    }

    /// The project that a person named: by its id or by its name.
    pub(crate) async fn project(&self, named: &str) -> Result<Project, Failure> {
        match self.get(&["projects", named]).await {
            Err(Failure::Refused(problem)) if problem.status == 404 => {
                Err(Failure::NotFound(format!("there is no project {named:?}; `gantry project list` shows all")))
            }
            answer => answer,
        }
    }
}

/// The problem in an answer; what is not one (a proxy's page, say) becomes one without a code.
async fn problem_of(response: Response) -> Problem {
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    serde_json::from_slice(&body).unwrap_or_else(|_| Problem {
        kind: "about:blank".to_owned(),
        title: title(status),
        status: status.as_u16(),
        detail: format!("The server answered {status}, without saying more. Is this a Gantry server?"),
        code: String::new(),
        request_id: String::new(),
        errors: Vec::new(),
    })
}

fn title(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Unknown status").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_taken_literally_and_a_prefix_of_the_server_stays() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connection = Connection::new("https://example.org/gantry/".parse().unwrap(), None).unwrap();
        let address = connection.address(&["images", "sha256:00:publish"]);
        assert_eq!(address.as_str(), "https://example.org/gantry/api/v1/images/sha256:00:publish");
        let hostile = connection.address(&["projects", "../x?y"]);
        assert_eq!(hostile.as_str(), "https://example.org/gantry/api/v1/projects/..%2Fx%3Fy");
    }

    #[test]
    fn only_http_addresses_are_servers() {
        assert_eq!(Connection::new("file:///etc/passwd".parse().unwrap(), None).err().unwrap().exit_code(), 2);
    }

    #[test]
    fn a_server_that_is_not_there_is_unreachable() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Port 9 (discard) of loopback: nobody listens there.
        let connection = Connection::new("http://127.0.0.1:9".parse().unwrap(), None).unwrap();
        let failure = runtime.block_on(connection.get::<Project>(&["projects", "x"])).unwrap_err();
        assert_eq!(failure.exit_code(), 3);
        assert!(failure.to_string().contains("gantry serve"), "{failure}");
    }
}
