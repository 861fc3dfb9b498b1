//! The document, made once.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::route::{Answer, Body, Right, Route};
use super::shapes;
use crate::etag;
use crate::names::{ACTOR_HEADER, KEY_HEADER};

/// The document and what is made of it.
pub(crate) struct Document {
    text: Bytes,
    pub(super) page: Bytes,
    tag: String,
}

impl Document {
    /// That of a table.
    pub(crate) fn of<S>(routes: &[Route<S>]) -> Document {
        let value = describe(routes);
        let (text, page) = (Bytes::from(value.to_string()), Bytes::from(super::page::write(&value)));
        let tag = etag::of(&text);
        Document { text, page, tag }
    }
}

/// Serves the document.
pub(crate) async fn serve(Extension(document): Extension<Arc<Document>>, headers: HeaderMap) -> Response {
    let common = [(header::ETAG, document.tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if etag::is_known(&headers, &document.tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, "application/json")], document.text.clone()).into_response()
}

/// The parts of the API, in the order of the page.
pub(crate) const TAGS: [(&str, &str, &str); 9] = [
    ("host", "主机", "The host itself"),
    ("session", "登录与账户", "Signing in, accounts"),
    ("desk", "办件", "Cases, and what people do with them"),
    ("watch", "监测", "Items, sources, coverage, duty"),
    ("runs", "运行", "Runs of workflows"),
    ("workflows", "流程", "Workflows, their slots and schedules"),
    ("plugins", "插件", "Plugins, and whose are trusted"),
    ("events", "事件", "Events in and out"),
    ("log", "流水", "The verifiable log"),
];

fn describe<S>(routes: &[Route<S>]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let method = route.method.as_str().to_ascii_lowercase();
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        entry[method] = operation(route, &mut schemas);
    }
    let tags: Vec<Value> =
        TAGS.iter().map(|(name, zh, en)| json!({"name": name, "description": format!("{zh} · {en}")})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "回音 Huiyin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "政务舆情工作主机的接口。 The API of a host for an organisation's public-opinion duty. `x-huiyin-right` says who may ask: `public`, `read`, `act` or `admin`.",
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "security": [{"bearer": []}, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "主机令牌（数据目录中的 api-token）。 The host's token, in the data folder's file `api-token`.",
                },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "huiyin-xxxxxxxx",
                    "description": "登录后的会话；名称的后八位各主机不同，经 TLS 时前缀为 __Host-。更改须带 `huiyin-console: 1`。 A session: the last eight digits differ from host to host, and over TLS the name begins with `__Host-`. What changes something needs the header `huiyin-console: 1`.",
                },
            },
            "responses": {"Problem": {
                "description": "出错：RFC 9457 问题说明 · A problem (RFC 9457)",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }},
            "schemas": schemas.all(),
        },
    })
}

fn operation<S>(route: &Route<S>, schemas: &mut Schemas) -> Value {
    let mut parameters: Vec<Value> = route.places().map(place).collect();
    if let Some(query) = route.query {
        let schema = Value::from(query(&mut schemas.generator));
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let mut field = field.clone();
            let words = field.as_object_mut().and_then(|field| field.remove("description"));
            let mut parameter = json!({
                "name": name, "in": "query", "required": required.contains(&name.as_str()), "schema": field,
            });
            if let Some(words) = words {
                parameter["description"] = words;
            }
            parameters.push(parameter);
        }
    }
    if matches!(route.right, Right::Act | Right::Admin) {
        parameters.push(json!({
            "name": ACTOR_HEADER, "in": "header", "required": false, "schema": {"type": "string"},
            "description": "person:<id> 或 admin:<name>，仅限主机令牌 · in whose name, for the bearer of the host's token",
        }));
    }
    if route.keyed {
        parameters.push(json!({
            "name": KEY_HEADER, "in": "header", "required": false, "schema": {"type": "string", "maxLength": 255},
            "description": "同一键只办一次 · under the same key it acts once",
        }));
    }
    if route.matched {
        parameters.push(json!({
            "name": "if-match", "in": "header", "required": false, "schema": {"type": "string"},
            "description": "办件的版本（读取时的 ETag）；已变化则 412 · the version of the case, the ETag of a read; 412 where it has changed",
        }));
    }
    if let Some(paged) = &route.paged {
        if !paged.own_limit {
            parameters.push(json!({
                "name": "limit", "in": "query", "required": false,
                "schema": {"type": "integer", "minimum": 1, "maximum": crate::paging::MOST},
                "description": "每页行数 · rows of a page",
            }));
        }
        parameters.push(json!({
            "name": "cursor", "in": "query", "required": false, "schema": {"type": "string"},
            "description": "上一页的 next · `next` of the page before",
        }));
    }
    let mut answers: Map<String, Value> = Map::new();
    for (status, answer) in &route.answers {
        let mut told = json!({"description": meaning(*status)});
        if route.tagged.is_some() && matches!(status, 200 | 304) {
            told["headers"]["etag"] = json!({"schema": {"type": "string"}, "description": "版本 · the version"});
        }
        if route.paged.is_some() {
            told["headers"]["link"] =
                json!({"schema": {"type": "string"}, "description": "下一页 · the page after this one (RFC 8288)"});
        }
        match answer {
            Answer::Json(shape) => {
                let mut schema = shape();
                if route.paged.is_some() && schema["properties"].is_object() {
                    schema["properties"]["next"] = json!({"type": ["string", "null"]});
                }
                told["content"] = json!({"application/json": {"schema": schema}});
            }
            // JSON of a media type of its own is JSON all the same.
            Answer::Text(kind) if kind.ends_with("+json") => {
                told["content"] = json!({*kind: {"schema": {"type": "object"}}})
            }
            Answer::Text(kind) => told["content"] = json!({*kind: {"schema": {"type": "string"}}}),
            Answer::Nothing => {}
        }
        answers.insert(status.to_string(), told);
    }
    answers.insert("default".to_owned(), json!({"$ref": "#/components/responses/Problem"}));
    let mut operation = json!({
        "operationId": route.name(),
        "tags": [route.tag],
        "summary": route.zh,
        "description": route.en,
        "x-huiyin-right": route.right.name(),
        "parameters": parameters,
        "responses": answers,
    });
    if let Some(body) = &route.body {
        operation["requestBody"] = json!({"required": true, "content": content(body, schemas)});
    }
    if route.right == Right::Public {
        operation["security"] = json!([]);
    }
    operation
}

fn content(body: &Body, schemas: &mut Schemas) -> Value {
    match body {
        Body::Json(schema) => {
            json!({"application/json": {"schema": Value::from(schema(&mut schemas.generator))}})
        }
        Body::Command => json!({"application/json": {"schema": schemas.commands()}}),
        Body::Events => json!({
            "application/cloudevents+json": {"schema": {"$ref": "#/components/schemas/CloudEvent"}},
            "application/cloudevents-batch+json": {"schema": {
                "type": "array", "maxItems": 1_000, "items": {"$ref": "#/components/schemas/CloudEvent"},
            }},
            "*/*": {"schema": {"description": "binary mode: attributes in `ce-` headers, the body is the data"}},
        }),
        Body::Package => {
            json!({"application/wasm": {"schema": {"type": "string", "contentMediaType": "application/wasm"}}})
        }
    }
}

/// A parameter of a path.
fn place(name: &'static str) -> Value {
    let (schema, words) = match name {
        "index" => (json!({"type": "integer", "minimum": 0}), "记录的序号 · the index of a record in the log"),
        "item" => (json!({"type": "string", "format": "uuid"}), "舆情信息 · an item"),
        "unit" => (shapes::text(), "单位代码 · the code of a unit"),
        "number" => (shapes::text(), "办件编号 · the number of a case"),
        "id" => (shapes::text(), "运行 · a run"),
        "plugin" => (shapes::text(), "插件 · `name:version`"),
        "namespace" => (shapes::text(), "流程的命名空间 · the namespace of a workflow"),
        "token" => (shapes::text(), "令牌编号 · the id of an API token"),
        "account" => (shapes::text(), "账户 · an account"),
        _ => (shapes::text(), "名称 · a name"),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema, "description": words})
}

fn meaning(status: u16) -> &'static str {
    match status {
        201 => "已建立 · made",
        202 => "已记录在案 · on record, and will be done",
        204 => "已完成 · done, on record",
        304 => "未变化 · not changed",
        _ => "回答 · the answer",
    }
}

/// The schemas that others refer to.
struct Schemas {
    generator: SchemaGenerator,
    more: BTreeMap<String, Value>,
}

impl Schemas {
    fn new() -> Schemas {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Schemas { generator: settings.into_generator(), more: shapes::named() }
    }

    /// Any command: each a schema of its own, by its name.
    fn commands(&mut self) -> Value {
        let mut each = Vec::new();
        let mut by_name = Map::new();
        for form in huiyin_desk::command_forms() {
            let mut schema = form.schema;
            let place = |name: &str| format!("#/components/schemas/{name}");
            if let Some(object) = schema.as_object_mut() {
                object.remove("$schema");
                for (name, mut defined) in object.remove("$defs").and_then(take_object).unwrap_or_default() {
                    moved(&mut defined);
                    self.more.entry(name).or_insert(defined);
                }
                let properties = object.entry("properties").or_insert_with(|| json!({}));
                properties["command"] = json!({"const": form.command});
                let required = object.entry("required").or_insert_with(|| json!([]));
                if let Some(required) = required.as_array_mut() {
                    required.insert(0, "command".into());
                }
            }
            moved(&mut schema);
            each.push(json!({"$ref": place(form.command)}));
            by_name.insert(form.command.to_owned(), place(form.command).into());
            self.more.insert(form.command.to_owned(), schema);
        }
        json!({"oneOf": each, "discriminator": {"propertyName": "command", "mapping": by_name}})
    }

    fn all(mut self) -> Value {
        let mut all: BTreeMap<String, Value> = self.more;
        for (name, schema) in self.generator.take_definitions(true) {
            all.entry(name).or_insert(schema);
        }
        json!(all)
    }
}

fn take_object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

/// What refers to a schema's own definitions refers to the document's.
pub(crate) fn moved(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(to)) = map.get_mut("$ref")
                && let Some(name) = to.strip_prefix("#/$defs/")
            {
                *to = format!("#/components/schemas/{name}");
            }
            map.values_mut().for_each(moved);
        }
        Value::Array(all) => all.iter_mut().for_each(moved),
        _ => {}
    }
}
