//! A bureau's surroundings on loopback: a forum that ever more is posted on,
//! and a receiver of notifications that remembers what it got.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The unit whose desk takes the posts in.
pub const UNIT: &str = "qingfeng";

/// What the world outside the host remembers.
#[derive(Default)]
struct World {
    posts: Vec<Value>,
    /// Deliveries by idempotency key, and how often each came.
    inbox: BTreeMap<String, (u32, Value)>,
    unsigned: u32,
}

/// The surroundings.
pub struct Bureau {
    world: Arc<Mutex<World>>,
    /// Where they listen.
    pub port: u16,
    _runtime: tokio::runtime::Runtime,
}

/// The secret under which notifications are signed.
const SECRET: &[u8] = b"only the host and the receiver know this";

impl Bureau {
    /// Opens the forum and the receiver.
    ///
    /// # Errors
    /// When loopback gives no port.
    pub fn open() -> std::io::Result<Bureau> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let world = Arc::new(Mutex::new(World::default()));
        let app = Router::new().route("/posts", get(posts)).route("/inbox", post(inbox)).with_state(Arc::clone(&world));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        runtime.spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Bureau { world, port, _runtime: runtime })
    }

    /// Posts something new that happened so long ago; gives its id.
    pub fn post(&self, title: &str, ago: SignedDuration, reads: u32) -> String {
        let Ok(mut world) = self.world.lock() else { return String::new() };
        let id = format!("p{:05}", world.posts.len());
        let published = Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH);
        // Numbered, so that no two posts have the same text.
        let title = format!("{title}({id})");
        world.posts.push(json!({"id": id, "title": title, "body": "", "published": published.to_string(), "reads": reads.to_string()}));
        id
    }

    /// Ids of everything posted.
    pub fn posted(&self) -> Vec<String> {
        let Ok(world) = self.world.lock() else { return Vec::new() };
        world.posts.iter().filter_map(|p| p.get("id")?.as_str().map(str::to_owned)).collect()
    }

    /// Notifications that came, by idempotency key, and how often each did.
    pub fn received(&self) -> BTreeMap<String, u32> {
        let Ok(world) = self.world.lock() else { return BTreeMap::new() };
        world.inbox.iter().map(|(key, (times, _))| (key.clone(), *times)).collect()
    }

    /// Notifications whose signature did not hold.
    pub fn unsigned(&self) -> u32 {
        self.world.lock().map_or(0, |world| world.unsigned)
    }

    /// Writes the configuration of a host that watches this forum.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn configure(&self, folder: &Path) -> std::io::Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt as _;
        let origin = format!("http://127.0.0.1:{}", self.port);
        let loopback = json!(["127.0.0.1/32"]);
        let config = json!({
            "policy": crate::project("workflows/policy/linhai.json"),
            "workflows": [
                {"file": crate::project("workflows/assess.json"), "units": ["*"]},
                {"file": crate::project("workflows/notify.json"), "units": ["*"]},
                {"file": crate::project("tests/fixtures/count.json"), "units": []}
            ],
            "sources": [{
                "name": "board", "unit": UNIT, "collector": "json-api:0.1.0", "channel": "forum",
                "config": {
                    "url": format!("{origin}/posts"), "items": "/posts", "order": "oldestFirst",
                    "paging": {"by": "offset", "parameter": "skip", "size": {"parameter": "take", "value": 50}},
                    "fields": {"id": "/id", "title": "/title", "body": "/body", "published": "/published", "more": {"reads": "/reads"}}
                },
                "schedule": {"every": "PT1S"}, "limit": 50
            }],
            "bindings": [
                {"unit": "*", "workflow": "notify", "slot": "notify", "config": {"url": format!("{origin}/inbox"), "sign": true, "timeoutSeconds": 10}},
                {"unit": "*", "workflow": "notify", "slot": "keep", "config": {"prefix": "notice-"}},
                {"unit": "*", "workflow": "assess", "slot": "draft", "config": {"prefix": "draft-"}},
                {"unit": "*", "workflow": "assess", "slot": "report", "config": {"issuer": "值班负责人", "reportTo": ["市局值班室"]}}
            ],
            "grants": [
                {"plugin": "json-api", "grant": {"http": [{"origin": origin, "methods": ["GET"], "path_prefix": "/posts"}], "allow_addresses": loopback}},
                {"plugin": "webhook", "grant": {"http": [{"origin": origin, "methods": ["POST"], "path_prefix": "/inbox"}], "secrets": [{"name": "hmac"}], "allow_addresses": loopback}},
                {"plugin": "file", "grant": {"spool": "outbox"}}
            ],
            "secrets": {"hmac": {"file": "hmac.secret"}}
        });
        std::fs::create_dir_all(folder.join("outbox"))?;
        let secret = folder.join("hmac.secret");
        std::fs::write(&secret, SECRET)?;
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600))?;
        let file = folder.join("huiyin.json");
        std::fs::write(&file, serde_json::to_vec_pretty(&config)?)?;
        Ok(file)
    }
}

async fn posts(
    State(world): State<Arc<Mutex<World>>>,
    Query(query): Query<BTreeMap<String, usize>>,
) -> axum::Json<Value> {
    let skip = query.get("skip").copied().unwrap_or(0);
    let take = query.get("take").copied().unwrap_or(50).min(500);
    let posts: Vec<Value> =
        world.lock().map(|w| w.posts.iter().skip(skip).take(take).cloned().collect()).unwrap_or_default();
    axum::Json(json!({"posts": posts}))
}

async fn inbox(State(world): State<Arc<Mutex<World>>>, headers: HeaderMap, body: String) -> axum::Json<Value> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let key = text("idempotency-key");
    let held = signed(&text("huiyin-signature"), &body);
    if let Ok(mut world) = world.lock() {
        if !held {
            world.unsigned += 1;
        }
        let value = serde_json::from_str(&body).unwrap_or_default();
        world.inbox.entry(key.clone()).or_insert((0, value)).0 += 1;
    }
    axum::Json(json!({"id": key}))
}

/// Checks `t=<seconds>,v1=<hex>` as a receiver would.
fn signed(header: &str, body: &str) -> bool {
    use hmac::{KeyInit as _, Mac as _};
    let part = |name: &str| header.split(',').find_map(|p| p.strip_prefix(name)).map(str::to_owned);
    let (Some(time), Some(given)) = (part("t="), part("v1=")) else { return false };
    let Ok(mut mac) = hmac::Hmac::<sha2::Sha256>::new_from_slice(SECRET) else { return false };
    mac.update(format!("{time}.{body}").as_bytes());
    hex::decode(given).is_ok_and(|given| mac.verify_slice(&given).is_ok())
}
