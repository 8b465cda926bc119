//! Identity: the set-up link, signing in, forged requests, throttling, scopes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails by unwrapping has said what it needs to say"
)]

use crate::support::{ADMIN_EMAIL, ADMIN_PASSWORD, Persona, TestApp, browser_headers, files_below, for_both};
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use gantry_server::app::App;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";

fn setup_body(token: &str) -> Value {
    json!({"token": token, "name": "Ada", "email": "ada@example.com", "password": PASSWORD})
}

fn login_body(password: &str) -> Value {
    json!({"email": ADMIN_EMAIL, "password": password})
}

/// Nobody, but with headers.
pub(crate) fn with<'a>(app: &'a TestApp, pairs: &[(&'static str, &str)]) -> Persona<'a> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(*name, value.parse().unwrap());
    }
    Persona::with_headers(app, headers)
}

pub(crate) fn and<'a>(app: &'a TestApp, persona: &Persona<'_>, name: &'static str, value: Option<&str>) -> Persona<'a> {
    let mut headers = persona.headers.clone();
    match value {
        Some(value) => drop(headers.insert(name, value.parse().unwrap())),
        None => drop(headers.remove(name)),
    }
    Persona::with_headers(app, headers)
}

pub(crate) async fn count(app: &App, sql: &'static str) -> i64 {
    let (count,): (i64,) = app.db.sql(sql).one().await.unwrap();
    count
}

#[tokio::test]
async fn the_set_up_link_makes_one_account_and_then_none_works() {
    for_both(async |app: TestApp| {
        assert_eq!(app.anonymous().get("/api/v1/setup").await.expect(200).json(), json!({"required": true}));
        let token = app.setup_token().await.unwrap();
        let answer = app.anonymous().post("/api/v1/setup", setup_body(&token)).await.expect(201);
        assert_eq!(answer.json()["user"]["email"], "ada@example.com");
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.starts_with("__Host-gantry=") && cookie.contains("Secure") && cookie.contains("HttpOnly"));
        assert!(cookie.contains("SameSite=Strict") && cookie.contains("Path=/") && !cookie.contains("Domain"));

        assert_eq!(app.anonymous().get("/api/v1/setup").await.expect(200).json(), json!({"required": false}));
        assert_eq!(
            app.anonymous().post("/api/v1/setup", setup_body(&token)).await.expect(409).code(),
            "already_set_up"
        );
        assert!(app.setup_token().await.is_none(), "no further link is made");
        let browser = Persona::with_headers(&app, browser_headers(&answer));
        assert_eq!(browser.get("/api/v1/auth/me").await.expect(200).json(), answer.json());
    })
    .await;
}

#[tokio::test]
async fn of_twenty_set_ups_at_once_with_one_link_exactly_one_succeeds() {
    for_both(async |app: TestApp| {
        let token = app.setup_token().await.unwrap();
        let attempts = (0..20).map(|number| {
            let mut body = setup_body(&token);
            body["email"] = json!(format!("person-{number}@example.com"));
            let app = &app;
            async move { app.anonymous().post("/api/v1/setup", body).await.status.as_u16() }
        });
        let mut statuses = futures::future::join_all(attempts).await;
        statuses.sort_unstable();
        assert_eq!(statuses[0], 201, "{statuses:?}");
        assert!(statuses[1..].iter().all(|status| *status == 409 || *status == 403), "{statuses:?}");
        assert_eq!(count(&app.app, "SELECT count(*) FROM account").await, 1);
        assert_eq!(count(&app.app, "SELECT count(*) FROM login").await, 1);
        assert_eq!(count(&app.app, "SELECT count(*) FROM setup_link").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_new_start_makes_a_new_link_and_the_old_one_stops_working() {
    for_both(async |app: TestApp| {
        let old = app.setup_token().await.unwrap();
        let new = app.setup_token().await.unwrap();
        assert_eq!(
            app.anonymous().post("/api/v1/setup", setup_body(&old)).await.expect(403).code(),
            "setup_link_invalid"
        );
        for wrong in ["", "x", &"a".repeat(43), &"x".repeat(65_536)] {
            assert_eq!(
                app.anonymous().post("/api/v1/setup", setup_body(wrong)).await.expect(403).code(),
                "setup_link_invalid"
            );
        }
        app.app.db.sql("UPDATE setup_link SET expires_at = 1").execute().await.unwrap();
        app.anonymous().post("/api/v1/setup", setup_body(&new)).await.expect(403);
        let fresh = app.setup_token().await.unwrap();
        app.anonymous().post("/api/v1/setup", setup_body(&fresh)).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_set_up_with_faults_names_them_all_and_leaves_the_link_usable() {
    for_both(async |app: TestApp| {
        let token = app.setup_token().await.unwrap();
        let body = json!({"token": token, "name": "a\nb", "email": "nobody", "password": "sesame"});
        let answer = app.anonymous().post("/api/v1/setup", body).await.expect(422);
        let paths: Vec<String> = answer.json()["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["path"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(paths, ["/name", "/email", "/password"]);
        assert!(!answer.text().contains("sesame"), "a password is never repeated");

        let mut body = setup_body(&token);
        body["extra"] = json!(1);
        app.anonymous().post("/api/v1/setup", body).await.expect(422);
        let mut body = setup_body(&token);
        body["name"] = json!("x".repeat(65_536));
        app.anonymous().post("/api/v1/setup", body).await.expect(422);
        let mut body = setup_body(&token);
        body["name"] = json!("a\u{0}b");
        app.anonymous().post("/api/v1/setup", body).await.expect(422);

        let mut body = setup_body(&token);
        body["name"] = json!("עדה \"the\" \\ 👩‍💻");
        let answer = app.anonymous().post("/api/v1/setup", body).await.expect(201);
        assert_eq!(answer.json()["name"], "עדה \"the\" \\ 👩‍💻");
    })
    .await;
}

#[tokio::test]
async fn only_hashes_of_tokens_and_passwords_are_stored() {
    let app = TestApp::sqlite().await;
    let link = app.setup_token().await.unwrap();
    let answer = app.anonymous().post("/api/v1/setup", setup_body(&link)).await.expect(201);
    let browser = Persona::with_headers(&app, browser_headers(&answer));
    let made = browser.post("/api/v1/tokens", json!({"name": "ci", "scopes": ["read"]})).await.expect(201);
    let cookie = browser.headers[header::COOKIE].to_str().unwrap().split_once('=').unwrap().1.to_owned();
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let csrf = answer.json()["csrfToken"].as_str().unwrap().to_owned();
    for file in files_below(app.data()) {
        let bytes = std::fs::read(file).unwrap();
        for secret in [PASSWORD, &link, &cookie, &secret, &csrf] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "found in clear");
        }
    }
}

#[tokio::test]
async fn signing_in_and_out_and_a_wrong_password() {
    for_both(async |app: TestApp| {
        let first = app.admin().await;
        let wrong = app.anonymous().post("/api/v1/auth/login", login_body("not the password")).await.expect(401);
        assert_eq!(wrong.code(), "wrong_credentials");
        let unknown = app
            .anonymous()
            .post("/api/v1/auth/login", json!({"email": "nobody@example.com", "password": "not the password"}))
            .await
            .expect(401);
        assert_eq!(unknown.json()["detail"], wrong.json()["detail"], "an unknown account is not told apart");
        for odd in
            [json!({"email": "", "password": ""}), json!({"email": "x".repeat(60_000), "password": "y".repeat(60_000)})]
        {
            app.anonymous().post("/api/v1/auth/login", odd).await.expect(401);
        }

        let body = json!({"email": " ADA@Example.COM ", "password": ADMIN_PASSWORD});
        let answer = first.post("/api/v1/auth/login", body).await.expect(200);
        let second = Persona::with_headers(&app, browser_headers(&answer));
        second.get("/api/v1/auth/me").await.expect(200);
        first.get("/api/v1/auth/me").await.expect(401);

        let answer = second.post("/api/v1/auth/logout", json!({})).await.expect(204);
        assert!(answer.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
        let gone = second.get("/api/v1/auth/me").await.expect(401);
        assert_eq!(gone.code(), "unauthorized");
        assert!(gone.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
        assert_eq!(count(&app.app, "SELECT count(*) FROM login").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_login_ends_when_nobody_uses_it_and_in_any_case_after_thirty_days() {
    for_both(async |app: TestApp| {
        const DAY: i64 = 24 * 60 * 60 * 1_000;
        let browser = app.admin().await;
        let now = app.app.db.now();
        let set = async |created: i64, used: i64| {
            app.app
                .db
                .sql("UPDATE login SET created_at = $1, last_used_at = $2")
                .bind(now.plus_millis(created))
                .bind(now.plus_millis(used))
                .execute()
                .await
                .unwrap();
        };
        set(-13 * DAY, -13 * DAY).await;
        browser.get("/api/v1/auth/me").await.expect(200);
        let (used,): (i64,) = app.app.db.sql("SELECT last_used_at FROM login").one().await.unwrap();
        assert!(used >= now.micros(), "its use was noted");
        browser.get("/api/v1/auth/me").await.expect(200);
        let (again,): (i64,) = app.app.db.sql("SELECT last_used_at FROM login").one().await.unwrap();
        assert_eq!(used, again, "and not again within a minute");
        set(-20 * DAY, -15 * DAY).await;
        browser.get("/api/v1/auth/me").await.expect(401);
        set(-31 * DAY, 0).await;
        browser.get("/api/v1/auth/me").await.expect(401);
        app.admin().await;
        assert_eq!(count(&app.app, "SELECT count(*) FROM login").await, 1, "what is over is deleted at the next login");
    })
    .await;
}

#[tokio::test]
async fn guessing_passwords_of_one_account_is_slowed_down_and_told_when_to_come_back() {
    for_both(async |app: TestApp| {
        app.admin().await;
        for _ in 0..6 {
            app.anonymous().post("/api/v1/auth/login", login_body("wrong")).await.expect(401);
        }
        let blocked = app.anonymous().post("/api/v1/auth/login", login_body(ADMIN_PASSWORD)).await.expect(429);
        assert_eq!(blocked.code(), "too_many_attempts");
        assert_eq!(blocked.headers[header::RETRY_AFTER], "1");

        tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
        app.anonymous().post("/api/v1/auth/login", login_body(ADMIN_PASSWORD)).await.expect(200);
        app.anonymous().post("/api/v1/auth/login", login_body("wrong")).await.expect(401);
        assert_eq!(
            count(&app.app, "SELECT attempts FROM login_attempt WHERE key LIKE 'account:%'").await,
            1,
            "the right password starts the count again"
        );
        assert_eq!(
            count(&app.app, "SELECT attempts FROM login_attempt WHERE key LIKE 'address:%'").await,
            7,
            "an address only gets its right attempts back"
        );
    })
    .await;
}

#[tokio::test]
async fn a_hundred_guesses_at_once_are_a_hundred_attempts() {
    for_both(async |app: TestApp| {
        app.admin().await;
        let guesses = (0..40)
            .map(|_| async { app.anonymous().post("/api/v1/auth/login", login_body("wrong")).await.status.as_u16() });
        let statuses = futures::future::join_all(guesses).await;
        let looked_at = statuses.iter().filter(|status| **status == 401).count();
        // Five are free; while the rest runs, a wait of a second or two may end.
        assert!((5..=9).contains(&looked_at), "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
    })
    .await;
}

#[tokio::test]
async fn guessing_many_accounts_from_one_address_is_slowed_down_too() {
    for_both(async |app: TestApp| {
        for number in 0..21 {
            let body = json!({"email": format!("a{number}@example.com"), "password": "wrong"});
            app.anonymous().post("/api/v1/auth/login", body).await.expect(401);
        }
        let body = json!({"email": "another@example.com", "password": "wrong"});
        let blocked = app.anonymous().post("/api/v1/auth/login", body).await.expect(429);
        assert!(blocked.headers.contains_key(header::RETRY_AFTER));
    })
    .await;
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    for_both(async |app: TestApp| {
        let browser = app.admin().await;
        let body = || json!({"name": "ci", "scopes": ["read"]});
        for wrong in [None, Some("x"), Some("")] {
            let refused = and(&app, &browser, "x-gantry-csrf", wrong).post("/api/v1/tokens", body()).await.expect(403);
            assert_eq!(refused.code(), "csrf_token_invalid");
        }
        let other = app.admin().await;
        let others = other.headers["x-gantry-csrf"].to_str().unwrap();
        and(&app, &browser, "x-gantry-csrf", Some(others)).post("/api/v1/tokens", body()).await.expect(403);
        and(&app, &browser, "x-gantry-csrf", None).get("/api/v1/auth/me").await.expect(200);
        and(&app, &browser, "x-gantry-csrf", None).post("/api/v1/auth/logout", json!({})).await.expect(403);
        browser.post("/api/v1/tokens", body()).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_even_with_the_proof() {
    let app = TestApp::sqlite().await;
    let browser = app.admin().await;
    let body = || json!({"name": "ci", "scopes": ["read"]});
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:8888"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let refused = and(&app, &browser, name, Some(value)).post("/api/v1/tokens", body()).await.expect(403);
        assert_eq!(refused.code(), "cross_origin", "{name}: {value}");
        // Signing somebody in to an account of the attacker's is refused as well.
        let refused =
            with(&app, &[(name, value)]).post("/api/v1/auth/login", login_body(ADMIN_PASSWORD)).await.expect(403);
        assert_eq!(refused.code(), "cross_origin", "{name}: {value}");
    }
    for (name, value) in [("origin", "http://127.0.0.1:7777"), ("sec-fetch-site", "same-origin")] {
        and(&app, &browser, name, Some(value)).post("/api/v1/tokens", body()).await.expect(201);
    }
    // A token is sent by no page on its own, so where it comes from does not matter.
    let program = app.token(&["admin", "read"]).await;
    and(&app, &program, "origin", Some("https://dashboard.example")).post("/api/v1/tokens", body()).await.expect(201);
}

#[tokio::test]
async fn a_socket_of_another_sites_page_is_refused_before_it_opens() {
    let app = TestApp::sqlite().await;
    let browser = app.admin().await;
    let open = async |origin: &'static str| {
        let mut request = Request::builder()
            .uri(format!("/api/v1/jobs/{}/events", uuid::Uuid::nil()))
            .header(header::HOST, "127.0.0.1:7777")
            .header(header::UPGRADE, "websocket")
            .header(header::CONNECTION, "upgrade")
            .header(header::ORIGIN, origin);
        for (name, value) in &browser.headers {
            request = request.header(name, value);
        }
        browser.raw(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(open("https://evil.example").await.expect(403).code(), "cross_origin");
    // This request has no key for the upgrade: that it is missed shows that the gate was passed.
    assert_eq!(open("http://127.0.0.1:7777").await.expect(400).code(), "upgrade_refused");
}

#[tokio::test]
async fn over_plain_http_elsewhere_the_answer_explains_that_the_cookie_would_be_lost() {
    let app = TestApp::sqlite().await;
    let token = app.setup_token().await.unwrap();
    let elsewhere = [("host", "gantry.lan:7777"), ("origin", "http://gantry.lan:7777")];
    let request = |path: &str, body: Value| {
        let mut request =
            Request::builder().method(Method::POST).uri(path).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in elsewhere {
            request = request.header(name, value);
        }
        request.body(Body::from(body.to_string())).unwrap()
    };
    let refused = app.anonymous().raw(request("/api/v1/setup", setup_body(&token))).await.expect(403);
    assert_eq!(refused.code(), "https_required");
    app.anonymous().post("/api/v1/setup", setup_body(&token)).await.expect(201);
    let refused = app.anonymous().raw(request("/api/v1/auth/login", login_body(PASSWORD))).await.expect(403);
    assert_eq!(refused.code(), "https_required");
    assert!(!refused.headers.contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn everything_but_the_way_in_needs_an_actor() {
    let app = TestApp::sqlite().await;
    let document = app.anonymous().get("/api/v1/openapi.json").await.expect(200).json();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let is_way_in = matches!(path.as_str(), "/api/v1/setup" | "/api/v1/auth/login");
            if is_way_in {
                continue;
            }
            let path = path.replace("{id}", &uuid::Uuid::nil().to_string());
            for nobody in [
                app.anonymous(),
                with(&app, &[("cookie", "__Host-gantry=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]),
                with(&app, &[("authorization", "Bearer gantry_0000000000000000000000000000000000000000")]),
                with(&app, &[("authorization", "Basic YTpi")]),
                with(&app, &[("authorization", "x")]),
            ] {
                let refused = nobody.send(method.clone(), &path, None).await.expect(401);
                // The gateway is for runs, and speaks as OpenAI does, or as OTLP where it takes spans.
                let (code, expected) = if path == "/gateway/v1/traces" {
                    let message = refused.json()["message"].as_str().unwrap_or_default().to_owned();
                    (message.split(':').next().unwrap_or_default().to_owned(), "gateway_token_invalid")
                } else if path.starts_with("/gateway/") {
                    (refused.json()["error"]["code"].as_str().unwrap_or_default().to_owned(), "gateway_token_invalid")
                } else {
                    (refused.code(), "unauthorized")
                };
                assert_eq!(code, expected, "{method} {path}");
                assert!(refused.headers.contains_key(header::WWW_AUTHENTICATE));
            }
            asked += 1;
        }
    }
    assert!(asked > 20, "only {asked} operations were found");
    app.anonymous().get("/api/v1/no-such-thing").await.expect(401);
}
