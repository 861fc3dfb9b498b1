//! A pet shop with three pets: as much of the kit's one as its scenarios use,
//! and an `OpenAPI` 2.0 document of our own that describes it.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

fn pets() -> Vec<Value> {
    [(1, "Mimi", "available"), (2, "Wangcai", "available"), (3, "Bagua", "sold")]
        .into_iter()
        .map(|(id, name, status)| json!({"id": id, "name": name, "status": status}))
        .collect()
}

/// What the shop answers.
pub(super) fn answer(method: &Method, path: &str) -> (StatusCode, Option<Value>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, None);
    }
    match path {
        "/v2/swagger.json" => (StatusCode::OK, Some(description())),
        "/v2/pet/findByStatus" => {
            let wanted: Vec<&str> = query.split('&').filter_map(|q| q.strip_prefix("status=")).collect();
            let found = pets().into_iter().filter(|pet| wanted.iter().any(|w| pet["status"] == *w)).collect();
            (StatusCode::OK, Some(Value::Array(found)))
        }
        _ => {
            let id: Option<u64> = path.strip_prefix("/v2/pet/").and_then(|id| id.parse().ok());
            match pets().into_iter().find(|pet| Some(&pet["id"]) == id.map(Value::from).as_ref()) {
                Some(pet) => (StatusCode::OK, Some(pet)),
                None => (StatusCode::NOT_FOUND, Some(json!({"message": "there is no such pet"}))),
            }
        }
    }
}

fn description() -> Value {
    let pet = json!({"type": "object", "properties": {
        "id": {"type": "integer", "format": "int64"},
        "name": {"type": "string"},
        "status": {"type": "string"},
    }});
    json!({
        "swagger": "2.0",
        "info": {"title": "A pet shop for tests", "version": "1.0.0"},
        "host": super::PETSTORE,
        "basePath": "/v2",
        "schemes": ["https"],
        "paths": {
            "/pet/findByStatus": {"get": {
                "operationId": "findPetsByStatus",
                "produces": ["application/json"],
                "parameters": [{
                    "name": "status", "in": "query", "required": true,
                    "type": "array", "items": {"type": "string"}, "collectionFormat": "multi",
                }],
                "responses": {"200": {"description": "pets", "schema": {"type": "array", "items": pet.clone()}}},
            }},
            "/pet/{petId}": {"get": {
                "operationId": "getPetById",
                "produces": ["application/json"],
                "parameters": [{"name": "petId", "in": "path", "required": true, "type": "integer"}],
                "responses": {"200": {"description": "a pet", "schema": pet}, "404": {"description": "none"}},
            }},
        },
    })
}
