//! A run that has ended is set to work again; and runs that are large.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, clippy::format_collect, clippy::float_cmp)] // tests may fail loudly

mod common;

use common::{Sim, define, error, output, path, start_time};
use huiyin_flow::{Command, Definition, Env, Event, Fact, Outcome, Phase, RunState, advance, apply, outstanding};
use serde_json::{Value, json};

fn reopen(sim: &mut Sim, task: Option<&str>, input: Option<Value>) {
    sim.state.can_reopen(&sim.def, task).unwrap();
    sim.finished = None;
    sim.mended = true;
    let turn =
        sim.give(Event::Reopen { task: task.map(Into::into), input, actor: "li".into(), reason: "mended".into() });
    assert!(matches!(turn.facts.first(), Some(Fact::Reopened { .. })), "{:?}", turn.facts);
}

fn ended(def: &Definition, input: Value) -> Sim {
    let mut sim = Sim::new(def);
    sim.start(input);
    sim.go();
    assert!(outstanding(&sim.state).is_empty() && sim.state.active().is_empty(), "an ended run wants nothing");
    sim
}

#[test]
fn the_failed_task_is_tried_again_and_no_other() {
    let def = define(json!({"do": [
        {"a": {"call": "echo:1.0.0@default", "with": {"n": 1}}},
        {"loop": {"for": {"in": "[1, 2, 3]"}, "do": [
            {"one": {"call": "echo:1.0.0@default", "with": {"sum": "${ .sum + $item }"}}},
            {"two": {"switch": [{"bad": {"when": "$item == 2", "then": "three"}}], "then": "exit"}},
            {"three": {"call": "broken:1.0.0@default", "with": {"sum": "${ .sum + 100 }"}}}
        ]}}
    ]}));
    let mut sim = ended(&def, json!({}));
    assert_eq!(error(&sim).instance, "/do/1/loop/do/2/three");
    let before = path(&sim).len();
    reopen(&mut sim, None, None);
    sim.go();
    assert_eq!(output(&sim), &json!({"sum": 106}));
    assert_eq!(
        path(&sim)[before..].iter().map(|p| &**p).collect::<Vec<_>>(),
        ["/do/1/loop/do/2/three", "/do/1/loop/do/0/one", "/do/1/loop/do/1/two"]
    );
    // The facts alone say it too, whoever applies them.
    let mut again = RunState::new();
    sim.facts.iter().for_each(|(_, fact)| apply(&mut again, fact).unwrap());
    assert_eq!(again, sim.state);
    assert!(sim.life().iter().filter(|l| *l == "workflow.resumed").count() == 1);
}

#[test]
fn sibling_branches_go_on_from_where_they_were() {
    let def = define(json!({"timeout": {"after": "PT1H"}, "do": [{"f": {"fork": {"branches": [
        {"done": {"call": "echo:1.0.0@default", "with": {"d": 1}}},
        {"waits": {"do": [{"s": {"set": {"w": 1}}}, {"w": {"wait": "PT20M"}}]}},
        {"listens": {"listen": {"to": {"one": {"with": {"type": "e"}}}}}},
        {"calls": {"call": "never:1.0.0@default", "timeout": {"after": "PT30M"}}},
        {"bad": {"do": [{"w": {"wait": "PT5M"}}, {"b": {"call": "broken:1.0.0@default", "with": {"b": 1}}}]}}
    ]}}}]}));
    let mut sim = ended(&def, json!({}));
    assert_eq!(sim.now.duration_since(start_time()).as_mins(), 5);
    sim.now += jiff::SignedDuration::from_hours(2);
    reopen(&mut sim, None, None);
    let due: Vec<i64> = sim.timers.values().map(|due| due.duration_since(start_time()).as_mins()).collect();
    // The wait is due when it was; the workflow's and the call's timeouts run anew.
    let mut sorted = due.clone();
    sorted.sort_unstable();
    assert_eq!((sorted, sim.subscribed), (vec![20, 155, 185], 1));
    let call = sim.calls.iter().find_map(|c| {
        if let Command::Call { call, function, .. } = c { (function.name == "never").then_some(*call) } else { None }
    });
    sim.give(Event::Result { call: call.unwrap(), outcome: Ok(json!("late")) });
    sim.give(Event::Event { event: json!({"type": "e", "data": 9}) });
    sim.go();
    assert_eq!(output(&sim), &json!([{"d": 1}, {"w": 1}, [9], "late", {"b": 1}]));
    assert_eq!(path(&sim).iter().filter(|p| p.ends_with("done")).count(), 1);
}

#[test]
fn a_named_task_with_another_input() {
    let def = define(json!({"do": [
        {"a": {"set": {"n": "${ .n + 1 }"}}},
        {"b": {"do": [{"c": {"set": {"n": "${ .n * 10 }"}}}, {"d": {"call": "broken:1.0.0@default", "with": {"n": "${ .n }"}}}]}},
        {"e": {"set": {"n": "${ .n + 5 }"}}}
    ]}));
    for (task, input, wanted) in [
        ("/do/1/b/do/1/d", Some(json!({"n": 7})), 12),
        ("/do/1/b/do/0/c", Some(json!({"n": 7})), 75),
        ("/do/1/b/do/0/c", None, 205),
        ("/do/0/a", Some(json!({"n": 0})), 15),
        ("/do/2/e", Some(json!({"n": 1})), 6),
    ] {
        let mut sim = ended(&def, json!({"n": 1}));
        reopen(&mut sim, Some(task), input);
        sim.go();
        assert_eq!(output(&sim), &json!({"n": wanted}), "{task}");
    }
    // A completed and a cancelled run, too.
    let mut sim = Sim::new(&def);
    sim.mended = true;
    sim.start(json!({"n": 1}));
    sim.go();
    assert_eq!(output(&sim), &json!({"n": 25}));
    reopen(&mut sim, Some("/do/2/e"), Some(Value::Null));
    sim.go();
    assert_eq!(output(&sim), &json!({"n": 5}));
    let def = define(json!({"do": [{"a": {"set": {"n": 1}}}, {"w": {"wait": "P1D"}}]}));
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    sim.give(Event::Cancel { reason: "no".into() });
    reopen(&mut sim, Some("/do/1/w"), None);
    sim.go();
    assert_eq!(output(&sim), &json!({"n": 1}));
}

#[test]
fn why_a_run_cannot_be_reopened() {
    let def = define(
        json!({"do": [{"a": {"do": [{"x": {"set": {"n": 1}}}]}}, {"f": {"fork": {"branches": [{"y": {"call": "never:1.0.0@default"}}, {"z": {"call": "broken:1.0.0@default"}}]}}}]}),
    );
    let mut sim = Sim::new(&def);
    assert_eq!(sim.state.can_reopen(&def, None).unwrap_err(), "the run has not ended");
    sim.start(json!({}));
    assert_eq!(sim.state.can_reopen(&def, None).unwrap_err(), "the run has not ended");
    sim.go();
    for (task, says) in
        [("/do/9/x", "there is no task at `/do/9/x`"), ("/do/0/a/do/0/x", "was not at work when the run ended")]
    {
        let why = sim.state.can_reopen(&def, Some(task)).unwrap_err();
        assert!(why.contains(says), "{why}");
        let event = Event::Reopen { task: Some(task.into()), input: None, actor: "li".into(), reason: "r".into() };
        assert_eq!(sim.give(event).facts, []);
    }
    sim.state.can_reopen(&def, Some("/do/1/f/fork/branches/0/y")).unwrap();
    sim.state.can_reopen(&def, Some("/do/1/f")).unwrap();
    let mut done = Sim::new(&define(json!({"do": [{"a": {"set": {"n": 1}}}]})));
    done.start(json!({}));
    assert!(done.state.can_reopen(&done.def, None).unwrap_err().contains("name the one"));
    // A run that is older than the knowledge of where it failed tells by its error.
    let mut old = RunState::new();
    for (_, fact) in &sim.facts {
        let mut fact = fact.clone();
        if let Fact::Faulted { frame, .. } = &mut fact {
            *frame = None;
        }
        apply(&mut old, &fact).unwrap();
    }
    sim.state = old;
    reopen(&mut sim, None, None);
    let call = sim.calls.iter().find_map(|c| {
        if let Command::Call { call, function, .. } = c { (function.name == "never").then_some(*call) } else { None }
    });
    sim.give(Event::Result { call: call.unwrap(), outcome: Ok(Value::Null) });
    sim.go();
    assert_eq!(output(&sim), &json!([null, {"n": 1}]));
}

#[test]
fn a_run_that_took_too_long_gets_its_time_anew() {
    let def = define(json!({"timeout": {"after": "PT1M"}, "do": [{"n": {"call": "never:1.0.0@default"}}]}));
    let mut sim = ended(&def, json!({}));
    assert_eq!(error(&sim).status, 408);
    reopen(&mut sim, None, None);
    assert_eq!((sim.calls.len(), sim.timers.len()), (1, 1));
    sim.go();
    assert_eq!((error(&sim).status, sim.now.duration_since(start_time()).as_mins()), (408, 2));
}

#[test]
fn a_run_cancelled_while_held_goes_on_with_what_came() {
    let def = define(
        json!({"do": [{"f": {"fork": {"branches": [{"l": {"listen": {"to": {"any": []}}}}, {"w": {"wait": "PT1S"}}]}}}]}),
    );
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    sim.give(Event::Suspend);
    sim.give(Event::Event { event: json!({"type": "e", "data": 3}) });
    sim.give(Event::Cancel { reason: "no".into() });
    reopen(&mut sim, Some("/do/0/f/fork/branches/1/w"), None);
    sim.go();
    assert_eq!(output(&sim), &json!([[3], {}]));
}

/// Runs without a world's bookkeeping: calls answered in turn with their input, timers in order.
fn through(def: &Definition, input: Value) -> (RunState, usize) {
    let jq = common::Jq;
    let mut env = Env::new(start_time(), 0, &jq);
    let mut state = RunState::new();
    let mut facts = 0;
    let mut next = std::collections::VecDeque::from([Event::Start { run_id: "r".into(), input, context: Value::Null }]);
    while let Some(event) = next.pop_front() {
        let turn = advance(def, &mut state, event, &env);
        facts += turn.facts.len();
        for command in turn.commands {
            match command {
                Command::Call { call, with, .. } => {
                    next.push_back(Event::Result { call, outcome: Ok((*with).clone()) })
                }
                Command::SetTimer { timer, due } => {
                    env.now = env.now.max(due);
                    next.push_back(Event::Timer { timer });
                }
                _ => {}
            }
        }
        if turn.more {
            next.push_back(Event::Continue);
        }
    }
    (state, facts)
}

fn compact(body: Value) -> Definition {
    common::parse(&common::workflow(body).to_string(), "w.json").unwrap()
}

#[test]
fn ten_thousand_branches() {
    for body in [json!({"call": "echo:1.0.0@default", "with": {"n": 1}}), json!({"wait": "PT1S"})] {
        let branches: Vec<Value> = (0..10_000).map(|i| json!({format!("b{i}"): body})).collect();
        let def = compact(json!({"do": [{"f": {"fork": {"branches": branches}, "output": {"as": "length"}}}]}));
        let (state, facts) = through(&def, json!({}));
        assert_eq!(state.outcome(), Some(&Outcome::Completed(json!(10_000).into())));
        assert!(facts > 30_000);
    }
    // One of them fails, late: all that were begun are taken back in one go, and go on again.
    let mut branches: Vec<Value> =
        (0..9_999).map(|i| json!({format!("b{i}"): {"wait": "P1D", "timeout": {"after": "P2D"}}})).collect();
    branches.push(json!({"bad": {"call": "fail:1.0.0@default"}}));
    let def = compact(json!({"do": [{"f": {"fork": {"branches": branches}}}]}));
    let env = Env::new(start_time(), 0, &common::Jq);
    let mut state = RunState::new();
    let mut turn =
        advance(&def, &mut state, Event::Start { run_id: "r".into(), input: json!({}), context: Value::Null }, &env);
    let mut call = None;
    loop {
        call = call
            .or(turn.commands.iter().find_map(|c| if let Command::Call { call, .. } = c { Some(*call) } else { None }));
        if !turn.more {
            break;
        }
        turn = advance(&def, &mut state, Event::Continue, &env);
    }
    let error = huiyin_flow::FlowError::new(huiyin_flow::ErrorKind::Runtime, "no");
    let turn = advance(&def, &mut state, Event::Result { call: call.unwrap(), outcome: Err(error) }, &env);
    assert_eq!(turn.commands.len(), 2 * 9_999 + 1);
    assert_eq!(state.phase(), Phase::Faulted);
    let again = Event::Reopen { task: None, input: None, actor: "li".into(), reason: "r".into() };
    let turn = advance(&def, &mut state, again, &env);
    assert_eq!(turn.commands.len(), 2 * 9_999 + 1);
    assert_eq!(outstanding(&state).len(), 2 * 9_999 + 1);
}

#[test]
fn a_hundred_thousand_items() {
    let def =
        define(json!({"do": [{"l": {"for": {"in": ".items"}, "do": [{"s": {"set": {"n": "${ .n + $item }"}}}]}}]}));
    let items: Vec<u32> = (0..100_000).collect();
    let (state, facts) = through(&def, json!({"items": items}));
    assert_eq!(state.outcome(), Some(&Outcome::Completed(json!({"n": 4_999_950_000_u64}).into())));
    assert!(facts < 200_010, "two facts a round");
    // Half-way, a copy of the state shares the collection, and no fact repeats it.
    let env = Env::new(start_time(), 0, &common::Jq);
    let mut state = RunState::new();
    let start = Event::Start { run_id: "r".into(), input: json!({"items": items}), context: Value::Null };
    advance(&def, &mut state, start, &env);
    let turn = advance(&def, &mut state, Event::Continue, &env);
    let longest = turn.facts.iter().map(|f| serde_json::to_string(f).unwrap().len()).max().unwrap();
    assert!(turn.more && longest < 200, "{longest}");
}
