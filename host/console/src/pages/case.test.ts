import { expect, test } from 'vitest';

import type { CasePage, Pack } from '../api/types';
import { make } from '../i18n';
import { offersOf, primaryActs } from './case/acts';
import { safeUrl } from './case/sections';
import { storyOf } from './case/story';
import { stepsOf } from './case/tasks';
import { gathered, grantFor, inWords } from './plugins';
import { statesAfter } from './run';

const i18n = make('en', () => undefined);

const page = {
  number: '9_1', unit: 'qingfeng', state: 'opened', title: 'fire', names: { units: {}, people: {} }, time_zone: 'Asia/Shanghai',
  times: { occurred: '2026-03-01T00:00:00Z', discovered: '2026-03-01T00:05:00Z', opened: '2026-03-01T00:06:00Z' }, opened_by: 'person:xu-ming',
  clocks: [
    { clock: 'answer-61', rule: 'answer-61', state: 'running', due_at: '2026-03-03T00:00:00Z', breaches: [], name: { zh: '回应' } },
    { clock: 'flash-report', rule: 'flash-report', state: 'breached', due_at: '2026-03-01T01:00:00Z', breaches: [{ noticed_at: '2026-03-01T01:00:01Z', due_at: '', late_seconds: 1, lifted: false }], name: { zh: '快报', en: 'flash' } },
  ],
  tasks: [], contacts: [], offline: [], items: [], askers: [{ id: 'a' }], concerns: [{ id: 'c1', text: 'when', settled: false }], assessments: [],
  level_changes: [], corrections: [], notified: [], reports: [], drafts: [], answers: [], approvals: [],
} as unknown as CasePage;
const pack = { clocks: [{ id: 'answer-61', satisfied_by: 'answer' }, { id: 'flash-report', satisfied_by: 'flash-report' }] } as unknown as Pack;

test('what stops the clock that is due first stands first', () => {
  expect(primaryActs(page, pack).map((act) => act.command)).toEqual(['submit-report', 'record-answer', 'assign-task']);
  const answered = { ...page, answers: [{}], askers: [{ id: 'a', answered: 'x' }], concerns: [] } as unknown as CasePage;
  expect(primaryActs(answered, pack)[0]?.command).toBe('close-case');
});

test('fields that name a part of the case are offered those that there are', () => {
  expect(offersOf(page)['concern']).toEqual([{ value: 'c1', label: 'c1 when' }]);
});

test('the story is told in the order of time', () => {
  expect(storyOf(page, i18n).map((deed) => deed.what)).toEqual(['Happened', 'Discovered', 'Opened', 'Overdue: flash']);
});

test('a part of a task can take the steps of its state', () => {
  expect(stepsOf('assigned')).toContain('accept-task');
  expect(stepsOf('accepted')).toContain('feed-back-task');
  expect(stepsOf('done')).toEqual([]);
});

test('only addresses of the web are opened', () => {
  expect(safeUrl('https://example.cn/1')).toBe('https://example.cn/1');
  for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'no address', undefined]) expect(safeUrl(bad)).toBeUndefined();
});

test('what a plugin asks for is said in words, and a grant is made of it', () => {
  const asks = [{ http: { origin: 'https://*:*', methods: ['GET'], path_prefix: '/' } }, 'spool', { secret: { name: 'hmac', purpose: 'signs' } }];
  expect(inWords(asks, i18n)).toEqual(['Reach any HTTPS address (GET)', 'Write files into a folder that an admin names', 'Use the secret hmac without seeing it (signs)']);
  expect(inWords({ http: [{ origin: 'https://api.example.cn', path_prefix: '/v1' }], spool: '/var/x' }, i18n)).toEqual(['Reach https://api.example.cn/v1 (all methods)', 'Write files into /var/x']);
  expect(inWords([], i18n)).toEqual([]);
  expect(gathered(asks)['http']).toHaveLength(1);
  expect(Object.keys(grantFor(asks))).toEqual(['http', 'secrets', 'spool']);
});

test('a run is replayed record by record', () => {
  const record = (data: Record<string, unknown>) => ({ id: '', index: 0, type: '', time: '', actor: '', redacted: false, data });
  const records = [
    record({ facts: [{ fact: 'task-started', task: '/do/0/a' }] }),
    record({ facts: [{ fact: 'task-completed', task: '/do/0/a' }, { fact: 'task-started', task: '/do/1/b' }] }),
    record({ facts: [{ fact: 'task-faulted', task: '/do/1/b' }] }),
  ];
  expect([...statesAfter(records, 1)]).toEqual([['/do/0/a', 'active']]);
  expect([...statesAfter(records, 2)]).toEqual([['/do/0/a', 'done'], ['/do/1/b', 'active']]);
  expect(statesAfter(records, 3).get('/do/1/b')).toBe('failed');
});
