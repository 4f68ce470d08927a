//! The description holds for every route, every field and every answer.

use llm_prober::web::WebOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Page;

/// The keys under which a schema holds others.
fn schemas_below(schema: &Value) -> Vec<&Value> {
    let lists = ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[key].as_array());
    let maps = schema["properties"].as_object().into_iter().flat_map(|map| map.values());
    let single = [&schema["items"], &schema["additionalProperties"]];
    lists.flatten().chain(maps).chain(single.into_iter().filter(|s| s.is_object())).collect()
}

fn undescribed(name: &str, schema: &Value, found: &mut Vec<String>) {
    for (field, property) in schema["properties"].as_object().into_iter().flatten() {
        // Of what may be null, the description stands beside the reference.
        let choices = property["oneOf"].as_array().into_iter().flatten();
        let described = |s: &Value| s["description"].as_str().is_some_and(|d| !d.is_empty());
        if !choices.chain([property]).any(described) {
            found.push(format!("{name}.{field}"));
        }
    }
    for below in schemas_below(schema) {
        undescribed(name, below, found);
    }
}

fn operations(description: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let paths = description["paths"].as_object().unwrap().iter();
    paths
        .inspect(|(path, item)| {
            let methods: Vec<_> = item.as_object().unwrap().keys().collect();
            assert_eq!(methods, ["get"], "{path}");
        })
        .map(|(path, item)| (path, &item["get"]))
}

#[tokio::test]
async fn every_route_and_field_is_described() {
    let page = Page::lively(WebOptions::default()).await;
    let description = page.get("/api/v1/openapi.json").await;
    assert_eq!(description["openapi"], "3.1.0");
    let paths: Vec<_> = operations(&description).map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/api/v1/comparisons",
            "/api/v1/events",
            "/api/v1/gpus",
            "/api/v1/openapi.json",
            "/api/v1/probes/{id}",
            "/api/v1/probes/{id}/recording",
            "/api/v1/status",
            "/api/v1/targets",
            "/api/v1/targets/{name}",
            "/api/v1/targets/{name}/change",
            "/api/v1/targets/{name}/probes",
        ]
    );
    let mut found = Vec::new();
    for (path, operation) in operations(&description) {
        for key in ["summary", "description", "operationId"] {
            assert!(operation[key].as_str().is_some_and(|s| !s.is_empty()), "{path}: no {key}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{path}: {parameter}");
        }
    }
    let schemas = description["components"]["schemas"].as_object().unwrap();
    assert!(schemas.len() > 20, "{}", schemas.len());
    for (name, schema) in schemas {
        assert!(schema["description"].is_string(), "{name} is not described");
        undescribed(name, schema, &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
}

/// Forbids every field that a schema does not name.
fn close(schema: &mut Value) {
    if let Some(map) = schema.as_object_mut() {
        if map.contains_key("properties") && !map.contains_key("additionalProperties") {
            map.insert("additionalProperties".to_owned(), json!(false));
        }
        map.values_mut().for_each(close);
    } else if let Some(list) = schema.as_array_mut() {
        list.iter_mut().for_each(close);
    }
}

/// An answer must be one of those described, status and every field.
async fn check_answer(page: &Page, description: &Value, path: &str, asked: &str) {
    let response = page.ask(Method::GET, asked).await;
    let status = response.status().as_u16().to_string();
    let described = &description["paths"][path]["get"]["responses"][&status];
    assert!(described.is_object(), "{asked} answers with {status}, which is not described");
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let content = described["content"].get(&kind);
    let content = content.unwrap_or_else(|| panic!("{asked}: {kind} is not described"));
    if kind != "application/json" {
        return;
    }
    let mut schema = description.clone();
    close(&mut schema["components"]);
    schema["allOf"] = json!([content["schema"]]);
    let answer: Value = response.json().await.unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&answer).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{asked}: {errors:?}\n{answer}");
}

#[tokio::test]
async fn every_answer_is_as_described() {
    for recordings in [false, true] {
        let page =
            Page::lively(WebOptions { recordings, probe: false, ..WebOptions::FIGURES }).await;
        let description = page.get("/api/v1/openapi.json").await;
        let targets = ["good", "a%20slow%2Fone", "dead", "idle", "missing", "%FF"];
        let mut ids = vec!["missing".to_owned(), "%FF".to_owned()];
        for target in &targets[..3] {
            ids.push(page.probe_id(target).await);
        }
        let mut checked = 0;
        for (path, _) in operations(&description).filter(|(path, _)| !path.ends_with("events")) {
            let fill = |key: &str, values: &[String]| -> Vec<String> {
                values.iter().map(|value| path.replace(key, value)).collect()
            };
            let asked = if path.contains("{name}") {
                fill("{name}", &targets.map(str::to_owned))
            } else if path.contains("{id}") {
                fill("{id}", &ids)
            } else {
                vec![path.clone(), format!("{path}?limit=0"), format!("{path}?nonsense=1")]
            };
            for asked in asked {
                check_answer(&page, &description, path, &asked).await;
                checked += 1;
            }
        }
        assert!(checked > 25, "{checked}");
    }
}
