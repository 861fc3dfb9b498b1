//! `huiyin plugin publish` and `pull` against a real registry: Debian's
//! docker-registry on loopback, open, with passwords, with tokens, with TLS.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs, unreachable_pub)]

#[path = "registry/server.rs"]
mod server;
#[path = "registry/tokens.rs"]
mod tokens;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_guests::peer::Peer;
use serde_json::{Value, json};
use server::{Access, Registry};
use sha2::{Digest as _, Sha256};

const SECRET: &str = "opensesame-7f3a";

fn huiyin(args: &[&str]) -> Output {
    program(args).output().unwrap()
}

/// The program with nobody's own credentials, and no proxy.
fn program(args: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_huiyin"));
    program.args(args).env("DOCKER_CONFIG", "/nowhere");
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        program.env_remove(name).env_remove(name.to_lowercase());
    }
    program
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn answer(output: &Output) -> Value {
    assert_eq!(code(output), 0, "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A package that `make plugins` built.
fn package(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../build/plugins/{name}-0.1.0.wasm"));
    assert!(file.exists(), "{} is missing; run `make plugins`", file.display());
    file
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A file of credentials that only its owner may read.
fn credentials(folder: &Path, host: &str, user: &str, password: &str) -> String {
    let file = folder.join(format!("{user}-{}.json", password.len()));
    let auth = STANDARD.encode(format!("{user}:{password}"));
    std::fs::write(&file, json!({"auths": {host: {"auth": auth}}}).to_string()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    text(&file)
}

fn publish(file: &Path, reference: &str, more: &[&str]) -> Output {
    huiyin(&[&["plugin", "publish", &text(file), reference, "--output", "json"], more].concat())
}

fn pull(reference: &str, out: &Path, more: &[&str]) -> Output {
    huiyin(&[&["plugin", "pull", reference, "--out", &text(out), "--output", "json"], more].concat())
}

#[test]
fn a_package_comes_back_as_it_was_with_its_signature() {
    let registry = Registry::start(&Access::Open);
    let folder = tempfile::tempdir().unwrap();
    let (key, signed) = (folder.path().join("acme.key"), folder.path().join("signed.wasm"));
    answer(&huiyin(&["plugin", "keygen", "acme", "--out", &text(&key), "--output", "json"]));
    let keyword = package("keyword");
    answer(&huiyin(&[
        "plugin",
        "sign",
        &text(&keyword),
        "--key",
        &text(&key),
        "--out",
        &text(&signed),
        "--output",
        "json",
    ]));
    let reference = format!("{}/plugins/keyword:0.1.0", registry.host);
    let published = answer(&publish(&signed, &reference, &["--plain-http"]));
    assert_eq!((&published["plugin"], &published["changed"]), (&json!("keyword:0.1.0"), &json!(true)));
    let digest = published["manifest"].as_str().unwrap();
    let again = answer(&publish(&signed, &reference, &["--plain-http"]));
    assert_eq!((&again["manifest"], &again["changed"]), (&json!(digest), &json!(false)), "the same once more");

    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    for more in [vec![], vec!["--digest", digest]] {
        let pulled = answer(&pull(&reference, &out, &[&["--plain-http"], more.as_slice()].concat()));
        assert_eq!((&pulled["manifest"], &pulled["signed_by"]), (&json!(digest), &json!(["acme"])));
        assert_eq!(std::fs::read(pulled["file"].as_str().unwrap()).unwrap(), std::fs::read(&signed).unwrap());
        // The identity is that of the unsigned package.
        assert_eq!(pulled["digest"], hex::encode(Sha256::digest(std::fs::read(&keyword).unwrap())));
    }
    let by_digest = format!("{}/plugins/keyword@{digest}", registry.host);
    assert_eq!(answer(&pull(&by_digest, &out, &["--plain-http"]))["manifest"], digest);

    // A tag that is taken keeps its content.
    let other = publish(&package("tally"), &reference, &["--plain-http"]);
    assert_eq!(code(&other), 1, "{}", said(&other));
    assert!(said(&other).contains("a published version never changes"), "{}", said(&other));
    assert_eq!(answer(&pull(&reference, &out, &["--plain-http"]))["manifest"], digest);
}

#[test]
fn what_is_pushed_is_a_cncf_wasm_artifact() {
    let registry = Registry::start(&Access::Open);
    let reference = format!("{}/plugins/feed:0.1.0", registry.host);
    let published = answer(&publish(&package("feed"), &reference, &["--plain-http"]));
    let manifest = registry.get("plugins/feed/manifests/0.1.0");
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(&manifest)));
    assert_eq!(published["manifest"], digest);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!((layers.len(), &layers[0]["mediaType"]), (1, &json!("application/wasm")));
    assert_eq!(manifest["annotations"]["org.opencontainers.image.version"], "0.1.0");
    let config = registry.get(&format!("plugins/feed/blobs/{}", manifest["config"]["digest"].as_str().unwrap()));
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!((&config["architecture"], &config["os"]), (&json!("wasm"), &json!("wasip2")));
    assert_eq!(config["layerDigests"], json!([layers[0]["digest"]]));
    let list = |name: &str| config["component"][name].to_string();
    assert!(list("imports").contains("wasi:http/outgoing-handler@0.2."), "{config}");
    assert!(list("exports").contains("huiyin:plugin/collector@0.1."), "{config}");
}

#[test]
fn what_is_not_what_was_pinned_or_too_large_is_refused_and_nothing_is_written() {
    let registry = Registry::start(&Access::Open);
    let folder = tempfile::tempdir().unwrap();
    let reference = format!("{}/plugins/tally:0.1.0", registry.host);
    let published = answer(&publish(&package("tally"), &reference, &["--plain-http"]));
    let refused = |more: &[&str], status: i32, says: &str| {
        let ran = pull(&reference, folder.path(), &[&["--plain-http"], more].concat());
        assert_eq!(code(&ran), status, "{more:?}: {}", said(&ran));
        assert!(said(&ran).contains(says), "{more:?}: {}", said(&ran));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    };
    let wrong = format!("sha256:{}", "0".repeat(64));
    refused(&["--digest", &wrong], 2, "no such artifact");
    refused(&["--max-bytes", "1000"], 2, "1000 are taken");
    refused(&["--digest", "sha256:12"], 2, "64 digits");
    let missing = pull(&format!("{}/plugins/tally:9.9.9", registry.host), folder.path(), &["--plain-http"]);
    assert_eq!(code(&missing), 2, "{}", said(&missing));
    for bad in ["tally:0.1.0", "registry.example.cn/tally"] {
        assert_eq!(code(&pull(bad, folder.path(), &[])), 2, "{bad}");
    }
    // Somebody changed the bytes in the registry's own store.
    registry.alter(published["manifest"].as_str().unwrap(), registry.blob_of("plugins/tally", "0.1.0"));
    refused(&[], 1, "sha256:");
}

#[test]
fn other_artifacts_are_no_plugins() {
    let registry = Registry::start(&Access::Open);
    let folder = tempfile::tempdir().unwrap();
    registry.put_image("plugins/image", "1");
    let ran = pull(&format!("{}/plugins/image:1", registry.host), folder.path(), &["--plain-http"]);
    assert_eq!(code(&ran), 2, "{}", said(&ran));
    assert!(said(&ran).contains("it is no Wasm artifact"), "{}", said(&ran));
}

#[test]
fn plugins_11_a_pull_makes_its_folder_and_says_what_a_tag_is() {
    let registry = Registry::start(&Access::Open);
    let folder = tempfile::tempdir().unwrap();
    let reference = |tag: &str| format!("{}/plugins/tally:{tag}", registry.host);
    let published = answer(&publish(&package("tally"), &reference("0.1.0"), &["--plain-http"]));
    // The folder is made, with all above it; what is no folder is said before anything is fetched.
    let out = folder.path().join("a/b");
    let pulled = answer(&pull(&reference("0.1.0"), &out, &["--plain-http"]));
    assert_eq!(pulled["file"], text(&out.join("tally-0.1.0.wasm")));
    let ran = pull(&reference("9.9.9"), &out.join("tally-0.1.0.wasm"), &["--plain-http"]);
    assert!(code(&ran) == 2 && said(&ran).contains("it is no folder"), "{}", said(&ran));

    // An index: which manifests it has.
    let digest = published["manifest"].as_str().unwrap();
    let manifest = registry.get("plugins/tally/manifests/0.1.0");
    let entry = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": manifest.len(),
        "platform": {"os": "wasip2", "architecture": "wasm"},
    });
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry],
    });
    registry.put_manifest("plugins/tally", "all", &index);
    let nothing = folder.path().join("nothing");
    let ran = pull(&reference("all"), &nothing, &["--plain-http"]);
    assert_eq!(code(&ran), 2, "{}", said(&ran));
    for says in ["it is an index of 1 manifests", digest, "(wasip2/wasm)"] {
        assert!(said(&ran).contains(says), "{says}: {}", said(&ran));
    }

    // A layer of another size than the manifest says, larger or smaller.
    for (tag, by) in [("larger", 7), ("smaller", -7)] {
        let mut lying: Value = serde_json::from_slice(&manifest).unwrap();
        lying["layers"][0]["size"] = json!(lying["layers"][0]["size"].as_i64().unwrap() + by);
        registry.put_manifest("plugins/tally", tag, &lying);
        let ran = pull(&reference(tag), &nothing, &["--plain-http"]);
        assert_eq!(code(&ran), 2, "{tag}: {}", said(&ran));
        assert!(said(&ran).contains("that the manifest says"), "{tag}: {}", said(&ran));
    }
    assert!(!nothing.exists(), "nothing was written");

    // A version with build metadata.
    for command in ["pull", "publish"] {
        let (file, tag) = (text(&package("tally")), reference("0.1.0+linux"));
        let args: Vec<&str> =
            if command == "pull" { vec!["plugin", "pull", &tag] } else { vec!["plugin", "publish", &file, &tag] };
        let ran = huiyin(&args);
        assert!(code(&ran) == 2 && said(&ran).contains("a tag cannot hold `+`"), "{}", said(&ran));
        assert!(said(&ran).contains(":0.1.0_linux"), "{}", said(&ran));
    }
}

#[test]
fn plain_http_is_spoken_only_when_asked_for() {
    let registry = Registry::start(&Access::Open);
    let ran = publish(&package("tally"), &format!("{}/plugins/tally:0.1.0", registry.host), &[]);
    assert_eq!(code(&ran), 3, "{}", said(&ran));
    let folder = tempfile::tempdir().unwrap();
    let ran = pull(&format!("{}/plugins/tally:0.1.0", registry.host), folder.path(), &[]);
    assert_eq!(code(&ran), 3, "{}", said(&ran));
}

/// Lets in whoever has the password, and nobody else, whatever the scheme.
fn only_with_the_password(registry: &Registry) {
    let folder = tempfile::tempdir().unwrap();
    let reference = format!("{}/plugins/tally:0.1.0", registry.host);
    let tally = package("tally");
    let right = credentials(folder.path(), &registry.host, "officer", SECRET);
    let wrong = credentials(folder.path(), &registry.host, "officer", "guess");
    for more in [vec![], vec!["--auth", &wrong]] {
        let ran = publish(&tally, &reference, &[&["--plain-http"], more.as_slice()].concat());
        assert_eq!(code(&ran), 3, "{more:?}: {}", said(&ran));
        assert!(said(&ran).contains("does not let you in"), "{}", said(&ran));
        let ran = pull(&reference, folder.path(), &[&["--plain-http"], more.as_slice()].concat());
        assert_eq!(code(&ran), 3, "{more:?}: {}", said(&ran));
    }
    let ran = publish(&tally, &reference, &["--plain-http", "--auth", &right]);
    assert!(!said(&ran).contains(SECRET));
    answer(&ran);
    let ran = pull(&reference, folder.path(), &["--plain-http", "--auth", &right]);
    assert_eq!(answer(&ran)["plugin"], "tally:0.1.0");

    // Docker's own file, where none is named.
    let docker = folder.path().join("docker");
    std::fs::create_dir(&docker).unwrap();
    std::fs::copy(&right, docker.join("config.json")).unwrap();
    std::fs::set_permissions(docker.join("config.json"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_huiyin"))
        .args(["plugin", "pull", &reference, "--plain-http", "--out", &text(folder.path())])
        .env("DOCKER_CONFIG", &docker)
        .output()
        .unwrap();
    assert_eq!(code(&ran), 0, "{}", said(&ran));
}

#[test]
fn basic_authentication_by_a_file_of_credentials() {
    only_with_the_password(&Registry::start(&Access::Password { user: "officer", password: SECRET }));
}

#[test]
fn token_authentication_by_the_registrys_own_token_server() {
    let tokens = tokens::Server::start("officer", SECRET);
    let registry = Registry::start(&Access::Tokens(&tokens));
    only_with_the_password(&registry);
    assert!(tokens.given() >= 2, "tokens were asked for");
    // A token that one has already, as some registries hand out.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    let token = tokens.token("plugins/tally");
    let auths = json!({"auths": {&registry.host: {"registrytoken": token}}});
    std::fs::write(&file, auths.to_string()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let reference = format!("{}/plugins/tally:0.1.0", registry.host);
    answer(&pull(&reference, folder.path(), &["--plain-http", "--auth", &text(&file)]));
}

#[test]
fn tls_is_checked_against_the_authorities_that_are_trusted() {
    let registry = Registry::start(&Access::Tls);
    let reference = format!("{}/plugins/tally:0.1.0", registry.host);
    let ran = publish(&package("tally"), &reference, &[]);
    assert_eq!(code(&ran), 3, "{}", said(&ran));
    let authority = text(&registry.authority());
    answer(&publish(&package("tally"), &reference, &["--ca", &authority]));
    let folder = tempfile::tempdir().unwrap();
    answer(&pull(&reference, folder.path(), &["--ca", &authority]));
}

/// A huiyin.json of this way out, with the secret `gate` in a plain file of its owner's.
fn closed(folder: &Path, egress: &Value) -> String {
    let file = folder.join("huiyin.json");
    std::fs::write(folder.join("gate"), SECRET).unwrap();
    std::fs::set_permissions(folder.join("gate"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = json!({"egress": egress, "secrets": {"gate": {"file": "gate"}}});
    std::fs::write(&file, config.to_string()).unwrap();
    text(&file)
}

#[test]
fn out_of_a_closed_network_through_the_configurations_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let registry = Registry::start(&Access::Tls);
    // officer:opensesame-7f3a
    let proxy = Peer::proxy(registry.host.parse().unwrap(), Some("Basic b2ZmaWNlcjpvcGVuc2VzYW1lLTdmM2E="));
    let url = format!("http://{}", proxy.address);
    let login = json!({"proxy": {"url": url, "user": "officer", "password": "gate"}});
    let authority = text(&registry.authority());
    // Its certificate is for 127.0.0.1; the port is one that nobody listens on.
    let reference = "127.0.0.1:9/plugins/tally:0.1.0";
    let file = closed(folder.path(), &login);
    let more = ["--ca", authority.as_str(), "--config", file.as_str()];
    answer(&publish(&package("tally"), reference, &more));
    let pulled = pull(reference, &out, &more);
    assert!(!said(&pulled).contains(SECRET));
    assert_eq!(answer(&pulled)["plugin"], "tally:0.1.0");
    let heads = proxy.heads();
    assert!(
        heads.len() >= 2 && heads.iter().all(|head| head.starts_with("CONNECT 127.0.0.1:9 HTTP/1.1\r\n")),
        "{heads:?}"
    );

    // Without the login it gets nowhere, and says at whom it failed.
    let file = closed(folder.path(), &json!({"proxy": {"url": url}}));
    let ran = pull(reference, &out, &["--ca", &authority, "--config", &file]);
    assert_eq!(code(&ran), 3, "{}", said(&ran));
    // What the configuration reaches directly is not asked of the proxy.
    let asked = proxy.heads().len();
    let file = closed(folder.path(), &json!({"proxy": {"url": url, "noProxy": ["127.0.0.0/8"]}}));
    let near = format!("{}/plugins/tally:0.1.0", registry.host);
    assert_eq!(answer(&pull(&near, &out, &["--ca", &authority, "--config", &file]))["plugin"], "tally:0.1.0");
    assert_eq!(proxy.heads().len(), asked);
    // A configuration that no host would take is refused with its place.
    let file = closed(folder.path(), &json!({"proxy": {"url": "socks5://proxy.example.cn"}}));
    let ran = pull(reference, &out, &["--config", &file]);
    assert_eq!(code(&ran), 2, "{}", said(&ran));
    assert!(said(&ran).contains("/egress/proxy/url"), "{}", said(&ran));
}

#[test]
fn a_name_in_no_proxy_means_that_name_and_none_below_it() {
    let registry = Registry::start(&Access::Open);
    let proxy = Peer::proxy(registry.host.parse().unwrap(), None);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    // A name that only the proxy knows.
    let reference = "registry.huiyin.invalid/plugins/tally:0.1.0";
    let through = |places: Value| {
        let url = format!("http://{}", proxy.address);
        closed(folder.path(), &json!({"proxy": {"url": url, "noProxy": places}}))
    };
    let file = through(json!(["huiyin.invalid", ".registry.huiyin.invalid", "10.0.0.0/8"]));
    answer(&publish(&package("tally"), reference, &["--plain-http", "--config", &file]));
    assert_eq!(answer(&pull(reference, &out, &["--plain-http", "--config", &file]))["plugin"], "tally:0.1.0");
    let asked = proxy.heads().len();
    assert!(asked >= 2);
    for place in ["registry.huiyin.invalid", "*.huiyin.invalid", ".invalid"] {
        let file = through(json!([place]));
        assert_eq!(code(&pull(reference, &out, &["--plain-http", "--config", &file])), 3, "{place}: nobody is there");
        assert_eq!(proxy.heads().len(), asked, "{place}: the proxy was not asked");
    }
}

#[test]
fn out_of_a_closed_network_through_the_environments_proxy() {
    let registry = Registry::start(&Access::Open);
    let proxy = Peer::proxy(registry.host.parse().unwrap(), None);
    let folder = tempfile::tempdir().unwrap();
    // A name that only the proxy knows; plain HTTP is forwarded, not tunnelled.
    let reference = "registry.example.cn/plugins/tally:0.1.0";
    let file = text(&package("tally"));
    let ran = program(&["plugin", "publish", &file, reference, "--plain-http", "--output", "json"])
        .env("HTTP_PROXY", format!("http://{}", proxy.address))
        .output()
        .unwrap();
    answer(&ran);
    let out = text(folder.path());
    let ran = program(&["plugin", "pull", reference, "--out", &out, "--plain-http", "--output", "json"])
        .env("http_proxy", format!("http://{}", proxy.address))
        .output()
        .unwrap();
    assert_eq!(answer(&ran)["plugin"], "tally:0.1.0");
    let heads = proxy.heads();
    assert!(heads.iter().all(|head| head.contains(" http://registry.example.cn/v2/")), "{heads:?}");
}

#[test]
fn credentials_are_read_from_a_file_that_is_ones_own_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.json");
    let reference = "registry.example.cn/plugins/tally:0.1.0";
    let refused = |content: &str, mode: u32, says: &str| {
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let ran = pull(reference, folder.path(), &["--auth", &text(&file)]);
        assert_eq!(code(&ran), 2, "{}", said(&ran));
        assert!(said(&ran).contains(says), "{says}: {}", said(&ran));
        assert!(!said(&ran).contains(SECRET) && !said(&ran).contains(&STANDARD.encode(SECRET)), "{}", said(&ran));
    };
    let entry = |entry: Value| json!({"auths": {"registry.example.cn": entry}}).to_string();
    let auth = entry(json!({"auth": STANDARD.encode(format!("officer:{SECRET}"))}));
    refused(&auth, 0o644, "chmod 600");
    refused(&format!("{{\"auths\": \"{SECRET}\""), 0o600, "auth.json:1:");
    refused("{}", 0o600, "no entry for registry.example.cn");
    refused(&entry(json!({})), 0o600, "neither `auth`");
    refused(&entry(json!({"auth": STANDARD.encode(SECRET)})), 0o600, "not base64 of user:password");
    let store = json!({"auths": {"registry.example.cn": {}}, "credsStore": "desktop"});
    refused(&store.to_string(), 0o600, "kept by the program `desktop`");
}
