//! What a simulated bureau has to do: workflows, runs, posts, people, all from
//! the seed, and all such that the outcome of a run depends on its input alone.

use serde_json::{Map, Value, json};

use crate::plugins::{ECHO, ONCE, REPEATABLE};
use crate::random::Random;

/// The unit whose workflows and sources are simulated.
pub(crate) const UNITS: [&str; 2] = ["qingfeng", "linhai"];

/// People who may act for each of the units.
pub(crate) const PEOPLE: [&str; 2] = ["person:xu-ming", "person:he-ping"];

/// The policy pack: the sample of the project, with its clock of one hour.
pub(crate) const POLICY: &str = include_str!("../../../workflows/policy/linhai.json");

/// The workflow that each event of [`DONE`] starts.
pub(crate) const AFTERWARDS: &str = "afterwards";
/// The workflow that the clock starts.
pub(crate) const BY_THE_CLOCK: &str = "by-the-clock";
/// Another, which the configuration does not always name.
pub(crate) const SPARE: &str = "spare-by-the-clock";
/// The workflow that answers each case.
pub(crate) const REPORTER: &str = "reporter";
/// The workflow that others run.
pub(crate) const BELOW: &str = "below";
/// The slot of the workflows that are asked for.
pub(crate) const SLOT: &str = "say";
/// What runs publish when they are told to.
pub(crate) const DONE: &str = "sim.done";
/// What runs listen for; the subject is the run's id.
pub(crate) const PING: &str = "sim.ping";

/// One workflow to deploy for both units.
#[derive(Debug, Clone)]
pub(crate) struct Workflow {
    /// Its name.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
}

/// A run that somebody asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// The id that the asker chose.
    pub(crate) run: String,
    /// Which of the workloads' workflows.
    pub(crate) workflow: usize,
    /// For which of the units.
    pub(crate) unit: usize,
    /// When, in milliseconds since the beginning.
    pub(crate) at: i64,
    /// The input.
    pub(crate) input: Value,
    /// Somebody will want it stopped, so many milliseconds later.
    pub(crate) cancel_after: Option<i64>,
}

/// A post somewhere outside.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    /// Its id within its source.
    pub(crate) id: String,
    /// When it can be found, in milliseconds since the beginning.
    pub(crate) at: i64,
    /// How long before that it was published, in milliseconds.
    pub(crate) old: i64,
    /// Grave enough for a case.
    pub(crate) grave: bool,
}

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    /// How many partitions the host has.
    pub(crate) partitions: u32,
    /// The workflows.
    pub(crate) workflows: Vec<Workflow>,
    /// What the configuration names, edition by edition: other versions of some of
    /// them, other schedules, or one of them not at all. What runs give is the same.
    pub(crate) editions: Vec<Vec<Workflow>>,
    /// The runs.
    pub(crate) wishes: Vec<Wish>,
    /// The posts of each unit's source, in the order of time.
    pub(crate) posts: Vec<Vec<Post>>,
    /// Until when new things happen, in milliseconds since the beginning.
    pub(crate) horizon: i64,
}

impl Workload {
    /// The workload of a seed.
    pub(crate) fn new(random: &mut Random) -> Workload {
        let horizon = random.between(20, 100) * 60_000;
        let mut workflows: Vec<Workflow> = (0..random.between(2, 4)).map(|n| generated(n, random)).collect();
        let asked = workflows.len();
        workflows.push(below(random));
        workflows.push(afterwards());
        workflows.push(by_the_clock(BY_THE_CLOCK, "PT20S", random));
        if random.chance(2, 3) {
            workflows.push(reporter(random));
        }
        let wishes = (0..random.between(4, 12))
            .map(|n| {
                let run = format!("r{n}");
                let input = json!({"id": run, "acc": random.between(0, 9)});
                let cancel_after = random.chance(1, 8).then(|| random.between(0, 600_000));
                Wish {
                    workflow: random.place(asked),
                    unit: random.place(UNITS.len()),
                    at: random.between(0, horizon * 3 / 4),
                    run,
                    input,
                    cancel_after,
                }
            })
            .collect();
        let posts = UNITS.iter().map(|unit| posts(unit, horizon, random)).collect();
        let partitions = random.between(1, 3) as u32;
        workflows.push(by_the_clock(SPARE, "PT25M", random));
        let mut editions = vec![workflows.clone()];
        for n in 1..=random.between(0, 2) {
            editions.push(edition(n, &workflows, random));
        }
        Workload { partitions, workflows, editions, wishes, posts, horizon }
    }
}

/// The workflows as a later configuration has them.
fn edition(n: i64, of: &[Workflow], random: &mut Random) -> Vec<Workflow> {
    let mut edition = Vec::with_capacity(of.len());
    for workflow in of {
        let changed = match workflow.name.as_str() {
            SPARE if random.chance(1, 2) => continue,
            BY_THE_CLOCK if random.chance(1, 2) => by_the_clock(BY_THE_CLOCK, "PT20S", random),
            BY_THE_CLOCK | "work0" => workflow.clone(),
            _ => {
                edition.push(workflow.clone());
                continue;
            }
        };
        // It is our own document.
        let mut document: Value = serde_json::from_str(&changed.text).unwrap_or_default();
        document["document"]["version"] = json!(format!("1.{n}.0"));
        edition.push(Workflow { text: document.to_string(), ..changed });
    }
    edition
}

fn posts(unit: &str, horizon: i64, random: &mut Random) -> Vec<Post> {
    let mut posts: Vec<Post> = (0..random.between(0, 12))
        .map(|n| Post {
            id: format!("{unit}-{n}"),
            at: random.between(0, horizon),
            old: match random.below(4) {
                // Its hour is over before it is found.
                0 => random.between(3_600_000, 8_000_000),
                1 => random.between(3_000_000, 3_600_000),
                _ => random.between(0, 600_000),
            },
            grave: random.chance(1, 3),
        })
        .collect();
    posts.sort_by_key(|post| post.at);
    posts
}

fn document(name: &str, rest: Value) -> String {
    let mut all = json!({"document": {"dsl": "1.0.3", "namespace": "sim", "name": name, "version": "1.0.0"}});
    if let (Some(all), Value::Object(rest)) = (all.as_object_mut(), rest) {
        all.extend(rest);
    }
    all.to_string()
}

fn generated(n: i64, random: &mut Random) -> Workflow {
    let mut maker = Maker { random, tasks: 0 };
    let count = maker.random.between(2, 6);
    let tasks = maker.list(count, 0, "$workflow.input.id");
    let name = format!("work{n}");
    let slot = json!({"call": format!("{ECHO}:1.0.0@default"), "metadata": {"kind": "step"}});
    Workflow { text: document(&name, json!({"use": {"functions": {SLOT: slot}}, "do": tasks})), name }
}

/// Makes lists of tasks that hand on `{"acc": number}`.
struct Maker<'r> {
    random: &'r mut Random,
    tasks: u32,
}

impl Maker<'_> {
    /// `label`: a jq expression that names this place in this run.
    fn list(&mut self, count: i64, depth: u32, label: &str) -> Value {
        let tasks = (0..count).map(|_| {
            self.tasks += 1;
            let name = format!("t{}", self.tasks);
            let label = format!("({label}) + \"/{}\"", self.tasks);
            let mut one = Map::new();
            one.insert(name, self.task(depth, &label));
            Value::Object(one)
        });
        Value::Array(tasks.collect())
    }

    fn task(&mut self, depth: u32, label: &str) -> Value {
        let kinds = if depth < 2 { 14 } else { 9 };
        match self.random.below(kinds) {
            0 => json!({"set": {"acc": "${ .acc + 1 }"}}),
            1 => json!({"wait": format!("PT{}S", self.random.between(1, 240))}),
            2 => {
                json!({"call": SLOT, "with": {"acc": "${ .acc * 2 % 1000 }"}})
            }
            3 | 4 => self.effect(label, 0),
            5 => {
                let limit = json!({"attempt": {"count": 5}});
                let retry = json!({"delay": format!("PT{}S", self.random.between(1, 60)), "limit": limit});
                let fails = self.random.between(0, 3);
                json!({"try": [{"tried": self.effect(label, fails)}], "catch": {"retry": retry}})
            }
            6 => json!({
                "try": [{"raises": {"raise": {"error": {"type": "https://example.org/sim", "status": 418}}}}],
                "catch": {"as": "why", "do": [{"mended": {"set": {"acc": "${ .acc + $why.status % 10 }"}}}]}
            }),
            7 => {
                let subject = "${ . == $workflow.input.id }";
                json!({
                    "listen": {"to": {"one": {"with": {"type": PING, "subject": subject}}}},
                    "output": {"as": "${ {acc: ($input.acc + .[0].n)} }"}
                })
            }
            8 => json!({
                "try": [{"deaf": {
                    "listen": {"to": {"one": {"with": {"type": "sim.never"}}}},
                    "timeout": {"after": format!("PT{}S", self.random.between(5, 300))}
                }}],
                "catch": {"errors": {"with": {"status": 408}}}
            }),
            9 => {
                let branches: Vec<Value> = (0..self.random.between(2, 4))
                    .map(|n| {
                        let list = self.list(1, depth + 1, label);
                        json!({format!("b{n}"): {"do": list}})
                    })
                    .collect();
                json!({
                    "fork": {"branches": branches},
                    "output": {"as": "${ {acc: ((map(.acc) | add) % 1000)} }"}
                })
            }
            10 => {
                let each = format!("x{}", self.tasks);
                let within = format!("{label} + \"-\" + (${each} | tostring)");
                let count = self.random.between(1, 2);
                let list = self.list(count, depth + 1, &within);
                let rounds: Vec<i64> = (0..self.random.between(1, 3)).collect();
                json!({"for": {"each": each, "in": format!("${{ {} }}", json!(rounds))}, "do": list})
            }
            11 => {
                let count = self.random.between(1, 3);
                json!({"do": self.list(count, depth + 1, label)})
            }
            12 => {
                let input = json!({"acc": "${ .acc }", "label": format!("${{ {label} }}")});
                json!({
                    "run": {"workflow": {"namespace": "sim", "name": BELOW, "version": "1.0.0", "input": input}},
                    "output": {"as": "${ {acc: .acc} }"}
                })
            }
            _ if depth == 0 => {
                let event = json!({"type": DONE, "source": "/sim", "data": {"id": format!("${{ {label} }}")}});
                json!({"emit": {"event": {"with": event}}, "output": {"as": "${ $input }"}})
            }
            _ => json!({"set": {"acc": "${ .acc + 3 }"}}),
        }
    }

    /// Something done outside; it fails so often before it succeeds.
    fn effect(&mut self, label: &str, fails: i64) -> Value {
        let once = self.random.chance(1, 5);
        let with = json!({"label": format!("${{ {label} }}"), "fails": fails});
        let output = json!({"as": "${ {acc: (($input.acc + .n) % 1000)} }"});
        if self.random.chance(1, 3) {
            let method = if once { "post" } else { "get" };
            let asked = json!({"method": method, "endpoint": "https://world.example/", "query": with});
            return json!({"call": "http", "with": asked, "output": output});
        }
        let plugin = if once { ONCE } else { REPEATABLE };
        json!({"call": format!("{plugin}:1.0.0@default"), "with": with, "output": output})
    }
}

/// Run by others: gives `acc` after an effect that may fail, some time, or both.
fn below(random: &mut Random) -> Workflow {
    let mut maker = Maker { random, tasks: 0 };
    let rest = format!("PT{}S", maker.random.between(1, 120));
    let fails = maker.random.between(0, 2);
    let effect = maker.effect(".label + \"/below\"", fails);
    let kept = |mut effect: Value| {
        effect["output"] = json!({"as": "${ {acc: (($input.acc + .n) % 1000), label: $input.label} }"});
        effect
    };
    let retry = json!({"delay": "PT5S", "limit": {"attempt": {"count": 5}}});
    let tried = json!({"try": [{"tried": kept(effect)}], "catch": {"retry": retry}});
    let tasks = json!([{"rest": {"wait": rest}}, {"effect": tried}, {"more": {"set": {"acc": "${ .acc + 1 }"}}}]);
    Workflow { text: document(BELOW, json!({"do": tasks})), name: BELOW.to_owned() }
}

fn afterwards() -> Workflow {
    let text = document(
        AFTERWARDS,
        json!({
            "schedule": {"on": {"one": {"with": {"type": DONE}}}},
            "do": [
                {"know": {"set": {"acc": 0, "id": "${ .[0].data.id }"}}},
                {"tell": {
                    "call": format!("{REPEATABLE}:1.0.0@default"),
                    "with": {"label": "${ .id + \"/after\" }", "fails": 0},
                    "output": {"as": "${ {id: $input.id, n: .n} }"}
                }}
            ]
        }),
    );
    Workflow { name: AFTERWARDS.to_owned(), text }
}

fn by_the_clock(name: &str, rest: &str, random: &mut Random) -> Workflow {
    let every = format!("PT{}M", random.between(5, 40));
    let schedule = if random.chance(1, 4) { json!({"after": every}) } else { json!({"every": every}) };
    let tasks = json!([{"tick": {"set": {"acc": 1}}}, {"rest": {"wait": rest}}]);
    let text = document(name, json!({"schedule": schedule, "do": tasks}));
    Workflow { name: name.to_owned(), text }
}

/// Answers each case some time after it was opened, which stops its clocks of answer and publication.
fn reporter(random: &mut Random) -> Workflow {
    let text = document(
        REPORTER,
        json!({
            "schedule": {"on": {"one": {"with": {"type": "huiyin.case.opened.v1"}}}},
            "do": [
                {"know": {"set": {"case": "${ .[0].data.case }"}}},
                {"think": {"wait": format!("PT{}M", random.between(1, 50))}},
                {"report": {
                    "call": "record-answer:1.0.0@default",
                    "with": {"case": "${ .case }", "text": "${ \"Case \" + .case }", "channel": "web"},
                    "output": {"as": "${ $input }"}
                }},
                {"tell": {
                    "call": format!("{REPEATABLE}:1.0.0@default"),
                    "with": {"label": "${ .case + \"/told\" }", "fails": 0}
                }}
            ]
        }),
    );
    Workflow { name: REPORTER.to_owned(), text }
}
