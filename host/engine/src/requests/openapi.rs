//! From an operation of an OpenAPI document (2.0, 3.x) to the request that it
//! stands for. Pure: the document has been fetched.

mod plan;

use huiyin_flow::{HttpRequest, OpenApiRequest};
use serde_json::{Map, Value};
use url::Url;

use self::plan::Plan;
use super::http::text_of;

/// The methods that a path of a document may have.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// References that are followed one after the other.
const REFERENCES: usize = 16;

/// Operations that an error names.
const NAMED: usize = 20;

/// Reads a document, JSON or YAML.
///
/// # Errors
/// What is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the OpenAPI document is not UTF-8 text".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| format!("the OpenAPI document does not read: {error}"))?
    } else {
        super::yaml::read(text).map_err(|why| format!("the OpenAPI document does not read: {why}"))?
    };
    version(&document)?;
    Ok(document)
}

#[derive(Clone, Copy, PartialEq)]
enum Version {
    Two,
    Three,
}

fn version(document: &Value) -> Result<Version, String> {
    if document.get("swagger").map(text_of).is_some_and(|v| v == "2" || v.starts_with("2.")) {
        return Ok(Version::Two);
    }
    match document.get("openapi").and_then(Value::as_str) {
        Some(version) if version.starts_with("3.") => Ok(Version::Three),
        Some(version) => Err(format!("OpenAPI {} is not known; 2.0 and 3.x are", version.escape_debug())),
        None => Err("this is no OpenAPI document: it has neither `openapi: 3.…` nor `swagger: \"2.0\"`".to_owned()),
    }
}

/// The request that an operation stands for.
///
/// # Errors
/// What is wrong with the document or the parameters, and what there is.
pub fn request(document: &Value, asked: &OpenApiRequest) -> Result<HttpRequest, String> {
    let version = version(document)?;
    let own = Url::parse(&asked.document).map_err(|error| format!("`{}` is no URL: {error}", asked.document))?;
    let found = find(document, &asked.operation_id)?;
    let base = match version {
        Version::Two => base_two(document, found.operation, &own)?,
        Version::Three => base_three(document, &found, &own)?,
    };
    let mut plan = Plan { path: found.path.to_owned(), ..Plan::default() };
    let parameters = parameters(document, &found)?;
    let mut left = asked.parameters.clone();
    for parameter in &parameters {
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
        let place = parameter.get("in").and_then(Value::as_str).unwrap_or_default();
        // The body of 2.0 has a name of its own; `body` means it as well.
        let value = match left.shift_remove(name) {
            None if place == "body" => left.shift_remove("body"),
            value => value,
        };
        let value = value.filter(|v| !v.is_null()).or_else(|| default(parameter).cloned());
        let Some(value) = value else {
            if parameter.get("required") == Some(&Value::Bool(true)) || place == "path" {
                return Err(format!("the operation `{}` needs the parameter `{name}` ({place})", asked.operation_id));
            }
            continue;
        };
        match version {
            Version::Two => plan.place_two(parameter, name, place, &value)?,
            Version::Three => plan.place_three(parameter, name, place, &value)?,
        }
    }
    if version == Version::Three {
        plan.body_three(document, found.operation, left.shift_remove("body"))
            .map_err(|why| format!("the operation `{}` {why}", asked.operation_id))?;
    } else if !plan.form.is_empty() {
        plan.header("content-type", "application/x-www-form-urlencoded".to_owned());
        plan.body = Some(Value::Object(std::mem::take(&mut plan.form)));
    }
    if let Some(unknown) = left.keys().next() {
        let mut names: Vec<&str> = parameters.iter().filter_map(|p| p.get("name")?.as_str()).collect();
        if version == Version::Three {
            names.push("body");
        }
        return Err(format!(
            "the operation `{}` has no parameter `{}`; it has {}",
            asked.operation_id,
            unknown.escape_debug(),
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        ));
    }
    if !plan.cookies.is_empty() {
        let cookies = plan.cookies.join("; ");
        plan.header("cookie", cookies);
    }
    if let Some(open) = plan.path.find('{') {
        return Err(format!(
            "the path of `{}` has a part that no parameter fills: {}",
            asked.operation_id,
            &plan.path[open..]
        ));
    }
    let query = if plan.query.is_empty() { String::new() } else { format!("?{}", plan.query.join("&")) };
    Ok(HttpRequest {
        method: found.method.to_ascii_uppercase(),
        uri: format!("{}{}{query}", base.trim_end_matches('/'), plan.path),
        headers: plan.headers,
        query: Map::new(),
        body: plan.body,
        output: asked.output,
        redirect: asked.redirect,
        authentication: asked.authentication.clone(),
    })
}

struct Found<'d> {
    path: &'d str,
    item: &'d Value,
    method: &'static str,
    operation: &'d Value,
}

fn find<'d>(document: &'d Value, id: &str) -> Result<Found<'d>, String> {
    let mut known = Vec::new();
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        let item = follow(document, item)?;
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            match operation.get("operationId").and_then(Value::as_str) {
                Some(name) if name == id => return Ok(Found { path, item, method, operation }),
                Some(name) => known.push(name),
                None => {}
            }
        }
    }
    let all = known.len();
    known.truncate(NAMED);
    let more = if all > NAMED { format!(" and {} more", all - NAMED) } else { String::new() };
    Err(format!("the OpenAPI document has no operation `{}`; it has {}{more}", id.escape_debug(), known.join(", ")))
}

/// What a `$ref` within the document stands for.
fn follow<'d>(document: &'d Value, value: &'d Value) -> Result<&'d Value, String> {
    let mut at = value;
    for _ in 0..REFERENCES {
        let Some(reference) = at.get("$ref").and_then(Value::as_str) else { return Ok(at) };
        let pointer = reference.strip_prefix('#').ok_or_else(|| {
            format!("`$ref: {}` points out of the document; that is not followed", reference.escape_debug())
        })?;
        at = document
            .pointer(pointer)
            .ok_or_else(|| format!("`$ref: {}` points to nothing", reference.escape_debug()))?;
    }
    Err("a `$ref` leads to itself".to_owned())
}

/// The operation's parameters and those of its path that it does not replace.
fn parameters(document: &Value, found: &Found<'_>) -> Result<Vec<Value>, String> {
    let mut all: Vec<Value> = Vec::new();
    for holder in [found.operation, found.item] {
        for parameter in holder.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            let parameter = follow(document, parameter)?;
            let same =
                |other: &Value| other.get("name") == parameter.get("name") && other.get("in") == parameter.get("in");
            if !all.iter().any(same) {
                all.push(parameter.clone());
            }
        }
    }
    Ok(all)
}

fn default(parameter: &Value) -> Option<&Value> {
    let required = parameter.get("required") == Some(&Value::Bool(true));
    parameter.get("default").or_else(|| parameter.pointer("/schema/default")).filter(|_| required)
}

/// Where the operations of a 2.0 document are.
fn base_two(document: &Value, operation: &Value, own: &Url) -> Result<String, String> {
    let schemes = operation.get("schemes").or_else(|| document.get("schemes")).and_then(Value::as_array);
    let schemes: Vec<&str> = schemes.into_iter().flatten().filter_map(Value::as_str).collect();
    let scheme = match schemes.as_slice() {
        [] => own.scheme(),
        all if all.contains(&"https") => "https",
        all if all.contains(&"http") => "http",
        all => return Err(format!("the OpenAPI document speaks {}, not HTTP", all.join(", "))),
    };
    let host = match document.get("host").and_then(Value::as_str) {
        Some(host) => host.to_owned(),
        None => authority(own),
    };
    let path = document.get("basePath").and_then(Value::as_str).unwrap_or_default();
    Ok(format!("{scheme}://{host}/{}", path.trim_start_matches('/')))
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Where an operation of a 3.x document is: its nearest server, the first of it.
fn base_three(document: &Value, found: &Found<'_>, own: &Url) -> Result<String, String> {
    let server = [found.operation, found.item, document]
        .into_iter()
        .find_map(|holder| holder.get("servers")?.as_array()?.first());
    let Some(server) = server else { return Ok(format!("{}://{}", own.scheme(), authority(own))) };
    let mut text = server.get("url").and_then(Value::as_str).unwrap_or("/").to_owned();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        let value = variable.get("default").map(text_of).unwrap_or_default();
        text = text.replace(&format!("{{{name}}}"), &value);
    }
    let url = own.join(&text).map_err(|error| format!("the server `{}` is no URL: {error}", text.escape_debug()))?;
    Ok(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(operation: &str, parameters: Value) -> OpenApiRequest {
        OpenApiRequest {
            document: "https://docs.example.cn/v9/api.json".to_owned(),
            document_authentication: None,
            operation_id: operation.to_owned(),
            parameters: parameters.as_object().cloned().unwrap_or_default(),
            output: huiyin_flow::ResponseForm::Content,
            redirect: false,
            authentication: None,
        }
    }

    fn two() -> Value {
        json!({
            "swagger": "2.0", "host": "pets.example.cn", "basePath": "/v2", "schemes": ["http", "https"],
            "parameters": {"limit": {"name": "limit", "in": "query", "type": "integer"}},
            "paths": {
                "/pet/findByStatus": {"get": {"operationId": "findPetsByStatus", "parameters": [
                    {"name": "status", "in": "query", "required": true, "type": "array", "collectionFormat": "multi"},
                    {"$ref": "#/parameters/limit"}]}},
                "/pet/{petId}": {
                    "parameters": [{"name": "petId", "in": "path", "required": true}],
                    "get": {"operationId": "getPetById"},
                    "post": {"operationId": "renamePet", "parameters": [{"name": "name", "in": "formData"}, {"name": "X-By", "in": "header"}]}},
                "/pet": {"post": {"operationId": "addPet", "parameters": [{"name": "pet", "in": "body"}]}}
            }
        })
    }

    #[test]
    fn operations_of_a_2_0_document() {
        let document = two();
        let get = |id: &str, with: Value| request(&document, &asked(id, with));
        let found = get("findPetsByStatus", json!({"status": ["sold", "on hold"], "limit": 3})).unwrap();
        assert_eq!(found.method, "GET");
        assert_eq!(found.uri, "https://pets.example.cn/v2/pet/findByStatus?status=sold&status=on%20hold&limit=3");
        assert_eq!(get("getPetById", json!({"petId": "1/2"})).unwrap().uri, "https://pets.example.cn/v2/pet/1%2F2");
        let rename = get("renamePet", json!({"petId": 1, "name": "旺财", "X-By": "me"})).unwrap();
        assert_eq!(rename.body, Some(json!({"name": "旺财"})));
        assert_eq!(rename.headers["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(rename.headers["X-By"], "me");
        assert_eq!(get("addPet", json!({"body": {"id": 1}})).unwrap().body, Some(json!({"id": 1})));
        assert_eq!(get("addPet", json!({"pet": {"id": 1}})).unwrap().body, Some(json!({"id": 1})));
    }

    #[test]
    fn operations_of_a_3_document() {
        let document = json!({
            "openapi": "3.1.0", "servers": [{"url": "../{stage}/api", "variables": {"stage": {"default": "live"}}}],
            "components": {"requestBodies": {"pet": {"required": true, "content": {"application/xml": {}, "application/json": {}}}}},
            "paths": {"/pets/{id}": {"put": {
                "operationId": "put", "requestBody": {"$ref": "#/components/requestBodies/pet"},
                "parameters": [
                    {"name": "id", "in": "path", "required": true},
                    {"name": "tag", "in": "query"}, {"name": "flat", "in": "query", "explode": false},
                    {"name": "where", "in": "query", "style": "deepObject"},
                    {"name": "X-N", "in": "header"}, {"name": "sid", "in": "cookie"}]}}}
        });
        let with = json!({"id": 7, "tag": ["a", "b"], "flat": [1, 2], "where": {"k": "v"}, "X-N": [1, 2], "sid": "s", "body": {"n": 1}});
        let found = request(&document, &asked("put", with)).unwrap();
        assert_eq!(found.uri, "https://docs.example.cn/live/api/pets/7?tag=a&tag=b&flat=1,2&where%5Bk%5D=v");
        assert_eq!(
            found.headers,
            json!({"X-N": "1,2", "content-type": "application/json", "cookie": "sid=s"}).as_object().cloned().unwrap()
        );
        assert_eq!(found.body, Some(json!({"n": 1})));
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_there_is() {
        let document = two();
        for (id, with, says) in [
            (
                "findPets",
                json!({}),
                "has no operation `findPets`; it has findPetsByStatus, getPetById, renamePet, addPet",
            ),
            ("getPetById", json!({}), "needs the parameter `petId` (path)"),
            ("getPetById", json!({"petId": 1, "colour": "red"}), "has no parameter `colour`; it has petId"),
        ] {
            let error = request(&document, &asked(id, with)).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert!(read(b"{\"a\": 1}").unwrap_err().contains("no OpenAPI document"));
        assert!(read(b"openapi: 4.0.0").unwrap_err().contains("4.0.0"));
        assert!(read(b"swagger: \"2.0\"\npaths: {}").is_ok());
        let circle = json!({"openapi": "3.0.0", "paths": {"/": {"$ref": "#/paths/~1"}}});
        assert!(request(&circle, &asked("x", json!({}))).unwrap_err().contains("leads to itself"));
    }
}
