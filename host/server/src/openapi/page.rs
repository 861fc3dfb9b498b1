//! The document as a page to read. It is written once, has no script, and takes nothing from anywhere else.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Extension;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::document::{Document, TAGS};
use crate::console::guarded_by;

/// What the page may do: have its one style sheet.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("page.css");

/// Serves the page.
pub(crate) async fn page(Extension(document): Extension<Arc<Document>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    guarded_by((kind, document.page.clone()).into_response(), POLICY)
}

/// Serves its style sheet.
pub(crate) async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    guarded_by((kind, STYLE).into_response(), POLICY)
}

/// Writes the page of a document.
pub(super) fn write(document: &Value) -> String {
    let mut out = String::with_capacity(256 << 10);
    let title = escaped(document["info"]["title"].as_str().unwrap_or_default());
    let version = escaped(document["info"]["version"].as_str().unwrap_or_default());
    let _ = write!(
        out,
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title} 接口</title><link rel=\"stylesheet\" href=\"/docs/page.css\">\
         </head><body><header><h1>{title} 接口 <small lang=\"en\">API {version}</small></h1>\
         <p>OpenAPI 3.1 文档 <a href=\"/openapi.json\">/openapi.json</a>。<span lang=\"en\">Of each path: who may ask, \
         what it takes and gives. Errors are problem details (RFC 9457).</span></p><nav>"
    );
    for (tag, zh, en) in TAGS {
        let _ = write!(out, "<a href=\"#{tag}\">{zh} <span lang=\"en\">{en}</span></a>");
    }
    out.push_str("<a href=\"#schemas\">结构 <span lang=\"en\">Schemas</span></a></nav></header><main>");
    for (tag, zh, en) in TAGS {
        let _ = write!(out, "<section id=\"{tag}\"><h2>{zh} <span lang=\"en\">{en}</span></h2>");
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                if operation["tags"][0] == tag {
                    one(&mut out, method, path, operation);
                }
            }
        }
        out.push_str("</section>");
    }
    out.push_str("<section id=\"schemas\"><h2>结构 <span lang=\"en\">Schemas</span></h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let name = escaped(name);
        let _ = write!(out, "<details id=\"schema-{name}\"><summary><code>{name}</code></summary>");
        json(&mut out, schema);
        out.push_str("</details>");
    }
    out.push_str("</section></main></body></html>");
    out
}

fn one(out: &mut String, method: &str, path: &str, operation: &Value) {
    let word = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let _ = write!(
        out,
        "<details id=\"{}\"><summary><b class=\"{method}\">{}</b> <code>{}</code> <i>{}</i> {} <span lang=\"en\">{}\
         </span></summary>",
        word(&operation["operationId"]),
        method.to_ascii_uppercase(),
        escaped(path),
        word(&operation["x-huiyin-right"]),
        word(&operation["summary"]),
        word(&operation["description"]),
    );
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        out.push_str("<table>");
        for parameter in parameters {
            let needed = if parameter["required"] == true { "必填 required" } else { "" };
            let _ = write!(
                out,
                "<tr><th><code>{}</code></th><td>{}</td><td>{needed}</td><td>{}</td><td>",
                word(&parameter["name"]),
                word(&parameter["in"]),
                word(&parameter["description"]),
            );
            json(out, &parameter["schema"]);
            out.push_str("</td></tr>");
        }
        out.push_str("</table>");
    }
    for (kind, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let _ = write!(out, "<h3>请求 <span lang=\"en\">Request</span> <code>{}</code></h3>", escaped(kind));
        json(out, &content["schema"]);
    }
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        if let Some(to) = answer["$ref"].as_str() {
            let name = escaped(to.rsplit('/').next().unwrap_or_default());
            let _ = write!(
                out,
                "<h3>其他 <span lang=\"en\">Otherwise</span> <a href=\"#schema-{name}\">application/problem+json</a></h3>"
            );
            continue;
        }
        let _ = write!(out, "<h3>{} {}</h3>", escaped(status), word(&answer["description"]));
        for (kind, content) in answer["content"].as_object().into_iter().flatten() {
            let _ = write!(out, "<p><code>{}</code></p>", escaped(kind));
            json(out, &content["schema"]);
        }
    }
    out.push_str("</details>");
}

/// A schema; what it refers to is a link.
fn json(out: &mut String, schema: &Value) {
    const PLACE: &str = "&quot;#/components/schemas/";
    let text = escaped(&serde_json::to_string_pretty(schema).unwrap_or_default());
    out.push_str("<pre>");
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(PLACE) {
        out.push_str(before);
        let (name, after) = after.split_once("&quot;").unwrap_or((after, ""));
        let _ = write!(out, "<a href=\"#schema-{name}\">{name}</a>");
        rest = after;
    }
    out.push_str(rest);
    out.push_str("</pre>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
