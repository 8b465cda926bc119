//! What runs asked of models, summed by day, project and model.

use serde_json::json;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::for_both;
use crate::support::stories::{project, provider, spec, start, wait_for_end};

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_what_the_runs_say_they_used() {
    for_both(|test| async move {
        let admin = test.admin().await;
        test.start_workers().await;
        let model = FakeModel::start(vec![Reply::Text("Yes.")]).await;
        let provider = provider(&admin, &model.url).await;
        let project = project(&test.app, &spec("react", json!([]))).await;
        let (mut tokens, mut cost) = (0, 0);
        for _ in 0..2 {
            let (run, _) = start(&admin, project, json!({"input": "Yes?", "providerId": provider})).await;
            let run = wait_for_end(&admin, run).await;
            tokens += run["usage"]["inputTokens"].as_i64().unwrap();
            cost += run["usage"]["costMicros"].as_i64().unwrap();
        }
        let (rehearsed, _) = start(&admin, project, json!({"input": "Yes?"})).await;
        wait_for_end(&admin, rehearsed).await;
        assert!(tokens > 0 && cost > 0);

        let report = admin.get("/api/v1/usage?days=7").await.expect(200).json();
        let days = report["days"].as_array().unwrap();
        assert_eq!(days.len(), 7);
        let today = days.last().unwrap();
        let items = report["items"].as_array().unwrap();
        let of = |model: &str| items.iter().find(|item| item["model"] == model).unwrap();
        assert_eq!(items.len(), 2, "{report}");
        let asked = of("fake-1");
        assert_eq!((&asked["day"], &asked["runs"], &asked["modelCalls"]), (today, &json!(2), &json!(2)));
        assert_eq!((&asked["inputTokens"], &asked["costMicros"]), (&json!(tokens), &json!(cost)));
        assert_eq!((&asked["providerId"], &asked["unpricedRuns"]), (&provider, &json!(0)));
        let rehearsed = of("rehearsal");
        assert_eq!((&rehearsed["provider"], &rehearsed["runs"]), (&json!(null), &json!(1)));

        // What was asked long ago is not in it.
        let week = 7 * 86_400 * 1_000_000_i64;
        test.app.db.sql("UPDATE run SET created_at = created_at - $1").bind(week).execute().await.unwrap();
        let report = admin.get("/api/v1/usage?days=7").await.expect(200).json();
        assert_eq!(report["items"], json!([]));
        assert_eq!(admin.get("/api/v1/usage?days=8").await.expect(200).json()["items"].as_array().unwrap().len(), 2);
        assert_eq!(admin.get("/api/v1/usage?days=1000").await.expect(200).json()["days"].as_array().unwrap().len(), 92);
        admin.get("/api/v1/usage?days=many").await.expect(400);
        test.anonymous().get("/api/v1/usage").await.expect(401);
    })
    .await;
}
