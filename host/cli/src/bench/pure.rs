//! Calls of pure plugins through the sandbox, each beside the same component in
//! a bare wasmtime loop. One thread; both are taken in turns, so that what else
//! the machine does falls on both.

use std::path::Path;
use std::time::{Duration, Instant};

use huiyin_sandbox::bare::Bare;
use huiyin_sandbox::{Context, Kind, Limits, Operation, Sandbox, SandboxConfig};
use serde_json::{Value, json};

use super::{Row, component};
use crate::output::Failure;

/// How long each side is at it, in one of its turns.
const TURN: Duration = Duration::from_millis(40);
/// Turns of each side.
const TURNS: usize = 50;
/// Items in a batch.
const BATCH: usize = 1_000;

/// Daily lists of `[{url, title}]`, where the folder is there.
const TITLES: &str = "../shared/data/weibo-hot";

/// One operation of one component, ready on both sides.
struct Pair {
    sandbox: Sandbox,
    package: std::sync::Arc<huiyin_sandbox::Package>,
    bare: Bare,
    operation: Operation,
    context: Context,
    limits: Limits,
}

impl Pair {
    fn new(name: &str, kind: Kind, config: &Value, input: &Value) -> Result<Pair, Failure> {
        let bytes = component(name)?;
        let sandbox = Sandbox::new(SandboxConfig::default()).map_err(Failure::failed)?;
        let package = sandbox.load(bytes).map_err(Failure::failed)?;
        let bare = Bare::plain(bytes).ok_or_else(|| Failure::failed("the component cannot be called"))?;
        let operation = Operation::from_json(kind, config, input).map_err(Failure::failed)?;
        let context = Context {
            call_id: "bench".to_owned(),
            attempt: 1,
            unit: "530000".to_owned(),
            now: 1_709_284_200_000,
            idempotency_key: "bench".to_owned(),
        };
        Ok(Pair { sandbox, package, bare, operation, context, limits: Limits::default() })
    }

    fn ours(&self) -> bool {
        self.sandbox.call_pure(&self.package, &self.context, &self.operation, &self.limits).is_ok()
    }

    fn bare(&self) -> bool {
        self.bare.run(&self.context, &self.operation).is_some()
    }

    /// Seconds a call: ours, bare. The median of the turns.
    fn measure(&self) -> Result<(f64, f64), Failure> {
        if let Err(error) = self.sandbox.call_pure(&self.package, &self.context, &self.operation, &self.limits) {
            return Err(Failure::failed(error));
        }
        let (mut ours, mut bare) = (Vec::with_capacity(TURNS), Vec::with_capacity(TURNS));
        for turn in 0..=TURNS {
            let (a, b) = (turn_of(|| self.ours())?, turn_of(|| self.bare())?);
            // The first warms both up.
            if turn > 0 {
                ours.push(a);
                bare.push(b);
            }
        }
        Ok((median(ours), median(bare)))
    }
}

/// Seconds a call, of the calls of one turn.
fn turn_of(call: impl Fn() -> bool) -> Result<f64, Failure> {
    let began = Instant::now();
    let mut calls = 0_u32;
    loop {
        // The clock is looked at now and then only: it costs, too.
        for _ in 0..8 {
            if !call() {
                return Err(Failure::failed("a call that succeeded before has failed"));
            }
            calls += 1;
        }
        let spent = began.elapsed();
        if spent >= TURN {
            return Ok(spent.as_secs_f64() / f64::from(calls));
        }
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A fresh instance and one call, in microseconds.
fn call(name: &str, pair: &Pair) -> Result<Vec<Row>, Failure> {
    let (ours, bare) = pair.measure()?;
    Ok(vec![Row::new(name, ours * 1e6, "µs/call", bare * 1e6, "µs/call, bare wasmtime, fresh instance")])
}

/// A batch in one instance, in items a second on one core.
fn batch(name: &str, pair: &Pair) -> Result<Vec<Row>, Failure> {
    let (ours, bare) = pair.measure()?;
    let items = BATCH as f64;
    Ok(vec![Row::new(name, items / ours, "items/s/core", items / bare, "items/s/core, bare wasmtime")])
}

/// The smallest step.
pub(super) fn step(_: &Path) -> Result<Vec<Row>, Failure> {
    call("call-step", &Pair::new("tally", Kind::Step, &json!({}), &json!({"numbers": [41, 1]}))?)
}

/// One item, judged.
pub(super) fn classify_one(_: &Path) -> Result<Vec<Row>, Failure> {
    let items = items()?.into_iter().take(1).collect::<Vec<_>>();
    call("call-classify", &Pair::new("risk-level", Kind::Classifier, &json!({}), &json!({"items": items}))?)
}

/// A report in its two forms.
pub(super) fn report(_: &Path) -> Result<Vec<Row>, Failure> {
    let data = json!({
        "case": "530500-20240301-0001",
        "level": "II",
        "title": "青枫县老鹰岩突发山火",
        "occurred_at": "2024-03-01T08:10:00Z",
        "discovered_at": "2024-03-01T08:25:00Z",
        "lead_unit": "青枫县林业局",
        "place": "青枫县老鹰岩",
        "issuer": "林海市林业局",
        "report_to": ["林海市人民政府"],
        "facts": [
            {"text": "网民发帖称老鹰岩方向山火蔓延，已有村民转移。", "evidence": ["wb-1001"]},
            {"text": "护林员一名失联。", "evidence": ["tv-2001"]}
        ]
    });
    call("call-report", &Pair::new("flash-report", Kind::Reporter, &json!({}), &data)?)
}

/// Rules by terms.
pub(super) fn keyword(_: &Path) -> Result<Vec<Row>, Failure> {
    batch("classify-keyword", &Pair::new("keyword", Kind::Classifier, &rules(), &json!({"items": items()?}))?)
}

/// The weighing into a level.
pub(super) fn risk_level(_: &Path) -> Result<Vec<Row>, Failure> {
    batch("classify-risk-level", &Pair::new("risk-level", Kind::Classifier, &json!({}), &json!({"items": items()?}))?)
}

/// A forestry bureau's rules: a dozen, some sixty terms.
fn rules() -> Value {
    json!({"rules": [
        {"name": "森林火灾", "when": {"any": ["山火", "森林火灾", "林火", "火烧山", "山上着火", "火势蔓延"], "not": ["演练", "纪念", "电影"]}, "level": "II", "labels": ["火情"]},
        {"name": "伤亡", "when": {"all": [{"any": ["山火", "森林", "林区"]}, {"any": ["死亡", "遇难", "失联", "受伤", "被困"]}]}, "level": "I", "labels": ["伤亡"]},
        {"name": "盗伐滥伐", "when": ["盗伐", "滥伐", "毁林", "古树被砍", "偷砍", "乱砍"], "level": "III", "labels": ["盗伐"]},
        {"name": "野生动物", "when": ["野生动物", "偷猎", "盗猎", "黑熊伤人", "野猪伤人", "大象", "候鸟"], "level": "IV", "labels": ["野生动物"]},
        {"name": "病虫害", "when": ["松材线虫", "美国白蛾", "虫害", "枯死松树"], "level": "IV"},
        {"name": "谣言", "when": {"any": ["网传", "听说", "据说", "真相", "隐瞒", "辟谣"]}, "labels": ["谣言"], "score": 0.4},
        {"name": "质疑", "when": ["质疑", "不作为", "谁批的", "求真相", "举报"], "labels": ["疑虑"], "score": 0.5},
        {"name": "保护区", "in": "title", "when": {"any": ["保护区", "国家公园", "湿地", "林场"]}, "labels": ["保护区"], "score": 0.3},
        {"name": "采伐许可", "when": ["采伐许可", "采伐证", "承包山", "砍竹子"], "labels": ["咨询"], "score": 0.2},
        {"name": "护林员", "when": ["护林员", "林业局", "林草局", "森林公安"], "labels": ["本系统"], "score": 0.3},
        {"name": "天气", "when": {"any": ["大风", "高温", "干旱", "雷击"], "not": ["电视剧"]}, "labels": ["火险天气"], "score": 0.2},
        {"name": "Fire", "when": {"all": ["forest", "fire"]}, "level": "III"}
    ]})
}

/// Real titles where the folder is there, else the sample that the program carries, again and again.
fn items() -> Result<Vec<Value>, Failure> {
    let mut items: Vec<Value> = titles(Path::new(TITLES))
        .into_iter()
        .take(BATCH)
        .enumerate()
        .map(|(at, title)| {
            json!({
                "id": format!("hot-{at}"), "source": "hot", "title": title,
                "url": format!("https://s.weibo.com/weibo?q={at}"),
                "published": "2024-03-01T08:00:00Z", "observed": "2024-03-01T08:05:00Z",
                "fields": {"channel": "weibo", "reads": (at * 997).to_string()},
            })
        })
        .collect();
    if items.is_empty() {
        let sample: Value =
            serde_json::from_str(include_str!("../../../../workflows/demo/items.json")).map_err(Failure::failed)?;
        let sample = sample.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        items = sample
            .iter()
            .cycle()
            .take(BATCH)
            .enumerate()
            .map(|(at, item)| {
                json!({
                    "id": format!("own-{at}"), "source": "own",
                    "title": item.get("title").cloned().unwrap_or_default(),
                    "body": item.get("body").cloned().unwrap_or_default(),
                    "observed": "2024-03-01T08:05:00Z",
                    "fields": item.get("fields").cloned().unwrap_or_else(|| json!({})),
                })
            })
            .collect();
    }
    Ok(items)
}

fn titles(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
        .iter()
        .filter_map(|file| serde_json::from_slice::<Vec<Value>>(&std::fs::read(file).ok()?).ok())
        .flatten()
        .filter_map(|entry| entry.get("title")?.as_str().map(str::to_owned))
        .collect()
}
