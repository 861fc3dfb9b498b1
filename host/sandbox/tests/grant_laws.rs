//! Laws of grants: in effect is never more than any of manifest, admin and
//! unit allow, in whatever order they are joined; and what a denial says is to
//! be added is enough.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use huiyin_sandbox::grant::{Effective, HttpAsk, Origin, Scheme, effective};
use huiyin_sandbox::{Capability, Denial, Denier, Grant, Limits, LogBudget, Manifest, SecretGrant, SecretPlace};
use proptest::prelude::*;
use serde_json::{Value, json};

fn origin_pattern() -> impl Strategy<Value = String> {
    let host =
        prop_oneof![Just("*"), Just("*.a.cn"), Just("*.b.a.cn"), Just("b.a.cn"), Just("c.b.a.cn"), Just("127.0.0.1")];
    let port = prop_oneof![Just(""), Just(":*"), Just(":8443")];
    (prop_oneof![Just("http"), Just("https")], host, port).prop_map(|(s, h, p)| format!("{s}://{h}{p}"))
}

fn place() -> impl Strategy<Value = Origin> {
    let host = prop_oneof![Just("a.cn"), Just("b.a.cn"), Just("c.b.a.cn"), Just("d.c.b.a.cn"), Just("127.0.0.1")];
    let port = prop_oneof![Just(""), Just(":8443")];
    let scheme = prop_oneof![Just(Scheme::Http), Just(Scheme::Https)];
    (scheme, host, port).prop_map(|(s, h, p)| Origin::from_authority(s, &format!("{h}{p}")).unwrap())
}

fn ask() -> impl Strategy<Value = HttpAsk> {
    let method = prop_oneof![Just("GET"), Just("POST"), Just("PURGE"), Just("get"), Just("TRACE")];
    let path = prop_oneof![
        Just("/".to_owned()),
        "(/[ab]){1,3}/?",
        Just("/a/%2fb".to_owned()),
        Just("/a/%E8%88%86".to_owned()),
        Just("/a/../b".to_owned()),
    ];
    (place(), method, path).prop_map(|(origin, method, path)| HttpAsk { origin, method: method.to_owned(), path })
}

fn http() -> impl Strategy<Value = Value> {
    let methods = prop::sample::subsequence(vec!["GET", "POST", "PUT"], 0..3);
    let prefix = prop_oneof![Just("/"), Just("/a"), Just("/a/"), Just("/a/b"), Just("/b")];
    (origin_pattern(), methods, prefix)
        .prop_map(|(origin, methods, prefix)| json!({"origin": origin, "methods": methods, "path_prefix": prefix}))
}

fn secret() -> impl Strategy<Value = Value> {
    let also = prop::sample::subsequence(vec!["query", "body"], 0..=2);
    (prop_oneof![Just("x"), Just("y"), Just("*")], prop::collection::vec(origin_pattern(), 0..3), also)
        .prop_map(|(name, hosts, also)| json!({"name": name, "hosts": hosts, "also": also}))
}

fn grant() -> impl Strategy<Value = Grant> {
    let nets = vec!["127.0.0.0/8", "127.0.0.1/32", "10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8"];
    (
        prop::collection::vec(http(), 0..4),
        prop::collection::vec(secret(), 0..4),
        prop::option::of(prop_oneof![Just("/"), Just("/s"), Just("/s/t"), Just("/u")]),
        prop_oneof![Just(0_u64), 1_u64..100],
        prop::sample::subsequence(nets, 0..4),
        prop::option::of((0_u64..100, 0_u64..10)),
        any::<bool>(),
    )
        .prop_map(|(http, secrets, spool, kv_bytes, allow_addresses, log, clocks)| {
            let mut grant = json!({
                "http": http, "secrets": secrets, "kv_bytes": kv_bytes, "allow_addresses": allow_addresses,
                "clocks": clocks,
            });
            if let Some(spool) = spool {
                grant["spool"] = json!(spool);
            }
            if let Some((bytes, lines)) = log {
                grant["log"] = json!({"bytes": bytes, "lines": lines});
            }
            Grant::from_json(&grant.to_string()).unwrap()
        })
}

fn manifest() -> impl Strategy<Value = Manifest> {
    let capability = prop_oneof![
        http().prop_map(|http| json!({"http": http})),
        prop_oneof![Just("x"), Just("y")].prop_map(|name| json!({"secret": {"name": name, "purpose": "p"}})),
        Just(json!("spool")),
        (1_u64..100).prop_map(|bytes| json!({"kv": bytes})),
    ];
    prop::collection::vec(capability, 0..5).prop_map(|capabilities| {
        let manifest = json!({
            "contract": "0.1", "name": "a", "version": "1.0.0", "kind": "collector", "summary": "",
            "config_schema": {}, "idempotent": true, "capabilities": capabilities,
        });
        Manifest::from_json(manifest.to_string().as_bytes()).unwrap()
    })
}

fn allows_http(grant: &Grant, ask: &HttpAsk) -> bool {
    grant.http.iter().any(|http| http.covers(ask))
}

fn entries<'a>(grant: &'a Grant, name: &'a str, at: &'a Origin) -> impl Iterator<Item = &'a SecretGrant> {
    grant.secrets.iter().filter(move |secret| {
        (secret.name == name || secret.name == "*") && secret.hosts.iter().any(|host| host.covers(at))
    })
}

fn allows_address(grant: &Grant, address: &str) -> bool {
    let address: std::net::IpAddr = address.parse().unwrap();
    grant.allow_addresses.iter().any(|net| net.contains(&address))
}

/// All questions that can be asked of a grant, answered.
fn answers(grant: &Grant, ask: &HttpAsk) -> Value {
    let secret = |name: &str| {
        json!([
            grant.secrets.iter().any(|secret| secret.name == name || secret.name == "*"),
            entries(grant, name, &ask.origin).next().is_some(),
            entries(grant, name, &ask.origin).any(|secret| secret.also.contains(&SecretPlace::Query)),
            entries(grant, name, &ask.origin).any(|secret| secret.also.contains(&SecretPlace::Body)),
        ])
    };
    let addresses = ["127.0.0.1", "127.0.0.2", "10.0.0.1", "8.8.8.8", "fd00::1"].map(|a| allows_address(grant, a));
    json!({
        "http": allows_http(grant, ask), "x": secret("x"), "y": secret("y"), "z": secret("z"),
        "spool": grant.spool, "kv": grant.kv_bytes, "clocks": grant.clocks,
        "log": grant.log.map(|log| [log.bytes, log.lines]),
        "addresses": addresses,
    })
}

proptest! {
    /// A request goes exactly where all three allow it, and the joined grant
    /// says the same as the decision.
    #[test]
    fn in_effect_is_what_all_three_allow(m in manifest(), admin in grant(), unit in grant(), ask in ask()) {
        let joined = effective(&m, &admin, &unit);
        let decision = Effective::new(&m, &admin, Some(&unit));
        let asked = Grant::asked_by(&m);
        let all = [&asked, &admin, &unit];
        let sound = ask.method != "TRACE" && ask.method != "get" && !ask.path.contains("..");
        prop_assert_eq!(allows_http(&joined, &ask), all.iter().all(|grant| allows_http(grant, &ask)));
        prop_assert_eq!(decision.http(&ask).is_ok(), sound && allows_http(&joined, &ask));
        for name in ["x", "y", "z"] {
            let everywhere = all.iter().all(|grant| entries(grant, name, &ask.origin).next().is_some());
            prop_assert_eq!(decision.secret_to(name, &ask.origin).is_ok(), everywhere);
            prop_assert_eq!(entries(&joined, name, &ask.origin).next().is_some(), everywhere);
            for place in [SecretPlace::Query, SecretPlace::Body] {
                let there = |grant: &Grant| entries(grant, name, &ask.origin).any(|secret| secret.also.contains(&place));
                let everywhere = all.iter().all(|grant| there(grant));
                prop_assert_eq!(decision.secret_in(name, &ask.origin, place).is_ok(), everywhere);
                prop_assert_eq!(there(&joined), everywhere);
            }
        }
        prop_assert_eq!(decision.kv().unwrap_or(0), joined.kv_bytes);
        prop_assert_eq!(decision.spool().ok(), joined.spool.clone());
        prop_assert_eq!(decision.clocks(), joined.clocks);
        let limits = Limits::default();
        let own = LogBudget { bytes: limits.log_bytes, lines: limits.log_lines };
        prop_assert_eq!(decision.log(&limits), joined.log.unwrap_or(own));
    }

    /// The order of the parts does not matter, nothing is gained by repeating
    /// one, and what sets no bound changes nothing.
    #[test]
    fn joining_is_a_meet(a in grant(), b in grant(), c in grant(), ask in ask()) {
        prop_assert_eq!(a.intersect(&b), b.intersect(&a));
        prop_assert_eq!(answers(&a.intersect(&b).intersect(&c), &ask), answers(&a.intersect(&b.intersect(&c)), &ask));
        prop_assert_eq!(answers(&a.intersect(&a), &ask), answers(&a, &ask));
        prop_assert_eq!(answers(&a.intersect(&Grant::everything()), &ask), answers(&a, &ask));
        prop_assert_eq!(Grant::default().intersect(&a), Grant { log: a.log, ..Grant::default() });
        // What is joined can be stored and read again.
        let joined = a.intersect(&b);
        prop_assert_eq!(Grant::from_json(&serde_json::to_string(&joined).unwrap()).unwrap(), joined);
    }

    /// Adding what a denial prints, to whom it names, lets the same call pass.
    #[test]
    fn what_a_denial_prints_is_enough(m in manifest(), admin in grant(), unit in grant(), ask in ask()) {
        type Question = Box<dyn Fn(&Effective) -> Result<(), Denial>>;
        let at = ask.origin.clone();
        let (there, here) = (at.clone(), at.clone());
        let questions: Vec<Question> = vec![
            Box::new(move |e| e.http(&ask)),
            Box::new(|e| e.secret("x")),
            Box::new(move |e| e.secret_to("x", &at)),
            Box::new(move |e| e.secret_in("x", &there, SecretPlace::Query)),
            Box::new(move |e| e.secret_in("y", &here, SecretPlace::Body)),
            Box::new(|e| e.kv().map(drop)),
            Box::new(|e| e.spool().map(drop)),
        ];
        let asked = m.capabilities.iter().any(|c| matches!(c, Capability::Spool));
        for (number, question) in questions.iter().enumerate() {
            let (mut admin, mut unit) = (admin.clone(), unit.clone());
            let mut seen = Vec::new();
            while let Err(denial) = question(&Effective::new(&m, &admin, Some(&unit))) {
                prop_assert!(!seen.contains(&denial), "said twice: {}", denial);
                match (denial.by, &denial.grant_to_add) {
                    (Denier::Admin, Some(add)) => admin.add(&Grant::from_json(add).unwrap()),
                    (Denier::Unit, Some(add)) => unit.add(&Grant::from_json(add).unwrap()),
                    (Denier::Manifest | Denier::Host, None) => break,
                    _ => prop_assert!(false, "{:?}", denial),
                }
                prop_assert!(denial.to_string().contains(denial.grant_to_add.as_deref().unwrap()));
                seen.push(denial);
            }
            if number == 6 && asked {
                prop_assert!(Effective::new(&m, &admin, Some(&unit)).spool().is_ok());
            }
        }
    }
}

#[test]
fn a_grant_that_is_wrong_is_refused_with_its_place() {
    for (text, says) in [
        ("", "1:1: it must be a JSON object (at /)"),
        ("[]", "1:1: it must be a JSON object (at /)"),
        ("{\n \"htttp\": []}", "unknown field `htttp`"),
        ("{\"kv_bytes\": 1, \"kv_bytes\": 2}", "duplicate field `kv_bytes`"),
        ("{\"http\": [{\"origin\": \"https://x\"},\n {\"origin\": \"https://127.1\"}]}", "(at /http/1/origin)"),
        ("{\"http\": [{\"origin\": \"https://x\", \"methods\": [\"GET\", \"get\"]}]}", "(at /http/0/methods/1)"),
        ("{\"http\": [{\"origin\": \"https://x\", \"path_prefix\": \"/a/../b\"}]}", "(at /http/0/path_prefix)"),
        ("{\"secrets\": [{\"name\": \"a\", \"also\": [\"header\"]}]}", "(at /secrets/0/also/0"),
        ("{\"allow_addresses\": [\"127.0.0.1\"]}", "(at /allow_addresses/0)"),
        ("{\"log\": {\"bytes\": 1}}", "missing field `lines`"),
        ("{\"clocks\": 1}", "(at /clocks)"),
        ("{} {}", "trailing characters"),
    ] {
        let error = Grant::from_json(text).unwrap_err().to_string();
        assert!(error.starts_with("this is not a grant: "), "{error}");
        assert!(error.contains(says), "{text}: {error}");
    }
    let many: Vec<_> = (0..257).map(|n| json!({"origin": format!("https://h{n}.cn")})).collect();
    let error = Grant::from_json(&json!({"http": many}).to_string()).unwrap_err().to_string();
    assert!(error.contains("257 entries; at most 256"), "{error}");
    let long = format!("{{\"spool\": \"/{}\"}}", "x".repeat(1 << 20));
    assert!(Grant::from_json(&long).unwrap_err().to_string().contains("at most 1048576"));
}
