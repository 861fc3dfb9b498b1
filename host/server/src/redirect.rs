//! The port of plain HTTP beside one of TLS: a page is sent there, and a program is told, as what it sent in plain
//! might have been a token.

use axum::Router;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// What answers there; `port` is that of TLS.
pub(crate) fn router(port: u16) -> Router {
    Router::new().fallback(move |request: Request| async move { answer(&request, port) })
}

fn answer(request: &Request, port: u16) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    // Hyper takes a request whose target is absolute, too: what it names is the host.
    let host = request.uri().authority().map(Authority::as_str).or(host);
    let Some(host) = host.and_then(|host| host.parse::<Authority>().ok()).filter(|host| !host.as_str().contains('@'))
    else {
        return Problem::invalid("name the host in the header `host`").into_response();
    };
    let name = host.host();
    let at = if port == 443 { format!("https://{name}") } else { format!("https://{name}:{port}") };
    let path = request.uri().path();
    let page = matches!(*request.method(), Method::GET | Method::HEAD)
        && !path.starts_with("/v1/")
        && !request.headers().contains_key(header::AUTHORIZATION);
    if !page {
        return Problem::forbidden(format_args!(
            "this port is plain HTTP and passes nothing on; ask {at}, and make another token if you sent one here"
        ))
        .into_response();
    }
    let to = request.uri().path_and_query().map_or(path, |all| all.as_str());
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{at}{to}"))]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, uri: &str, host: Option<&str>, port: u16) -> (u16, Option<String>) {
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let answer = answer(&request.body(axum::body::Body::empty()).unwrap(), port);
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        (answer.status().as_u16(), to)
    }

    #[test]
    fn a_page_is_sent_to_the_same_name_by_tls_and_a_program_is_told() {
        let to = |host: &str, port| ask("GET", "/today?unit=a", Some(host), port);
        assert_eq!(to("a.cn", 443), (308, Some("https://a.cn/today?unit=a".to_owned())));
        assert_eq!(to("a.cn:80", 8443), (308, Some("https://a.cn:8443/today?unit=a".to_owned())));
        assert_eq!(to("[::1]:80", 443), (308, Some("https://[::1]/today?unit=a".to_owned())));
        assert_eq!(ask("GET", "//evil.example", Some("a.cn"), 443).1.as_deref(), Some("https://a.cn//evil.example"));
        for host in ["", "a b", "user@a.cn", "a.cn/x"] {
            assert_eq!(to(host, 443), (400, None), "{host}");
        }
        assert_eq!(ask("GET", "/", None, 443), (400, None));
        for (method, path) in [("POST", "/"), ("GET", "/v1/cases"), ("DELETE", "/v1/session")] {
            assert_eq!(ask(method, path, Some("a.cn"), 443), (403, None), "{method} {path}");
        }
    }
}
