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
    event: options(page.offline.map((one) => [one.id, one.text])),
    item: options(page.items.map((one) => [one.item, one.title])),
    hash: options(page.approvals.filter((one) => one.state === 'pending').map((one) => [one.hash, one.act_zh])),
  };
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
