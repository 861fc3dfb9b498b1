//! Taking facts into a case. Decides nothing.

use huiyin_deadline::clock::{self, Clock, ClockFact};
use jiff::Timestamp;

use super::{
    Answer, Approval, Asker, Case, CaseClock, CaseItem, Confirmation, Correction, Judgement, Known, LevelChange,
    MAX_ASKERS, MAX_CASE_ASSESSMENTS, MAX_CASE_ITEMS, MAX_DRAFTS, MAX_JUDGEMENTS, MAX_MISSED, Milestone, OTHERS,
    Proposal, Recorded, Report, Risk, State, Times, Voided,
};
use crate::fact::{CaseOpened, Fact};
use crate::verdict::Assessment;

impl Case {
    /// The case that an opening makes.
    pub(crate) fn opened(fact: &CaseOpened) -> Self {
        let mut case = Self {
            number: fact.head.case.clone(),
            kind: fact.kind,
            unit: fact.head.unit.clone(),
            region: fact.region.clone(),
            title: fact.head.title.clone(),
            nature: fact.nature.clone(),
            level: fact.head.level,
            response_value: fact.response_value,
            state: State::Opened,
            times: Times {
                occurred: fact.occurred_at,
                discovered: fact.discovered_at,
                opened: fact.at,
                assessed: None,
                reported: None,
                verified: None,
                handled: None,
                published: None,
                answered: None,
                closed: None,
            },
            because: fact.because,
            opened_by: fact.by.clone(),
            pack: fact.pack.clone(),
            related: fact.related.clone(),
            came_in: fact.came_in.clone(),
            accepted: None,
            confidentiality: fact.confidentiality,
            confidentiality_changes: Vec::new(),
            links: Vec::new(),
            merged_into: None,
            items: Vec::new(),
            more_items: 0,
            askers: Vec::new(),
            concerns: fact.concerns.clone(),
            assessments: Vec::new(),
            level_changes: Vec::new(),
            settled_items: Vec::new(),
            corrections: Vec::new(),
            recorded: Vec::new(),
            clocks: Vec::new(),
            routed: !fact.unrouted,
            tasks: Vec::new(),
            contacts: Vec::new(),
            offline: Vec::new(),
            missed: Vec::new(),
            notifications: fact.notify.clone(),
            reports: Vec::new(),
            bypasses: Vec::new(),
            evidence: Vec::new(),
            judgements: Vec::new(),
            risk: Risk::default(),
            answers: Vec::new(),
            drafts: Vec::new(),
            lines: Vec::new(),
            responses: Vec::new(),
            majors: Vec::new(),
            approvals: Vec::new(),
            labels: crate::label::Labels::default(),
            known: Known::default(),
        };
        if let Some(item) = &fact.item {
            case.add_item(item, None);
        }
        if let Some(split) = &fact.split {
            case.take_merged(split);
        }
        if let Some(asker) = &fact.asker {
            case.add_asker(asker, None);
        }
        for assessment in &fact.assessments {
            case.add_assessment(assessment, fact.at);
        }
        case
    }

    /// Takes a fact in; false if it found nothing to apply to.
    pub(crate) fn apply(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::ItemAttached { item, assessments, at, .. } => {
                self.add_item(item, Some(item.occurred_at.min(*at)));
                for assessment in assessments {
                    self.add_assessment(assessment, *at);
                }
            }
            Fact::ItemAssessed { item, assessment, .. } => {
                self.add_assessment(assessment, assessment.at);
                if let Some(entry) = self.items.iter_mut().find(|entry| Some(entry.item) == *item) {
                    entry.level = entry.level.max(assessment.verdict.level);
                }
            }
            Fact::ConcernAdded { concern, .. } => {
                self.concerns.push(concern.clone());
                self.something_new();
            }
            Fact::LevelChanged { head, from, response_value, reason, by, at, notify } => {
                self.level = head.level;
                self.response_value = *response_value;
                self.level_changes.push(LevelChange {
                    from: *from,
                    to: head.level,
                    reason: reason.clone(),
                    by: by.clone(),
                    at: *at,
                });
                if by.person().is_some() {
                    self.settled_items = self.items.iter().map(|entry| entry.item).collect();
                }
                self.notifications.extend(notify.iter().cloned());
            }
            Fact::CaseAdvanced { to, .. } => self.state = *to,
            Fact::ConfidentialityChanged { change, .. } => {
                self.confidentiality = change.to;
                self.confidentiality_changes.push(change.clone());
            }
            Fact::CaseLinked { link, .. } => self.links.push(link.clone()),
            Fact::CasesMerged { merged, .. } => self.take_merged(merged),
            Fact::CaseMergedAway { into, at, .. } => {
                self.merged_into = Some(into.clone());
                self.times.closed = Some(*at);
                self.state = State::Closed;
            }
            Fact::CaseSplit { split, .. } => self.give_away(split),
            Fact::CaseAccepted { acceptance, .. } => self.accepted = Some(acceptance.clone()),
            Fact::CaseRouted { head, region, notify, .. } => {
                self.unit.clone_from(&head.unit);
                self.region.clone_from(region);
                self.routed = true;
                self.notifications.extend(notify.iter().cloned());
            }
            Fact::TaskAssigned { task, notify, .. } => {
                self.tasks.push(task.clone());
                self.notifications.extend(notify.iter().cloned());
            }
            Fact::TaskMoved { task, entry, notify, .. } => {
                self.notifications.extend(notify.iter().cloned());
                return self.step_task(task, entry);
            }
            Fact::ContactRecorded { contact, .. } => self.contacts.push(contact.clone()),
            Fact::OfflineEventRecorded { event, .. } => {
                match self.offline.iter_mut().find(|known| known.id == event.id) {
                    Some(known) => *known = event.clone(),
                    None => self.offline.push(event.clone()),
                }
            }
            Fact::OccurrenceCorrected { from, to, reason, by, at, confirmed, .. } => {
                self.times.occurred = *to;
                self.corrections.push(Correction {
                    milestone: None,
                    from: *from,
                    to: *to,
                    reason: reason.clone(),
                    by: by.clone(),
                    at: *at,
                    confirmed: confirmed.clone(),
                });
            }
            Fact::TimeRecorded { milestone, time, by, at, reason, confirmed, .. } => {
                if self.recorded.len() >= MAX_CASE_ASSESSMENTS {
                    self.recorded.remove(0);
                }
                self.recorded.push(Recorded { milestone: *milestone, time: *time, by: by.clone(), at: *at });
                if let (Some(from), Some(reason)) = (self.times.of(*milestone), reason) {
                    self.corrections.push(Correction {
                        milestone: Some(*milestone),
                        from,
                        to: *time,
                        reason: reason.clone(),
                        by: by.clone(),
                        at: *at,
                        confirmed: confirmed.clone(),
                    });
                }
                if *milestone == Milestone::Published {
                    self.known.published = Some(if confirmed.is_some() { *time } else { *at });
                }
                let times = &mut self.times;
                let slot = match milestone {
                    Milestone::Verified => &mut times.verified,
                    Milestone::Handled => &mut times.handled,
                    Milestone::Published => &mut times.published,
                };
                *slot = Some(*time);
            }
            Fact::ClockStarted { name, satisfied_by, clause, follows, ladder, clock, .. } => {
                let Some(running) = Clock::started(clock) else { return false };
                self.clocks.push(CaseClock {
                    name: name.clone(),
                    satisfied_by: *satisfied_by,
                    clause: clause.clone(),
                    follows: follows.clone(),
                    ladder: ladder.clone(),
                    raised: Vec::new(),
                    clock: running,
                });
            }
            Fact::EscalationRaised { escalation, notify, .. } => {
                self.notifications.extend(notify.iter().cloned());
                match self.entry(&escalation.clock) {
                    Some(entry) => entry.raise(&escalation.raised),
                    None => return false,
                }
            }
            Fact::EscalationAcknowledged { clock, rungs, at, .. } => {
                let Some(entry) = self.entry(clock) else { return false };
                for raised in entry.raised.iter_mut().filter(|raised| rungs.contains(&raised.rung)) {
                    raised.acknowledged.get_or_insert(*at);
                }
            }
            Fact::EscalationMissed { missed, .. } => {
                if self.missed.len() >= MAX_MISSED {
                    self.missed.remove(0);
                }
                self.missed.push(missed.clone());
            }
            Fact::LadderChanged { clock, ladder, .. } => match self.entry(clock) {
                Some(entry) => entry.ladder.clone_from(ladder),
                None => return false,
            },
            Fact::CasePackChanged { to, .. } => self.pack.clone_from(to),
            Fact::ClockMoved { clock, notify, .. } => {
                self.notifications.extend(notify.iter().cloned());
                return self.move_clock(clock);
            }
            Fact::ReportDrafted { draft, notify, .. } => {
                if self.drafts.len() >= MAX_DRAFTS {
                    self.drafts.remove(0);
                }
                self.drafts.push(draft.clone());
                self.notifications.extend(notify.iter().cloned());
            }
            Fact::ReportSubmitted { report, notify, .. } => {
                self.times.reported.get_or_insert(report.at);
                self.reports.push(Report::clone(report));
                self.notifications.extend(notify.iter().cloned());
            }
            Fact::ReportReceipted { report, receipt, .. } => {
                let at = report.strip_prefix('r').and_then(|n| n.parse::<usize>().ok()).and_then(|n| n.checked_sub(1));
                match at.and_then(|at| self.reports.get_mut(at)) {
                    Some(report) => report.receipts.push(receipt.clone()),
                    None => return false,
                }
            }
            Fact::ReportBypassed { bypass, .. } => self.bypasses.push(bypass.clone()),
            Fact::EvidenceRecorded { evidence, .. } => self.evidence.push(evidence.clone()),
            Fact::CaseJudged { judgement, .. } => {
                self.times.assessed.get_or_insert(judgement.at);
                self.nature = Some(judgement.text.nature.clone());
                self.response_value = judgement.text.value.asks();
                if self.judgements.len() >= MAX_JUDGEMENTS {
                    self.judgements.remove(0);
                }
                self.judgements.push(Judgement::clone(judgement));
            }
            Fact::RiskRecorded { entry, .. } => self.add_risk(entry),
            Fact::GateOpened { gate, .. } => self.risk.gate = Some(gate.clone()),
            Fact::LineSet { line, .. } => self.lines.push(line.clone()),
            Fact::ResponseDrafted { draft, .. } => self.put_draft(draft),
            Fact::ResponseMoved { response, entry, notify, .. } => {
                self.notifications.extend(notify.iter().cloned());
                return self.step_response(response, entry);
            }
            Fact::MajorDeclared { declared, notify, .. } => {
                self.declare(declared);
                self.notifications.extend(notify.iter().cloned());
            }
            Fact::MajorMoved { entry, notify, .. } => {
                self.notifications.extend(notify.iter().cloned());
                return self.step_major(entry);
            }
            Fact::AnswerRecorded { answer, .. } => self.add_answer(answer),
            Fact::NoResponseProposed { proposal, .. } => {
                let approval = Approval {
                    id: format!("a{}", self.approvals.len() + 1),
                    proposal: Proposal::NoResponse { reason: proposal.reason.clone() },
                    hash: proposal.hash.clone(),
                    author: proposal.author.clone(),
                    co_authors: Vec::new(),
                    at: proposal.at,
                    chain: Vec::new(),
                    steps: Vec::new(),
                    expires_at: None,
                    approved: proposal.approved.clone().map(|(by, at)| Confirmation { by, at }),
                    voided: None,
                };
                self.add_approval(&approval);
            }
            Fact::NoResponseApproved { hash, by, at, .. } => {
                let found = self.approvals.iter_mut().rev().find(|a| a.hash == *hash && a.voided.is_none());
                match found {
                    Some(approval) => approval.approved = Some(Confirmation { by: by.clone(), at: *at }),
                    None => return false,
                }
            }
            Fact::ApprovalRequested { approval, notify, .. } => {
                self.add_approval(approval);
                self.notifications.extend(notify.iter().cloned());
            }
            Fact::ApprovalGiven { approval, by, at, step, .. } => {
                let last = Confirmation { by: by.clone(), at: *at };
                return self.step_approval(approval, step.as_ref(), Some(last));
            }
            Fact::ApprovalAdvanced { approval, step, notify, .. } => {
                self.notifications.extend(notify.iter().cloned());
                return self.step_approval(approval, Some(step), None);
            }
            Fact::ApprovalExpired { approval, at, notify, .. } => {
                self.notifications.extend(notify.iter().cloned());
                match self.approvals.iter_mut().find(|known| known.id == *approval) {
                    Some(known) => {
                        known.voided = Some(Voided { reason: "it ran out".to_owned(), by: None, at: *at });
                    }
                    None => return false,
                }
            }
            Fact::ApprovalDeclined { approval, reason, by, at, .. } => {
                match self.approvals.iter_mut().find(|known| known.id == *approval) {
                    Some(known) => {
                        known.voided = Some(Voided { reason: reason.clone(), by: Some(by.clone()), at: *at });
                    }
                    None => return false,
                }
            }
            Fact::NotificationSettled { notification, delivery, .. } => {
                match self.notifications.iter_mut().find(|n| n.id == *notification) {
                    Some(owed) => owed.settle(delivery.clone()),
                    None => return false,
                }
            }
            Fact::CaseClosed { at, .. } => {
                self.times.closed = Some(*at);
                self.state = State::Closed;
            }
            Fact::Watch(watched) => match &**watched {
                crate::watch::WatchFact::LabelSet { entry, .. } => self.labels.add(entry.clone()),
                _ => return false,
            },
            Fact::PolicyAdopted { .. }
            | Fact::ItemReceived(_)
            | Fact::ItemRefused { .. }
            | Fact::ItemsForgotten { .. }
            | Fact::DelegationGranted { .. }
            | Fact::DelegationRevoked { .. }
            | Fact::CallsRecorded { .. }
            | Fact::LogRecorded { .. }
            | Fact::LogIssued { .. }
            | Fact::DisclosureOpened { .. }
            | Fact::DisclosureMoved { .. }
            | Fact::CaseOpened(_) => return false,
        }
        true
    }

    /// When one of the case's clocks wants to be ticked; a closed case sleeps.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        if !self.is_open() {
            return None;
        }
        let clocks = self.clocks.iter().flat_map(|entry| [clock::next_wake(&entry.clock), entry.next_rung()]).flatten();
        clocks.chain(self.next_expiry()).min()
    }

    fn entry(&mut self, clock: &str) -> Option<&mut CaseClock> {
        self.clocks.iter_mut().find(|entry| entry.clock.id == clock)
    }

    fn move_clock(&mut self, fact: &ClockFact) -> bool {
        let entry = self.clocks.iter_mut().find(|entry| entry.clock.id == fact.clock());
        entry.is_some_and(|entry| entry.clock.apply(fact).is_ok())
    }

    fn add_item(&mut self, item: &CaseItem, asked: Option<Timestamp>) {
        self.add_asker(&item.asker, asked);
        if self.items.len() < MAX_CASE_ITEMS {
            self.items.push(item.clone());
        } else {
            self.more_items += 1;
        }
    }

    /// `asked`: since when they wait; none where the case begins with them.
    fn add_asker(&mut self, id: &str, asked: Option<Timestamp>) {
        let listed = self.askers.len() < MAX_ASKERS || self.askers.iter().any(|asker| asker.id == id);
        let id = if listed { id } else { OTHERS };
        match self.askers.iter_mut().find(|asker| asker.id == id) {
            // Who asks again waits again; who waits already goes on waiting.
            Some(asker) if asker.answered.is_some() => {
                asker.asked = asked;
                asker.answered = None;
            }
            Some(asker) => asker.again = asker.again.max(asked),
            None => self.askers.push(Asker { id: id.to_owned(), asked, again: None, answered: None }),
        }
        self.something_new();
    }

    /// Not everything is answered any more.
    pub(super) fn something_new(&mut self) {
        self.times.answered = None;
        self.void_no_response();
    }

    fn add_assessment(&mut self, assessment: &Assessment, at: Timestamp) {
        // The floor only opens; 研判 is the unit's own work.
        if !assessment.floor {
            self.times.assessed.get_or_insert(at);
        }
        if self.assessments.len() >= MAX_CASE_ASSESSMENTS {
            self.assessments.remove(0);
        }
        self.labels.assessed(assessment);
        self.assessments.push(assessment.clone());
    }

    fn add_answer(&mut self, answer: &Answer) {
        // What is said to be asked after the answer was recorded was asked while the clock had leapt ahead.
        let later = |asked: Timestamp| asked > answer.delivered_at && asked <= answer.at;
        for asker in &mut self.askers {
            let reached = answer.public || answer.askers.contains(&asker.id);
            if !reached || asker.asked.is_some_and(later) {
                continue;
            }
            match asker.again.take() {
                // They asked again since, and wait for an answer to that.
                Some(again) if later(again) => asker.asked = Some(again),
                _ => {
                    asker.answered.get_or_insert(answer.delivered_at);
                }
            }
        }
        for said in &answer.concerns {
            if let Some(concern) = self.concerns.iter_mut().find(|concern| concern.id == said.concern) {
                concern.settled = true;
                concern.settled_at.get_or_insert(answer.delivered_at);
            }
        }
        let known = if answer.confirmed.is_some() { answer.delivered_at } else { answer.at };
        if answer.public && self.times.published.is_none() {
            self.times.published = Some(answer.delivered_at);
            self.known.published = Some(known);
        }
        self.known.answered = self.known.answered.max(Some(known));
        self.answers.push(answer.clone());
        if self.is_answered() {
            let concerns = self.concerns.iter().filter_map(|concern| concern.settled_at);
            self.times.answered = self.askers.iter().filter_map(|asker| asker.answered).chain(concerns).max();
        }
    }
}
