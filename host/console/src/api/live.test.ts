import { expect, test } from 'vitest';

import { query } from './client';
import { staleBy } from './hooks';
import { EventReader } from './live';

test('events are read however the stream is cut', () => {
  const text = 'event: huiyin.case.opened.v1\ndata: {"a":\ndata: 1}\n\n: keep-alive\n\ndata:x\r\n\r\n';
  for (const size of [1, 2, 3, 7, 1_000]) {
    const reader = new EventReader();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...reader.push(text.slice(at, at + size)));
    expect(events, `in pieces of ${size}`).toEqual([{ event: 'huiyin.case.opened.v1', data: '{"a":\n1}' }, { event: 'message', data: 'x' }]);
  }
});

test('what happened makes stale what shows it', () => {
  expect(staleBy('huiyin.case.opened.v1', 'case/9_1', {})).toEqual([['cases'], ['tasks'], ['case', '9_1']]);
  expect(staleBy('huiyin.clock.breached.v1', 'clock/x', { case: '9_2' })).toContainEqual(['case', '9_2']);
  expect(staleBy('huiyin.run.turn.v1', 'run/1', {})).toEqual([['runs'], ['run'], ['run-records']]);
  expect(staleBy('huiyin.source.read.v1', 'source/a', {})).toEqual([['sources']]);
  expect(staleBy('org.example.seen', 'x', {})).toEqual([]);
});

test('a query has only what is given', () => {
  expect(query({ unit: '', all: false, before: 0, type: undefined, text: '林海' })).toBe('?all=false&before=0&text=%E6%9E%97%E6%B5%B7');
  expect(query({ unit: null })).toBe('');
});
