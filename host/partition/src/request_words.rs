//! What is known of a request before it is made: whether it may be repeated, and what it is called.

/// Whether repeating a request of this method does no harm (RFC 9110 §9.2.2).
pub fn repeatable(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE")
}

/// What a request is, for people and for the journal: no query, no credentials.
pub fn described(method: &str, uri: &str) -> String {
    let place = url::Url::parse(uri).map_or_else(
        |_| "an unreadable URL".to_owned(),
        |mut url| {
            url.set_query(None);
            url.set_fragment(None);
            // Fails only for URLs that have no such parts.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        },
    );
    // A path may hold anything, at any length.
    let text: String = format!("{method} {place}").chars().take(300).collect();
    text
}
