//! A token server as registries have them: asked with a password, it signs
//! JSON Web Tokens (ES256, certificate in `x5c`) that the registry believes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertifiedKey, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

pub const SERVICE: &str = "registry.tests";
pub const ISSUER: &str = "tokens.tests";

pub struct Server {
    address: String,
    signer: Arc<Signer>,
}

struct Signer {
    certified: CertifiedKey<KeyPair>,
    authorization: String,
    given: AtomicUsize,
}

impl Server {
    pub fn start(user: &str, password: &str) -> Server {
        let certified = rcgen::generate_simple_self_signed(vec![ISSUER.to_owned()]).unwrap();
        let authorization = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let signer = Arc::new(Signer { certified, authorization, given: AtomicUsize::new(0) });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let own = Arc::clone(&signer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                own.answer(stream);
            }
        });
        Server { address, signer }
    }

    /// Where tokens are asked for.
    pub fn realm(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// The certificate that the registry must trust, PEM.
    pub fn certificate(&self) -> String {
        self.signer.certified.cert.pem()
    }

    /// Tokens given so far.
    pub fn given(&self) -> usize {
        self.signer.given.load(Ordering::SeqCst)
    }

    /// A token for pulling and pushing.
    pub fn token(&self, repository: &str) -> String {
        self.signer.sign(&json!([{"type": "repository", "name": repository, "actions": ["pull", "push"]}]))
    }
}

impl Signer {
    fn answer(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        let mut allowed = false;
        reader.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("authorization")
            {
                allowed = value.trim() == self.authorization;
            }
        }
        let target = first.split_whitespace().nth(1).unwrap_or_default();
        let url = url::Url::parse(&format!("http://tokens{target}")).unwrap();
        let scope = url.query_pairs().find(|(name, _)| name == "scope").map(|(_, scope)| scope.into_owned());
        let (status, body) = if allowed {
            self.given.fetch_add(1, Ordering::SeqCst);
            let access = scope.iter().filter_map(|scope| {
                let mut parts = scope.splitn(3, ':');
                let (kind, name, actions) = (parts.next()?, parts.next()?, parts.next()?);
                Some(json!({"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}))
            });
            let token = self.sign(&Value::Array(access.collect()));
            ("200 OK", json!({"token": token, "expires_in": 300}).to_string())
        } else {
            ("401 Unauthorized", json!({"details": "wrong password"}).to_string())
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let mut stream = reader.into_inner();
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    }

    fn sign(&self, access: &Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let head = json!({"typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(self.certified.cert.der())]});
        let claims = json!({
            "iss": ISSUER, "sub": "officer", "aud": SERVICE,
            "exp": now + 300, "nbf": now - 30, "iat": now, "jti": format!("{now}"),
            "access": access,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&head), part(&claims));
        let random = SystemRandom::new();
        let pkcs8 = self.certified.signing_key.serialize_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random).unwrap();
        let signature = key.sign(&random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
