//! Where a thing lives, and who may act on it: the one way from what a command
//! names to the partition that has it. What lives where is on record in the
//! partitions; nobody reckons it from a name.

use huiyin_desk::{Act, Actor, Command};
use uuid::Uuid;

use crate::engine::Engine;
use crate::partition::{Refusal, refusal};

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
}

impl<'a> Target<'a> {
    /// What a command of the desk in the name of a unit is about.
    fn of(unit: &'a str, command: &'a Command) -> Target<'a> {
        match (command.case(), command.item(), command) {
            (Some(number), ..) => Target::Case(number),
            (None, Some(item), _) => Target::Item(item),
            (None, None, Command::OpenCase(open)) => Target::Unit(open.unit.as_deref().unwrap_or(unit)),
            _ => Target::Unit(unit),
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
        match target {
            Target::Unit(unit) => self.partition_of(unit),
            Target::Case(number) => {
                let wanted = number.to_owned();
                let found = self.first(move |state| state.desk.case(&wanted).map(drop)).await?;
                found.map(|(at, ())| at).ok_or_else(|| {
                    Refusal::NotFound(format!("there is no case {number} (at /case); `huiyin case list` shows all"))
                })
            }
            Target::Item(id) => {
                let wanted = *id;
                let found = self.first(move |state| state.desk.item(&wanted).map(drop)).await?;
                found.map(|(at, ())| at).ok_or_else(|| {
                    Refusal::NotFound(format!(
                        "the desk does not hold item {id} (at /item); it was never received, or too long ago"
                    ))
                })
            }
            Target::Run(run) => self.run_of(run).await.map(|(at, _)| at),
        }
    }

    /// The partition of what a command in the name of a unit is about.
    pub(crate) async fn route_command(&self, unit: &str, command: &Command) -> Result<usize, Refusal> {
        let own = self.partition_of(unit)?;
        match self.route(Target::of(unit, command)).await {
            // The unit's own desk says best what is wrong with it.
            Err(Refusal::NotFound(_)) => Ok(own),
            found => found,
        }
    }

    /// The partition of a run that is still known, and the unit that it serves.
    pub(crate) async fn run_of(&self, run: &str) -> Result<(usize, Option<String>), Refusal> {
        let wanted = run.to_owned();
        let unit_of = move |state: &crate::state::State| {
            let running = state.runs.get(&wanted).map(|run| &run.deployment);
            let deployment = running.or_else(|| state.ended(&wanted).map(|run| &run.deployment))?;
            Some(state.deployments.get(deployment).and_then(|known| known.unit.clone()))
        };
        self.first(unit_of)
            .await?
            .ok_or_else(|| Refusal::NotFound(format!("there is no run {run}, or it ended too long ago")))
    }

    /// The first partition that finds something, and what.
    async fn first<T: Send + 'static>(
        &self,
        find: impl Fn(&crate::state::State) -> Option<T> + Clone + Send + 'static,
    ) -> Result<Option<(usize, T)>, Refusal> {
        for at in 0..self.partition_count() {
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
        huiyin_desk::permit(self.policy.as_deref(), &who, act, unit).map_err(|error| refusal(&error))
    }

    /// The same for a run, for the unit that it serves; gives its partition.
    pub(crate) async fn permit_for_run(&self, actor: &str, act: Act, run: &str) -> Result<usize, Refusal> {
        let (at, unit) = self.run_of(run).await?;
        self.permit(actor, act, unit.as_deref())?;
        Ok(at)
    }
}
