//! watsonx.ai: the key becomes a token of short life before it opens the model gateway. Both sides are
//! doubles that follow IBM's published contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;

use super::{add, tested};
use crate::support::for_both;
use crate::support::world::unique;

/// The double: hands out numbered tokens for one key and answers to the newest one.
async fn double(key: &str) -> (String, Arc<AtomicUsize>) {
    let handed = Arc::new(AtomicUsize::new(0));
    let (key, counting, checking) = (key.to_owned(), handed.clone(), handed.clone());
    let token = move |headers: HeaderMap, body: String| async move {
        assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
        let grant = "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey";
        if body != format!("{grant}&apikey={key}") {
            let error = json!({"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."});
            return (StatusCode::BAD_REQUEST, axum::Json(error)).into_response();
        }
        let number = counting.fetch_add(1, Ordering::SeqCst) + 1;
        let token = format!("iam-token-canary-{number}");
        axum::Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600})).into_response()
    };
    let chat = move |headers: HeaderMap| async move {
        let expected = format!("Bearer iam-token-canary-{}", checking.load(Ordering::SeqCst));
        if headers.get("authorization").is_none_or(|shown| shown.to_str().unwrap() != expected) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let answer =
            json!({"choices": [{"message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}]});
        axum::Json(answer).into_response() as Response
    };
    let router =
        Router::new().route("/identity/token", post(token)).route("/ml/gateway/v1/chat/completions", post(chat));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, handed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_exchanged_once_and_again_when_its_token_is_refused() {
    for_both(|test| async move {
        let admin = test.admin().await;
        let key = unique("ibm-key");
        let (url, handed) = double(&key).await;
        let more = json!({"key": key, "tokenUrl": format!("{url}/identity/token")});
        let provider = add(&admin, "watsonx", &format!("{url}/ml/gateway/v1"), "ibm/granite", more).await;
        for _ in 0..3 {
            assert_eq!(tested(&admin, &provider).await["code"], "works");
        }
        assert_eq!(handed.load(Ordering::SeqCst), 1, "a token is kept until shortly before its end");
        // The other side forgets it: the next question after that gets a new one.
        handed.store(7, Ordering::SeqCst);
        let found = tested(&admin, &provider).await;
        assert_eq!(found["code"], "key_refused", "{found}");
        assert!(!found.to_string().contains("canary"), "{found}");
        assert_eq!(tested(&admin, &provider).await["code"], "works");

        let more = json!({"key": unique("wrong-key"), "tokenUrl": format!("{url}/identity/token")});
        let wrong = add(&admin, "watsonx", &format!("{url}/ml/gateway/v1"), "ibm/granite", more).await;
        let found = tested(&admin, &wrong).await;
        assert_eq!(found["code"], "key_refused", "{found}");
        assert!(found["message"].as_str().unwrap().contains("/identity/token"), "{found}");
    })
    .await;
}
