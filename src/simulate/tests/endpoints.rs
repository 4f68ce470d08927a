//! Paths, headers and complaints.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_model_is_listed() {
    let answer = Client::new(exact()).await.get("/v1/models").await;
    assert_eq!(answer.json()["object"], "list");
    assert_eq!(answer.json()["data"][0]["id"], "simulated");
}

#[tokio::test(start_paused = true)]
async fn health_is_an_empty_200() {
    let answer = Client::new(exact()).await.get("/health").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""));
}

#[tokio::test(start_paused = true)]
async fn the_request_id_comes_back_on_answers_and_on_errors() {
    let mut client = Client::new(exact()).await;
    assert_eq!(client.chat(&chat()).await.header("x-request-id"), Some("id-7"));
    assert_eq!(client.post("/v1/nothing", "").await.header("x-request-id"), Some("id-7"));
    assert_eq!(client.get("/health").await.header("x-request-id"), None);
}

#[tokio::test(start_paused = true)]
async fn every_complaint_has_openai_form() {
    let mut client = Client::new(exact()).await;
    let chat = "/v1/chat/completions";
    for (path, body, status, message) in [
        (chat, "{]", 400, "not valid JSON at line 1 column 2"),
        (chat, "{}", 400, "`messages` is missing or empty"),
        ("/v1/completions", "{}", 400, "`prompt` is missing"),
        (chat, r#"{"model":"x"}"#, 404, "The model `x` does not exist. Valid models: simulated."),
        ("/chat/completion", "{}", 404, "unknown path, did you mean /v1/chat/completions?"),
        ("/v1/models", "{}", 405, "/v1/models answers GET only"),
    ] {
        let answer = client.post(path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {body}");
        assert_eq!(answer.json()["error"]["message"], message);
        assert_eq!(answer.json()["error"]["code"], status);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_has_a_limit() {
    let simulator = Simulator::new(exact());
    let mut client = Client::of(&simulator).await;
    let answer = client.post("/v1/chat/completions", &" ".repeat((16 << 20) + 1)).await;
    assert_eq!(answer.status.as_u16(), 413);
    assert_eq!(simulator.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_model_of_another_name_is_served_under_that_name() {
    let config = SimulatorConfig { model: "a \"b\" é".to_owned(), ..exact() };
    let mut client = Client::new(config).await;
    let mut body = chat();
    body["model"] = json!("a \"b\" é");
    let answer = client.chat(&body).await;
    let first = answer.frames[0].1.trim_start_matches("data: ");
    let event: Value = serde_json::from_str(first).expect("JSON");
    assert_eq!(event["model"], "a \"b\" é");
}
