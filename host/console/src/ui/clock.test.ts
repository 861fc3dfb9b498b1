import { expect, test } from 'vitest';

import { make } from '../i18n';
import { groupOf } from '../pages/next';
import { standing } from './clock';
import { shown, span } from './time';

const NOW = Date.parse('2026-03-01T02:00:00Z');
const clock = (state: string, due_at: string) => ({ state, due_at, remaining_seconds: 90 });

test('a clock is late as soon as its due time is past, whatever it was when it was asked for', () => {
  expect(standing(clock('running', '2026-03-01T02:00:01Z'), NOW)).toEqual({ urgency: 'pressing', left: 1 });
  expect(standing(clock('running', '2026-03-01T01:59:59Z'), NOW)).toEqual({ urgency: 'late', left: -1 });
  expect(standing(clock('breached', '2026-03-01T01:00:00Z'), NOW).urgency).toBe('late');
  expect(standing(clock('running', '2026-03-01T02:31:00Z'), NOW).urgency).toBe('running');
  expect(standing(clock('paused', '2026-03-01T01:00:00Z'), NOW)).toEqual({ urgency: 'paused', left: 90 });
  expect(standing(clock('satisfied', '2026-03-01T01:00:00Z'), NOW).urgency).toBe('over');
});

test('spans are said by their two largest units', () => {
  const { t } = make('zh', () => undefined);
  const said = [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 90_000, -125].map((seconds) => span(seconds, { t }));
  expect(said).toEqual(['0秒', '59秒', '1分0秒', '59分59秒', '1小时0分', '23小时59分', '1天', '1天1小时', '2分5秒']);
});

test('times are told by the clock of the zone', () => {
  expect(shown('2026-03-01T16:30:00Z', 'zh', 'Asia/Shanghai')).toBe('2026-03-02 00:30');
  expect(shown('2026-03-01T16:30:05Z', 'en', 'Asia/Shanghai', true)).toBe('2026-03-02 00:30:05');
  expect(shown(null, 'zh')).toBe('–');
  expect(shown('soon', 'zh')).toBe('soon');
});

test('cases of the day stand in the group that their clock puts them into', () => {
  const row = (state: string, clockState?: string, due_at = '2026-03-01T03:00:00Z') =>
    ({ state, clock: clockState ? (clock(clockState, due_at) as never) : null });
  expect(groupOf(row('closed', 'breached'), NOW)).toBe('closed');
  expect(groupOf(row('opened', 'running', '2026-03-01T01:00:00Z'), NOW)).toBe('late');
  expect(groupOf(row('opened', 'running'), NOW)).toBe('soon');
  expect(groupOf(row('opened', 'running', '2026-03-05T03:00:00Z'), NOW)).toBe('running');
  expect(groupOf(row('opened', 'paused'), NOW)).toBe('idle');
  expect(groupOf(row('opened'), NOW)).toBe('idle');
});
