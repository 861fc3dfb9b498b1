//! Where a thing lives, and who may act on it: the one way from what a command
//! names to the partition that has it. What lives where is on record in the
//! partitions; nobody reckons it from a name.

use huiyin_desk::{Act, Actor, Command, Elsewhere, Subject};
use huiyin_partition::partition::{Refusal, refusal, reused, taken};
use huiyin_records::once::{self, Keyed};
use serde_json::Value;
use uuid::Uuid;

use crate::engine::Engine;

/// What a command is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A unit, by its code.
    Unit(&'a str),
    /// A case, by its number.
    Case(&'a str),
    /// An item, by the desk's id.
    Item(&'a Uuid),
    /// A run, by its id, as long as it is known.
    Run(&'a str),
    /// Something that is shared, by the share's id.
    Share(&'a str),
}

impl<'a> Target<'a> {
    /// What a command of the desk in the name of a unit is about.
    fn of(unit: &'a str, command: &'a Command) -> Target<'a> {
        match command.subject() {
            Some(Subject::Case(number)) => Target::Case(number),
            Some(Subject::Item(item)) => Target::Item(item),
            Some(Subject::Share(share)) => Target::Share(share),
            Some(Subject::Unit(named)) => Target::Unit(named),
            None => Target::Unit(unit),
        }
    }
}

impl Engine {
    /// The partition where something lives.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where nothing of that name is known, and what
    /// [`Engine::look`] says.
    pub(crate) async fn route(&self, target: Target<'_>) -> Result<usize, Refusal> {
        self.route_from(target, 0).await
    }

    /// The same, asking this partition first.
    async fn route_from(&self, target: Target<'_>, from: usize) -> Result<usize, Refusal> {
        match target {
            Target::Unit(unit) => self.partition_of(unit),
            Target::Case(number) => {
                let wanted = number.to_owned();
                let found = self.first(from, move |state| state.desk.case(&wanted).map(drop)).await?;
                found.map(|(at, ())| at).ok_or_else(|| {
                    Refusal::NotFound(format!("there is no case {number} (at /case); `huiyin case list` shows all"))
                })
            }
            Target::Item(id) => {
                let wanted = *id;
                let found = self.first(from, move |state| state.desk.item(&wanted).map(drop)).await?;
                found.map(|(at, ())| at).ok_or_else(|| {
                    Refusal::NotFound(format!(
                        "the desk does not hold item {id} (at /item); it was never received, or too long ago"
                    ))
                })
            }
            Target::Share(share) => {
                let wanted = share.to_owned();
                let found = self.first(from, move |state| state.desk.watch().share(&wanted).map(drop)).await?;
                found.map(|(at, ())| at).ok_or_else(|| {
                    Refusal::NotFound(format!("there is no share {share} (at /share); `huiyin share list` shows them"))
                })
            }
            Target::Run(run) => self.run_of(run).await.map(|(at, _)| at),
        }
    }

    /// The partition of what a command in the name of a unit is about.
    pub(crate) async fn route_command(&self, unit: &str, command: &Command) -> Result<usize, Refusal> {
        let own = self.partition_of(unit)?;
        match self.route_from(Target::of(unit, command), own).await {
            // The unit's own desk says best what is wrong with it.
            Err(Refusal::NotFound(_)) => Ok(own),
            found => found,
        }
    }

    /// The partition where a run of this id is to start, of those where its workflow is in force:
    /// the one where the id was met before.
    ///
    /// # Errors
    /// [`Refusal::Refused`] where the id is that of a run elsewhere, which cannot be the same.
    pub(crate) async fn route_start(&self, run: &str, proposed: usize, able: &[usize]) -> Result<usize, Refusal> {
        let name = once::run_name(run);
        // Ids of the host's own making are UUIDs, and nobody noted where they went.
        if self.names.get(&name).is_none()
            && Uuid::try_parse(run).is_ok()
            && let Ok((at, _)) = self.run_of(run).await
        {
            self.names.put(&name, at);
        }
        let home = self.names.get_or(&name, proposed);
        if able.contains(&home) {
            return Ok(home);
        }
        let id = run.to_owned();
        let known = self.look(home, move |state, now| {
            state.runs.contains_key(&id) || state.ended(&id).is_some() || state.once.run(&id, now).is_some()
        });
        if known.await? {
            return Err(taken(run));
        }
        self.names.put(&name, proposed);
        Ok(proposed)
    }

    /// What partitions other than the one of a command know that it needs: the delegations that hold
    /// (clause 6b), where somebody approves.
    pub(crate) async fn elsewhere(&self, partition: usize, command: &Command) -> Result<Elsewhere, Refusal> {
        if !command.needs_elsewhere() || self.partition_count() < 2 {
            return Ok(Elsewhere::default());
        }
        let mut all = Elsewhere::default();
        for at in (0..self.partition_count()).filter(|at| *at != partition) {
            all.join(self.look(at, |state, now| state.desk.elsewhere(now)).await?);
        }
        Ok(all)
    }

    /// The answer that a command with this key had before, from whichever partition, and where it
    /// is to be carried out if it had none.
    pub(crate) async fn asked_before(&self, keyed: &Keyed, proposed: usize) -> Result<Option<Value>, Refusal> {
        let home = self.names.get_or(&keyed.name, proposed);
        if home == proposed {
            // That partition looks itself, in turn with all else.
            return Ok(None);
        }
        let name = keyed.name.clone();
        let before = self.look(home, move |state, now| {
            state.once.command(&name, now).map(|(asked, answer)| (asked.to_owned(), Value::clone(answer)))
        });
        match before.await? {
            Some((asked, answer)) if asked == keyed.asked => Ok(Some(answer)),
            Some(_) => Err(reused()),
            None => {
                self.names.put(&keyed.name, proposed);
                Ok(None)
            }
        }
    }

    /// The partition of a run that is still known, and the unit that it serves.
    pub(crate) async fn run_of(&self, run: &str) -> Result<(usize, Option<String>), Refusal> {
        let wanted = run.to_owned();
        let unit_of = move |state: &huiyin_records::state::State| {
            let running = state.runs.get(&wanted).map(|run| &run.deployment);
            let deployment = running.or_else(|| state.ended(&wanted).map(|run| &run.deployment))?;
            Some(state.deployments.get(deployment).and_then(|known| known.unit.clone()))
        };
        self.first(0, unit_of)
            .await?
            .ok_or_else(|| Refusal::NotFound(format!("there is no run {run}, or it ended too long ago")))
    }

    /// The first partition that finds something, and what; `from` is asked before the others.
    async fn first<T: Send + 'static>(
        &self,
        from: usize,
        find: impl Fn(&huiyin_records::state::State) -> Option<T> + Clone + Send + 'static,
    ) -> Result<Option<(usize, T)>, Refusal> {
        let count = self.partition_count();
        for at in (0..count).map(|n| (from + n) % count) {
            let find = find.clone();
            if let Some(found) = self.look(at, move |state, _| find(state)).await? {
                return Ok(Some((at, found)));
            }
        }
        Ok(None)
    }

    /// Refuses an act that this actor may not do for a unit; `None` and `*`
    /// for what concerns all of them ([`huiyin_desk::permit`]).
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn permit(&self, actor: &str, act: Act, unit: Option<&str>) -> Result<(), Refusal> {
        let Some(who) = Actor::parse(actor) else {
            let message = format!("`{actor}` names no actor; write person:<id> or admin:<name>");
            return Err(Refusal::Invalid { pointer: "/actor".to_owned(), message });
        };
        let unit = unit.filter(|unit| *unit != "*");
        if let Some(unit) = unit {
            self.partition_of(unit)?;
        }
        huiyin_desk::permit(self.policy().as_deref(), &who, act, unit).map_err(|error| refusal(&error))
    }

    /// The unit that names the person who acts, and whether it is a partner (clause 6c).
    pub fn home_of(&self, actor: &str) -> Option<(String, bool)> {
        let Some(Actor::Person(id)) = Actor::parse(actor) else { return None };
        let policy = self.policy()?;
        let unit = policy.unit_of(&id)?;
        Some((unit.code.clone(), unit.is_partner()))
    }

    /// Whether a unit is another, or stands above it.
    pub fn stands_for(&self, unit: &str, other: &str) -> bool {
        self.policy().is_some_and(|pack| pack.line(other).any(|above| above.code == unit))
    }

    /// The same for a run, for the unit that it serves; gives its partition.
    pub(crate) async fn permit_for_run(&self, actor: &str, act: Act, run: &str) -> Result<usize, Refusal> {
        let (at, unit) = self.run_of(run).await?;
        self.permit(actor, act, unit.as_deref())?;
        Ok(at)
    }
}
