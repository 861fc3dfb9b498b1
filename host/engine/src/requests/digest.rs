//! Digest access authentication (RFC 7616): MD5 and SHA-256, with `-sess`,
//! `qop=auth` or none. Pure: the client's nonce comes in.

use md5::Md5;
use sha2::{Digest, Sha256};

/// What a server asks for in `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// As it was written.
    algorithm: Option<String>,
    sha: bool,
    session: bool,
    auth: bool,
}

impl Challenge {
    /// The strongest challenge among a server's headers that can be answered.
    pub(super) fn among(headers: &[String]) -> Option<Challenge> {
        headers.iter().flat_map(|header| challenges(header)).filter_map(|c| read(&c)).max_by_key(|c| c.sha)
    }

    /// The value of `Authorization` for a request.
    pub(super) fn answer(&self, user: &str, password: &str, method: &str, path: &str, cnonce: &str) -> String {
        let hash =
            |text: String| if self.sha { hex::encode(Sha256::digest(text)) } else { hex::encode(Md5::digest(text)) };
        let mut secret = hash(format!("{user}:{}:{password}", self.realm));
        if self.session {
            secret = hash(format!("{secret}:{}:{cnonce}", self.nonce));
        }
        let action = hash(format!("{method}:{path}"));
        let response = if self.auth {
            hash(format!("{secret}:{}:00000001:{cnonce}:auth:{action}", self.nonce))
        } else {
            hash(format!("{secret}:{}:{action}", self.nonce))
        };
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{response}\"",
            quoted(user),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(path),
        );
        if let Some(algorithm) = &self.algorithm {
            value.push_str(&format!(", algorithm={algorithm}"));
        }
        if self.auth {
            value.push_str(", qop=auth, nc=00000001");
        }
        if self.auth || self.session {
            value.push_str(&format!(", cnonce=\"{cnonce}\""));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque=\"{}\"", quoted(opaque)));
        }
        value
    }
}

/// The parameters of each `Digest` challenge in a header, which may hold several of several schemes.
fn challenges(header: &str) -> Vec<Vec<(String, String)>> {
    let mut all = Vec::new();
    let mut current: Option<Vec<(String, String)>> = None;
    let mut rest = header.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', '=', ',']).unwrap_or(rest.len());
        let word = &rest[..end];
        rest = rest[end..].trim_start();
        if let Some(after) = rest.strip_prefix('=') {
            let (value, after) = value(after.trim_start());
            if let Some(parameters) = &mut current {
                parameters.push((word.to_ascii_lowercase(), value));
            }
            rest = after;
        } else if !word.is_empty() {
            // A word without a value begins the next challenge.
            all.extend(current.take());
            current = word.eq_ignore_ascii_case("digest").then(Vec::new);
        }
        rest = rest.trim_start_matches([',', ' ', '\t']);
    }
    all.extend(current);
    all
}

/// A token or a quoted text, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

fn read(parameters: &[(String, String)]) -> Option<Challenge> {
    let get = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let algorithm = get("algorithm");
    let upper = algorithm.as_deref().unwrap_or("MD5").to_ascii_uppercase();
    let (name, session) = upper.strip_suffix("-SESS").map_or((upper.as_str(), false), |name| (name, true));
    let sha = match name {
        "MD5" => false,
        "SHA-256" => true,
        _ => return None,
    };
    let qop = get("qop");
    let auth = match &qop {
        None => false,
        Some(list) if list.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")) => true,
        // Only the whole message's integrity, which is not done here.
        Some(_) => return None,
    };
    Some(Challenge { realm: get("realm")?, nonce: get("nonce")?, opaque: get("opaque"), algorithm, sha, session, auth })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1.
    #[test]
    fn the_examples_of_the_rfc_are_answered_as_it_says() {
        let common = "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        let sha = format!("Digest {common}, algorithm=SHA-256");
        let md5 = format!("Digest {common}, algorithm=MD5");
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (headers, response) in [
            (vec![md5.clone()], "8ca523f5e9506fed4657c9700eebdbec"),
            (vec![md5.clone(), sha.clone()], "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            (
                vec![format!("Basic realm=\"x\", {md5}, {sha}")],
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let challenge = Challenge::among(&headers).unwrap();
            let answer = challenge.answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", cnonce);
            assert!(answer.contains(&format!("response=\"{response}\"")), "{answer}");
            assert!(answer.contains("qop=auth, nc=00000001") && answer.contains("opaque=\"FQhe"), "{answer}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_not() {
        for header in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\"",
            "Digest",
            "",
            "=",
            "Digest realm=\"x\", nonce=\"y\", qop=auth-int",
            "Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256",
        ] {
            assert_eq!(Challenge::among(&[header.to_owned()]), None, "{header}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_is_too_odd_to_be_read(header in ".{0,200}") {
            let _ = Challenge::among(&[header]);
        }
    }
}
