//! A plugin as an author writes one, called as a host calls it.

use huiyin_sdk::schemars::{self, JsonSchema};
use huiyin_sdk::serde::{Deserialize, Serialize};
use huiyin_sdk::{
    About, Capability, Context, Error, HashMap, Item, Kind, Level, Notifier, Receipt, Step, http, kv, log, secrets,
    spool, testing,
};

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "huiyin_sdk::serde", deny_unknown_fields)]
struct Config {
    /// Whom to greet with what.
    greetings: Vec<Greeting>,
    #[serde(default)]
    shout: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "huiyin_sdk::serde")]
struct Greeting {
    name: String,
    words: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(crate = "huiyin_sdk::serde")]
struct Greeted {
    text: String,
}

struct Greet;

impl Step for Greet {
    type Config = Config;
    type Input = String;
    type Output = Greeted;

    fn about() -> About {
        About::new("greet", "1.2.3", "Greets by name.")
            .http("https://a.cn", &["GET"], "/names")
            .secret("token", "asks for names")
            .spool()
            .kv(1024)
            .idempotent()
    }

    fn run(_: &Context, config: Config, name: String) -> Result<Greeted, Error> {
        let greeting = config
            .greetings
            .iter()
            .find(|greeting| greeting.name == name)
            .ok_or_else(|| Error::InvalidInput(format!("nobody is called {name}")))?;
        let text = format!("{}, {name}", greeting.words);
        Ok(Greeted { text: if config.shout { text.to_uppercase() } else { text } })
    }
}

huiyin_sdk::export!(step: Greet);

const CONFIG: &str = r#"{"greetings": [{"name": "Ann", "words": "Hello"}]}"#;

#[test]
fn a_step_goes_from_json_to_json() {
    let ctx = testing::context(0);
    assert_eq!(testing::run::<Greet>(&ctx, CONFIG, r#""Ann""#).unwrap(), r#"{"text":"Hello, Ann"}"#);
}

#[test]
fn wrong_json_names_its_place() {
    let ctx = testing::context(0);
    let config = |text: &str| match testing::run::<Greet>(&ctx, text, r#""Ann""#) {
        Err(Error::InvalidConfig(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(config(r#"{"greetings": [{"name": "A", "words": 7}]}"#).contains("/greetings/0/words"));
    assert!(config(r#"{"greetings": [{"name": "A"}]}"#).contains("missing field `words`"));
    assert!(config(r#"{"greetings": [], "shuot": true}"#).contains("shuot"));
    assert!(config("").contains("missing field `greetings`"));
    assert!(config(r#"{"greetings": []} x"#).contains("trailing"));
    assert!(matches!(
        testing::run::<Greet>(&ctx, CONFIG, "7"),
        Err(Error::InvalidInput(why)) if why.contains("expected a string")
    ));
}

#[test]
fn the_manifest_says_what_the_trait_says() {
    let manifest = testing::step_manifest::<Greet>();
    assert_eq!(
        (manifest.name.as_str(), manifest.version.as_str(), manifest.kind, manifest.idempotent),
        ("greet", "1.2.3", Kind::Step, true)
    );
    assert_eq!(manifest.capabilities.len(), 4);
    assert_eq!(manifest.capabilities[3], Capability::Kv(1024));
    let schema: huiyin_sdk::serde_json::Value = huiyin_sdk::serde_json::from_str(&manifest.config_schema).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["required"], huiyin_sdk::serde_json::json!(["greetings"]));
    assert_eq!(schema["additionalProperties"], false);
    assert!(manifest.input_schema.contains("string"));
    assert!(manifest.output_schema.contains("\"text\""));
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "huiyin_sdk::serde")]
struct Nothing {}

struct Everything;

impl Notifier for Everything {
    type Config = Nothing;

    fn about() -> About {
        About::new("everything", "0.1.0", "Touches every part of the host.")
    }

    fn deliver(ctx: &Context, _: Nothing, message: huiyin_sdk::Message) -> Result<Receipt, Error> {
        log::info("delivering");
        let mac = secrets::hmac("key", secrets::Algorithm::HmacSha256, b"what do ya want for nothing?")?;
        let path = spool::put("a.txt", message.text.as_bytes())?;
        let _ = kv::compare_and_set("last", None, Some(ctx.idempotency_key.as_bytes()));
        let answer = http::Request::post("https://a.cn/", mac).send()?;
        Ok(Receipt { id: path, detail: answer.status.to_string() })
    }
}

#[test]
fn the_host_is_faked_for_tests() {
    let message = || huiyin_sdk::Message { text: "words".to_owned(), ..Default::default() };
    let deliver = || testing::deliver::<Everything>(&testing::context(0), "{}", message());
    assert!(matches!(deliver(), Err(Error::InvalidConfig(_))), "no secret was provided");

    testing::secret("key", b"Jefe");
    assert!(matches!(deliver(), Err(Error::InvalidConfig(_))), "nobody answers");

    // RFC 4231, test case 2.
    let mac = [
        0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00,
        0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
    ];
    let _serving = http::testing::serve(move |request| {
        assert_eq!(request.body, mac);
        Ok(http::Response::new(201, ""))
    });
    assert_eq!(deliver().unwrap(), Receipt { id: "a.txt".to_owned(), detail: "201".to_owned() });
    assert_eq!(testing::files()["a.txt"], b"words");
    assert_eq!(kv::get("last").unwrap().as_deref(), Some(&b"effect-1"[..]));
    assert_eq!(kv::compare_and_set("last", None, None), Err(kv::Error::Conflict));
    assert_eq!(testing::log()[0].1, "delivering");
}

#[test]
fn what_was_lost_on_the_way_is_not_called_undone() {
    let unknown: Error = http::Error::Lost("reset".to_owned()).into();
    assert!(matches!(unknown, Error::Unknown(_)));
    let refused: Error = http::Error::NotSent("refused".to_owned()).into();
    assert!(matches!(refused, Error::Transient(_)));
    let read = http::Error::Lost("reset".to_owned()).of_safe_request();
    assert!(matches!(read, Error::Transient(_)));
}

#[test]
fn the_gravest_level_is_the_greatest() {
    assert!(Level::I > Level::II && Level::II > Level::III && Level::III > Level::IV);
    assert_eq!(huiyin_sdk::serde_json::to_string(&Level::II).unwrap(), "\"II\"");
}

#[test]
fn maps_iterate_alike_every_time() {
    let order = || {
        let mut map: HashMap<String, Item> = HashMap::default();
        for n in 0..100 {
            map.insert(n.to_string(), Item::default());
        }
        map.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(order(), order());
}
