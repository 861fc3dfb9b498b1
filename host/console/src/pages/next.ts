// What a person can do next for a clock: the command that stops it, by what the policy pack says stops it.

import type { CaseRow, ClockRule } from '../api/types';
import type { Asked } from '../form/command';

/** What stops a clock, as a command with what is filled in; none where it takes more than one step. */
export function stops(rule: ClockRule | undefined, number: string, unit: string): Asked | null {
  const base = { initial: { case: number } as Record<string, unknown>, fixed: ['case'], unit };
  switch (rule?.satisfied_by) {
    // A flash report has neither cause nor measures nor result (clause 5a): the host refuses them.
    case 'flash-report':
      return { ...base, command: 'submit-report', initial: { ...base.initial, stage: 'flash', facts: [{}] }, fixed: ['case', 'stage', 'cause', 'cause_evidence', 'measures', 'result'] };
    case 'answer': return { ...base, command: 'record-answer' };
    case 'publication': return { ...base, command: 'record-time', initial: { ...base.initial, milestone: 'published' } };
    case 'hand': return { ...base, command: 'satisfy-clock', initial: { ...base.initial, clock: rule.id } };
    case 'follow-up-report':
    case 'detailed-report':
    case 'final-report':
      return { ...base, command: 'submit-report', initial: { ...base.initial, stage: rule.satisfied_by.replace('-report', ''), facts: [{}] }, fixed: ['case', 'stage'] };
    case 'assessment': return { ...base, command: 'assess-case' };
    case 'verification': return { ...base, command: 'record-time', initial: { ...base.initial, milestone: 'verified' } };
    case 'handling': return { ...base, command: 'record-time', initial: { ...base.initial, milestone: 'handled' } };
    case 'routing': return { ...base, command: 'route-case' };
    default: return null;
  }
}

export type Group = 'late' | 'soon' | 'running' | 'idle' | 'closed';

/** A day, in milliseconds: what is due within it is today's. */
const DAY_MS = 86_400_000;

/** Where a case stands in the day. */
export function groupOf(row: Pick<CaseRow, 'state' | 'clock'>, now: number): Group {
  if (row.state === 'closed') return 'closed';
  const clock = row.clock;
  if (!clock || (clock.state !== 'running' && clock.state !== 'breached')) return 'idle';
  const left = Date.parse(clock.due_at) - now;
  if (clock.state === 'breached' || left < 0) return 'late';
  return left < DAY_MS ? 'soon' : 'running';
}
