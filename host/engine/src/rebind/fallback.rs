//! What takes the place of a plugin that fails again and again: the binding of
//! the unit above, of the unit above that; the one for all units; the
//! workflow's own call. If all that is left is what fails, it stays, visibly.

use std::collections::BTreeSet;

use huiyin_registry::resolve;

use super::{
    Binding, BindingQuarantined, Definition, Entry, Failing, House, Override, Pin, Rebinder, Refusal, SlotOf, Standing,
    State, mpsc,
};

impl Rebinder {
    /// Finds another binding for each slot whose plugin failed too often, until the host stops.
    pub(crate) async fn keep(self, mut failing: mpsc::UnboundedReceiver<(u32, Failing)>) {
        while let Some((partition, failing)) = failing.recv().await {
            let of = failing.of.clone();
            if let Err(error) = self.set_aside(partition as usize, failing).await {
                tracing::error!(workflow = %of.workflow, unit = of.unit, slot = %of.slot, %error, "a failing plugin could not be set aside");
            }
        }
    }

    async fn set_aside(&self, at: usize, failing: Failing) -> Result<(), Refusal> {
        let _turn = self.deploying.lock().await;
        let Some(standing) = self.standing(at, &failing.deployment).await? else { return Ok(()) };
        let Failing { of, pin: from, faults, within_ms, last, .. } = failing;
        let mut tried: Vec<String> = vec![from.digest.clone()];
        if let Some(slot) = standing.bindings.slot(&of) {
            tried.extend(slot.quarantined.iter().map(|aside| aside.from.digest.clone()));
        }
        let found = self.instead(at, &standing, &of, &tried).await?;
        let (to, whose) = found.map_or((None, None), |(pin, whose)| (Some(pin), Some(whose)));
        match &to {
            Some(to) => tracing::warn!(
                workflow = %of.workflow, unit = of.unit, slot = %of.slot, from = %from.plugin, to = %to.plugin, last,
                "a plugin fails again and again; new runs get another"
            ),
            None => tracing::warn!(
                workflow = %of.workflow, unit = of.unit, slot = %of.slot, plugin = %from.plugin, last,
                "a plugin fails again and again, and nothing else is bound"
            ),
        }
        let slot = of.slot.clone();
        let entry = Entry::BindingQuarantined(BindingQuarantined { of, from, to, whose, faults, within_ms, last });
        self.put(at, standing, &slot, vec![entry], "system:engine").await.map(drop)
    }

    /// The nearest binding that is none of those that were tried, and whose it is.
    async fn instead(
        &self,
        at: usize,
        standing: &Standing,
        of: &SlotOf,
        tried: &[String],
    ) -> Result<Option<(Pin, String)>, Refusal> {
        let slot = standing.slot(&of.slot)?;
        let whose = of.unit.as_deref();
        let fresh = |pin: &Pin| !tried.contains(&pin.digest) && self.house.package_for(&pin.digest, whose).is_some();
        for above in self.above(at, of.unit.as_deref()).await? {
            let theirs = SlotOf { unit: Some(above.clone()), ..of.clone() };
            let over = self.over(&theirs).await?;
            let own = match over.chosen.clone() {
                Some(chosen) => resolve::fits(slot, chosen, &self.house).ok(),
                None => configured(
                    &self.bindings,
                    &standing.definition,
                    &of.slot,
                    &above,
                    (slot, of.unit.as_deref()),
                    &self.house,
                ),
            };
            if let Some(pin) = own.map(|own| over.effective(own)).filter(fresh) {
                return Ok(Some((pin, format!("unit:{above}"))));
            }
        }
        let all =
            configured(&self.bindings, &standing.definition, &of.slot, "*", (slot, of.unit.as_deref()), &self.house);
        if let Some(pin) = all.filter(fresh) {
            return Ok(Some((pin, "all".to_owned())));
        }
        let own = resolve::bound(slot, None, of.unit.as_deref(), &BTreeSet::new(), &self.house).ok().filter(fresh);
        Ok(own.map(|pin| (pin, "workflow".to_owned())))
    }

    /// The units above one, the nearest first.
    async fn above(&self, at: usize, unit: Option<&str>) -> Result<Vec<String>, Refusal> {
        let Some(unit) = unit.map(str::to_owned) else { return Ok(Vec::new()) };
        self.look(at, move |state: &State, _| {
            let Some(pack) = state.desk.policy() else { return Vec::new() };
            let parent = |code: &str| pack.units.iter().find(|u| u.code == code).and_then(|u| u.parent.clone());
            let mut all: Vec<String> = Vec::new();
            let mut next = parent(&unit);
            // A pack without a ring was adopted; nothing hangs on that here.
            while let Some(code) = next.filter(|code| !all.contains(code)) {
                next = parent(&code);
                all.push(code);
            }
            all
        })
        .await
    }

    /// What holds for a slot of a unit that may live anywhere.
    async fn over(&self, of: &SlotOf) -> Result<Override, Refusal> {
        let home = self.partitions.iter().position(|p| p.units.iter().any(|u| Some(u) == of.unit.as_ref()));
        let Some(home) = home else { return Ok(Override::default()) };
        let (workflow, unit, slot) = (of.workflow.clone(), of.unit.clone(), of.slot.clone());
        let found = self.look(home, move |state: &State, _| {
            state.bindings.of(&workflow, unit.as_deref()).remove(&slot).unwrap_or_default()
        });
        found.await
    }
}

/// What the configuration binds for one unit, or for all by `*`, as far as the
/// unit whose slot it is may use it.
fn configured(
    bindings: &[Binding],
    definition: &Definition,
    slot: &str,
    unit: &str,
    (of, whose): (&huiyin_flow::Slot, Option<&str>),
    house: &House,
) -> Option<Pin> {
    let name = &definition.document().name;
    let binding = bindings.iter().find(|b| b.workflow == *name && b.slot == slot && b.unit == unit)?;
    resolve::bound(of, Some(binding), whose, &BTreeSet::new(), house).ok()
}
