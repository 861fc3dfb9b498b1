//! Effects of runs: intended, tried once that is durable, settled or unknown
//! after (rules 2 and 3). What an effect does is not known here.

use std::sync::Arc;

use huiyin_flow::{CallId, Command, ErrorKind, Event, FlowError, Happened, Request};
use huiyin_records::record::{EffectIntended, EffectResolved, EffectSettled, EffectUnknown, Entry};
use huiyin_records::state::EffectState;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    EffectDone, EffectJob, EffectOutcome, EffectRequest, Input, PartitionCore, RecordMeta, Refusal, Work, flow_error,
};
use crate::deployed::{Deployed, Target};
use crate::request_words::{described, repeatable};

/// How often a repeatable effect of unknown outcome is tried before a person must look.
const MAX_UNKNOWN_TRIES: u32 = 5;

/// The longest word on an earlier try that stands with the next, in characters.
const MAX_DOUBT: usize = 1_000;

/// What the journal calls a request of a workflow's own.
const HTTP: &str = "http";
const OPENAPI: &str = "openapi";

/// One try of an effect.
struct Try {
    /// Which, from 1.
    attempt: u32,
    /// Why nobody knows what came of an earlier one, where that is so.
    doubt: Option<String>,
}

impl Try {
    fn first() -> Try {
        Try { attempt: 1, doubt: None }
    }

    /// The one after what is known of an effect, or, of one that is forgotten, after the first.
    fn after(effect: Option<&EffectState>, doubt: Option<String>) -> Try {
        let attempt = effect.map_or(1, |effect| effect.attempt) + 1;
        let doubt = doubt.map(|why| why.chars().take(MAX_DOUBT).collect());
        Try { attempt, doubt: doubt.or_else(|| effect.and_then(|effect| effect.doubt.clone())) }
    }
}

impl PartitionCore {
    #[allow(clippy::too_many_arguments)] // the fields of one command
    pub(super) fn call(
        &mut self,
        run: &str,
        call: CallId,
        slot: Option<&str>,
        function: &huiyin_flow::FunctionRef,
        with: Arc<Value>,
        follow: &mut Vec<Input>,
        now: Timestamp,
    ) {
        let Some(state) = self.state.runs.get(run) else { return };
        let Some(deployed) = self.deployed.get(&state.deployment).cloned() else { return };
        match deployed.target(slot, function) {
            // What spans units, or lives in another partition, takes its time like any other call.
            Target::Core(name) => {
                let outcome = match huiyin_desk::core_command(&name, &with) {
                    Ok(command) if self.reaches_out(&command) => {
                        self.intend(run, call, Try::first(), EffectRequest::Core { name, with }, None, now);
                        return;
                    }
                    Ok(command) => self.core_call(run, call, &command, now),
                    Err(error) => Err(flow_error(&error)),
                };
                follow.push(Input::Event(Event::Result { call, outcome }));
            }
            Target::Plugin(pin) => self.intend(run, call, Try::first(), EffectRequest::Plugin { pin, with }, None, now),
            Target::Missing => follow.push(Input::Event(Event::Result {
                call,
                outcome: Err(FlowError::new(ErrorKind::Configuration, format!("`{}` is not installed", function.name))),
            })),
        }
    }

    /// A request of the workflow's own.
    pub(super) fn request(&mut self, run: &str, call: CallId, request: Arc<Request>, now: Timestamp) {
        let Some(workflow) = self.workflow_of(run) else { return };
        self.intend(run, call, Try::first(), EffectRequest::Request { request, workflow }, None, now);
    }

    /// `namespace/name:version` of what a run runs.
    fn workflow_of(&self, run: &str) -> Option<String> {
        let deployed = self.deployed.get(&self.state.runs.get(run)?.deployment)?;
        Some(format!("{}:{}", deployed.name, deployed.version))
    }

    /// Journals that an effect will be tried, and tries it once that is durable.
    /// `by` is what the journal calls it, where that is not plain from the errand.
    fn intend(&mut self, run: &str, call: CallId, of: Try, errand: EffectRequest, by: Option<&str>, now: Timestamp) {
        let Try { attempt, doubt } = of;
        let Some(state) = self.state.runs.get(run) else { return };
        let key = state.key.clone();
        let unit = self.unit_of(run);
        let idempotency_key = format!("{run}-{call}");
        let (plugin, digest, target, harmless) = match &errand {
            EffectRequest::Plugin { pin, .. } => (pin.plugin.clone(), pin.digest.clone(), None, false),
            // Asked again under the same key, the desk gives its first answer.
            EffectRequest::Core { name, .. } => (name.clone(), String::new(), None, true),
            EffectRequest::Request { request, .. } => {
                let (name, target, harmless) = match &**request {
                    Request::Http(asked) => (HTTP, described(&asked.method, &asked.uri), repeatable(&asked.method)),
                    // The document first; what it leads to is an intention of its own.
                    Request::OpenApi(asked) => (OPENAPI, described("GET", &asked.document), true),
                };
                (by.unwrap_or(name).to_owned(), String::new(), Some(target), harmless)
            }
        };
        let kv = self.kept(&plugin, unit.as_deref().unwrap_or_default());
        let entry = Entry::EffectIntended(EffectIntended {
            run: run.to_owned(),
            call: call.to_string(),
            attempt,
            idempotency_key: idempotency_key.clone(),
            plugin,
            digest,
            target,
            repeatable: harmless,
            doubt,
        });
        let subject = format!("run/{run}");
        if !self.record(
            &entry,
            RecordMeta { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key },
            now,
        ) {
            self.quarantine(run, "the intention of an effect could not be recorded", None, now);
            return;
        }
        self.in_hand.insert((run.to_owned(), call));
        self.out.durable.push(Work::Effect(Box::new(EffectJob {
            run: run.to_owned(),
            call,
            attempt,
            unit: unit.unwrap_or_default(),
            errand,
            idempotency_key,
            now,
            kv,
        })));
    }

    pub(super) fn effect_done(&mut self, done: EffectDone, now: Timestamp) {
        let Some(state) = self.state.runs.get(&done.run) else {
            self.in_hand.remove(&(done.run, done.call));
            return;
        };
        let call = done.call.to_string();
        if state.doubtful.as_ref() == Some(&call) && !state.effects.contains_key(&call) {
            self.in_hand.remove(&(done.run.clone(), done.call));
            self.given_up_done(&done.run, done.call, &done.outcome, now);
            return;
        }
        // Only the latest try counts; an outcome told twice counts once.
        let Some(effect) = state.effects.get(&call).filter(|e| e.attempt == done.attempt && e.open()) else {
            return;
        };
        self.in_hand.remove(&(done.run.clone(), done.call));
        let (plugin, next) = (effect.plugin.clone(), Try::after(Some(effect), None));
        if let Some(how) = done.fault
            && let Some((deployment, function)) = self.function_of(&done.run, done.call)
        {
            self.plugin_failed(&deployment, &function, how, now);
        }
        let Some(state) = self.state.runs.get(&done.run) else { return };
        let held = state.flow.phase() == huiyin_flow::Phase::Suspended;
        match done.outcome {
            // It is looked for, or tried, again when the run goes on.
            EffectOutcome::Found(_) | EffectOutcome::Stopped { .. } if held => {}
            EffectOutcome::Found(request) => {
                if let Some(workflow) = self.workflow_of(&done.run) {
                    let request = Arc::new(Request::Http(*request));
                    let errand = EffectRequest::Request { request, workflow };
                    self.intend(&done.run, done.call, next, errand, Some(OPENAPI), now);
                }
            }
            EffectOutcome::Settled(outcome, writes) => {
                let unit = self.unit_of(&done.run);
                let Some(kv) = self.settle_kv(&plugin, unit.as_deref().unwrap_or_default(), &writes) else {
                    // Nothing else has come of it: it is as if it had not been called.
                    if writes.iter().all(|write| write.alone) {
                        self.again(&done.run, done.call, None, now);
                        return;
                    }
                    self.unknown(&done.run, done.call, "another call changed what the plugin keeps".to_owned(), now);
                    return;
                };
                self.settle(&done.run, done.call, outcome, kv, now);
            }
            EffectOutcome::Unknown(reason) => self.unknown(&done.run, done.call, reason, now),
            EffectOutcome::Refused(error) => self.refused(&done.run, done.call, error, now),
            EffectOutcome::Stopped { begun: false } => {
                self.again(&done.run, done.call, None, now);
            }
            EffectOutcome::Stopped { begun: true } => {
                self.unknown(&done.run, done.call, "it was stopped while it was being tried".to_owned(), now);
            }
        }
    }

    /// Which function of which deployment a call is of that a run waits for.
    fn function_of(&self, run: &str, call: CallId) -> Option<(String, String)> {
        let state = self.state.runs.get(run)?;
        huiyin_flow::outstanding(&state.flow).into_iter().find_map(|command| match command {
            Command::Call { call: of, slot, function, .. } if of == call => {
                Some((state.deployment.clone(), crate::deployed::key(slot.as_deref(), &function)))
            }
            _ => None,
        })
    }

    /// Journals an outcome and lets the run know.
    fn settle(
        &mut self,
        run: &str,
        call: CallId,
        outcome: Result<Value, FlowError>,
        kv: Vec<huiyin_records::record::KvSet>,
        now: Timestamp,
    ) {
        let Some(state) = self.state.runs.get(run) else { return };
        let Some(effect) = state.effects.get(&call.to_string()) else { return };
        let (plugin, key, attempt) = (effect.plugin.clone(), state.key.clone(), effect.attempt);
        let harmless = effect.repeatable;
        let entry = Entry::EffectSettled(EffectSettled {
            run: run.to_owned(),
            call: call.to_string(),
            attempt,
            outcome: outcome.clone(),
            kv,
        });
        let payload = match self.encoded(&entry) {
            Ok(payload) => payload,
            Err(why) => {
                // What it keeps of its own is too much: the task fails. What was done is not done again for it.
                let error = FlowError::new(ErrorKind::Runtime, format!("{plugin}: the result {why}"));
                let error = if harmless { error } else { error.although(Happened::default()) };
                self.settle(run, call, Err(error), Vec::new(), now);
                return;
            }
        };
        let unit = self.unit_of(run);
        let subject = format!("run/{run}");
        let actor = format!("plugin:{plugin}");
        self.write(
            &entry,
            payload,
            RecordMeta { subject: &subject, actor: &actor, unit: unit.as_deref(), key: &key },
            now,
        );
        self.happen(run, Event::Result { call, outcome }, now);
    }

    /// Whether trying it again does no harm: by a request's method, by a plugin's manifest.
    fn harmless(&self, deployment: &str, effect: &EffectState) -> bool {
        effect.repeatable || self.deployed.get(deployment).and_then(|d| d.idempotent(&effect.digest)).unwrap_or(false)
    }

    /// Tries an effect that the run still waits for once more; false if it waits no longer.
    /// `doubt` is why nobody knows what came of the try before, where that is so.
    pub(super) fn again(&mut self, run: &str, call: CallId, doubt: Option<String>, now: Timestamp) -> bool {
        let Some(state) = self.state.runs.get(run) else { return false };
        let next = Try::after(state.effects.get(&call.to_string()), doubt);
        let errand = match state.flow.pending(call) {
            Some(Command::Call { slot, function, with, .. }) => {
                match self.deployed.get(&state.deployment).map(|d| d.target(slot.as_deref(), &function)) {
                    Some(Target::Plugin(pin)) => EffectRequest::Plugin { pin, with },
                    Some(Target::Core(name)) => EffectRequest::Core { name, with },
                    _ => return false,
                }
            }
            Some(Command::Request { request, .. }) => match self.workflow_of(run) {
                Some(workflow) => EffectRequest::Request { request, workflow },
                None => return false,
            },
            _ => return false,
        };
        self.intend(run, call, next, errand, None, now);
        true
    }

    /// The host does not let an effect be tried: a definite error, unless an
    /// earlier try may have had it. To try again would end the same way.
    fn refused(&mut self, run: &str, call: CallId, error: FlowError, now: Timestamp) {
        let effect = self.state.runs.get(run).and_then(|state| state.effects.get(&call.to_string()));
        let Some(doubt) = effect.and_then(|effect| effect.doubt.clone()) else {
            self.settle(run, call, Err(error), Vec::new(), now);
            return;
        };
        let why = error.detail.unwrap_or(error.kind);
        self.left_unknown(run, call, format!("{doubt}; it cannot be tried again: {why}"), now);
    }

    /// Rule 3: an unknown outcome is tried again only where that does no harm.
    pub(super) fn unknown(&mut self, run: &str, call: CallId, reason: String, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let Some(effect) = state.effects.get(&call.to_string()) else { return };
        let harmless = self.harmless(&state.deployment, effect);
        if harmless && state.flow.phase() == huiyin_flow::Phase::Suspended {
            // Nothing leaves while the run is held.
            return;
        }
        // An operation of an OpenAPI document takes two tries: the document, and what it leads to.
        let most = if effect.plugin == OPENAPI { 2 * MAX_UNKNOWN_TRIES } else { MAX_UNKNOWN_TRIES };
        if harmless && effect.attempt < most && self.again(run, call, Some(reason.clone()), now) {
            return;
        }
        self.left_unknown(run, call, reason, now);
    }

    /// Nobody knows whether it happened, and it is not tried again: a person must look.
    fn left_unknown(&mut self, run: &str, call: CallId, reason: String, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let key = state.key.clone();
        let unit = self.unit_of(run);
        let subject = format!("run/{run}");
        let entry =
            Entry::EffectUnknown(EffectUnknown { run: run.to_owned(), call: call.to_string(), reason: reason.clone() });
        self.record(
            &entry,
            RecordMeta { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key },
            now,
        );
        self.show(
            "huiyin.effect.unknown.v1",
            &subject,
            unit.as_deref(),
            json!({"call": call.to_string(), "reason": reason}),
            now,
        );
        let refusal = Refusal::Refused(format!(
            "run {run} waits for a person: call {call} may or may not have happened ({reason}); look, then `huiyin run retry {run} --happened FILE` or `--not-happened`"
        ));
        for reply in self.waiting.remove(run).unwrap_or_default() {
            self.tell(reply, Err(refusal.clone()));
        }
    }

    /// Records what became of effects that the run no longer waits for, and
    /// stops them; gives one that may have happened and may not be repeated.
    pub(super) fn given_up(
        &mut self,
        run: &str,
        deployed: &Deployed,
        commands: &[Command],
        now: Timestamp,
    ) -> Option<CallId> {
        let state = self.state.runs.get(run)?;
        let key = state.key.clone();
        let mut open: Vec<(CallId, u32, bool)> = Vec::new();
        let mut children = Vec::new();
        for command in commands {
            let Command::CancelCall { call } = command else { continue };
            let Some(effect) = state.effects.get(&call.to_string()) else { continue };
            if let Some(child) = &effect.child {
                children.push(child.clone());
            } else if effect.open() {
                open.push((*call, effect.attempt, self.harmless(&state.deployment, effect)));
            }
        }
        for child in children {
            self.end_child(&child, run, now);
        }
        let subject = format!("run/{run}");
        for (call, attempt, harmless) in &open {
            let reason = "the run gave it up while it was being tried".to_owned();
            let entry = Entry::EffectUnknown(EffectUnknown { run: run.to_owned(), call: call.to_string(), reason });
            self.record(
                &entry,
                RecordMeta { subject: &subject, actor: Self::ENGINE, unit: deployed.unit.as_deref(), key: &key },
                now,
            );
            if !harmless {
                let data = json!({"call": call.to_string(), "reason": "the run gave it up while it was being tried"});
                self.show("huiyin.effect.unknown.v1", &subject, deployed.unit.as_deref(), data, now);
            }
            self.out.durable.push(Work::Stop { run: run.to_owned(), call: *call, attempt: *attempt });
        }
        open.into_iter().find(|(_, _, harmless)| !harmless).map(|(call, ..)| call)
    }

    /// A call was given up, its run set aside for its sake; now it is known
    /// what became of it. If it surely did not happen, the run goes on.
    fn given_up_done(&mut self, run: &str, call: CallId, outcome: &EffectOutcome, now: Timestamp) {
        use EffectOutcome::{Refused, Settled, Stopped};
        if !matches!(outcome, Stopped { begun: false } | Refused(_) | Settled(Err(_), _)) {
            return;
        }
        let Some(state) = self.state.runs.get(run) else { return };
        let key = state.key.clone();
        let unit = self.unit_of(run);
        let entry = Entry::EffectResolved(EffectResolved {
            run: run.to_owned(),
            call: call.to_string(),
            happened: false,
            output: None,
            reason: "it was stopped before it had begun".to_owned(),
        });
        let subject = format!("run/{run}");
        if self.record(
            &entry,
            RecordMeta { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key },
            now,
        ) {
            self.resume_run(run, now);
        }
    }

    /// A run was suspended: what can be repeated is stopped, and tried again
    /// when it goes on; what cannot is let be, and its outcome kept.
    pub(super) fn hold_effects(&mut self, run: &str, _now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let stops: Vec<Work> = state
            .effects
            .iter()
            .filter(|(_, effect)| effect.open() && self.harmless(&state.deployment, effect))
            .filter_map(|(call, effect)| {
                let call = CallId(call.parse().ok()?);
                Some(Work::Stop { run: run.to_owned(), call, attempt: effect.attempt })
            })
            .collect();
        self.out.durable.extend(stops);
    }

    /// A run goes on that was suspended: what was stopped is tried again.
    pub(super) fn pick_up_effects(&mut self, run: &str, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let open: Vec<CallId> = state
            .effects
            .iter()
            .filter(|(_, effect)| effect.open())
            .filter_map(|(call, _)| call.parse().ok().map(CallId))
            .filter(|call| !self.in_hand.contains(&(run.to_owned(), *call)))
            .collect();
        for call in open {
            // Only what can be repeated was stopped; whether it had begun was not kept.
            self.again(run, call, Some("it was stopped while its run was held".to_owned()), now);
        }
    }
}
