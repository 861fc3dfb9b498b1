// What can be done with a case, and what is offered for the fields of it.

import type { CasePage, Pack } from '../../api/types';
import type { Asked } from '../../form/command';
import type { Offers, Option } from '../../form/fields';
import { stops } from '../next';

const short = (text: string) => (text.length > 40 ? text.slice(0, 40) + '…' : text);

/** What the case itself offers for fields that name a part of it. */
export function offersOf(page: CasePage): Offers {
  const options = (list: [string, string][]): Option[] => list.map(([value, label]) => ({ value, label: label && label !== value ? `${value} ${short(label)}` : value }));
  return {
    concern: options(page.concerns.map((one) => [one.id, one.text])),
    askers: options(page.askers.map((one) => [one.id, one.id])),
    clock: options(page.clocks.map((one) => [one.clock, one.name.zh])),
    task: options(page.tasks.map((one) => [one.task, one.text])),
    draft: options(page.drafts.map((one) => [one.hash, one.facts[0] ?? ''])),
    evidence: evidenceOf(page),
    cause_evidence: evidenceOf(page),
    report: options(page.reports.map((one, at) => [one.id ?? `r${at + 1}`, one.facts[0] ?? ''])),
    event: options(page.offline.map((one) => [one.id, one.text])),
    item: options(page.items.map((one) => [one.item, one.title])),
    hash: options(page.approvals.filter((one) => one.state === 'pending').map((one) => [one.hash, one.act_zh])),
  };
}

/** What a fact can rest on: items, feedback of tasks, offline events, and evidence that was recorded. */
function evidenceOf(page: CasePage): Option[] {
  const recorded = (page['evidence'] ?? []) as { id?: string; text?: string }[];
  const all: [string, string][] = [
    ...page.items.map((one): [string, string] => [one.item, one.title]),
    ...page.tasks.filter((one) => one.parts.some((part) => part.feedback)).map((one): [string, string] => [one.task, one.text]),
    ...page.offline.map((one): [string, string] => [one.id, one.text]),
    ...recorded.filter((one) => one.id).map((one): [string, string] => [one.id ?? '', one.text ?? '']),
  ];
  return all.map(([value, label]) => ({ value, label: `${short(label)} (${value.slice(0, 8)})` }));
}

/** A flash report with what the case has: its unsent draft as it is, or a fact that rests on the post. */
export function prepared(act: Asked, page: CasePage): Asked {
  const offers = { ...offersOf(page), ...act.offers };
  if (act.command !== 'submit-report' || act.initial?.['stage'] !== 'flash' || act.initial['draft']) return { ...act, offers };
  const sent = new Set(page.reports.map((report) => report.draft));
  const draft = page.drafts.filter((one) => one.stage === 'flash' && !sent.has(one.hash)).at(-1);
  if (draft) {
    const initial = { ...act.initial, draft: draft.hash, facts: undefined };
    return { ...act, offers, initial, fixed: [...(act.fixed ?? []), 'facts', 'documents'], note: draft.facts.join('\n') };
  }
  const item = page.items[0]?.item;
  return { ...act, offers, initial: { ...act.initial, facts: [item ? { evidence: [item] } : {}] } };
}

/** The acts that stand at the top: what stops a running clock first, then what an officer does most. */
export function primaryActs(page: CasePage, pack: Pack | undefined): Asked[] {
  const running = page.clocks
    .filter((clock) => clock.state === 'running' || clock.state === 'breached')
    .sort((a, b) => a.due_at.localeCompare(b.due_at));
  const acts: Asked[] = [];
  const add = (act: Asked | null) => {
    if (act && !acts.some((one) => one.command === act.command)) acts.push(act);
  };
  for (const clock of running) add(stops(pack?.clocks.find((rule) => rule.id === clock.rule), page.number, page.unit));
  const plain = (command: string): Asked => ({ command, unit: page.unit });
  if (page.answers.length > 0 && page.askers.every((asker) => asker.answered) && page.concerns.every((concern) => concern.settled)) {
    acts.unshift(plain('close-case'));
  }
  add(plain('record-answer'));
  add(plain('assign-task'));
  return acts.slice(0, 4);
}
