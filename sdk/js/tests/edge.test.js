// The edge of the SDK under Node.js: what comes in, what goes out, and what becomes of whatever is thrown.

import assert from 'node:assert/strict';
import test from 'node:test';

import * as sdk from '../index.js';
import { get, post } from '../http.js';

const ctx = { callId: 'c', attempt: 1, unit: 'u', now: 1772352000000n, idempotencyKey: 'k' };
const about = { name: 'a', version: '0.1.0', summary: 'A.' };
const run = (work, config = '{}', input = '1', schema) => sdk.step({ about, config: schema, run: work }).step.run(ctx, config, input);

function thrown(work) {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test('time is the call\'s, and there is no chance', () => {
  const seen = run(() => [Date.now(), new Date().toISOString(), new Date(0).getTime(), new Date() instanceof Date]);
  assert.deepEqual(JSON.parse(seen), [1772352000000, '2026-03-01T08:00:00.000Z', 0, true]);
  for (const chance of [() => Math.random(), () => crypto.randomUUID()]) {
    const error = thrown(() => run(chance));
    assert.equal(error.tag, 'unknown');
    assert.match(error.val, /idempotencyKey/);
  }
});

test('what is thrown becomes an error of the contract, with its place', () => {
  const missing = thrown(() => run(() => null.x));
  assert.equal(missing.tag, 'unknown');
  assert.match(missing.val, /TypeError: .*\(at .*edge\.test\.js:\d+/);
  assert.deepEqual(thrown(() => run(() => { throw sdk.Transient('later'); })), { tag: 'transient', val: 'later' });
  assert.deepEqual(thrown(() => run(() => { throw sdk.RateLimited(60); })), { tag: 'rate-limited', val: 60 });
  assert.equal(thrown(() => run(() => { throw sdk.RateLimited(-1); })).tag, 'unknown');
  assert.deepEqual(thrown(() => run(() => { throw 'words'; })), { tag: 'unknown', val: 'thrown: words' });
});

test('a configuration that does not fit is refused with its place', () => {
  const schema = {
    type: 'object',
    properties: { 'a/b': { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 } },
    required: ['a/b'],
    additionalProperties: false,
  };
  for (const [config, says] of [
    ['{}', '`a/b` is missing'],
    ['{"a/b": []}', 'at /a~1b: it has to have at least 1'],
    ['{"a/b": [1, -1]}', 'at /a~1b/1: it has to be at least 0'],
    ['{"a/b": [1.5]}', 'at /a~1b/0: it has to be integer, it is number'],
    ['{"a/b": [1], "c": 1}', 'there is nothing called `c`'],
    ['[', 'JSON'],
  ]) {
    const error = thrown(() => run(() => 1, config, '1', schema));
    assert.equal(error.tag, 'invalid-config');
    assert.ok(error.val.includes(says), error.val);
  }
  assert.equal(run((_, config) => config['a/b'][0], '{"a/b": [7]}', '1', schema), '7');
});

test('halves of surrogate pairs go out as U+FFFD', () => {
  assert.equal(run(() => '山\ud83d'), '"山\ufffd"');
});

test('what is missing in an answer is said, and never becomes another value', () => {
  const judge = (verdict) =>
    sdk.classifier({ about, classify: () => [verdict] }).classifier.classify(ctx, '{}', new Uint8Array(), undefined, []);
  assert.equal(judge({ level: 'II', score: 1 }).verdicts[0].val.level, 'ii');
  assert.deepEqual(judge(new Error('unread')).verdicts[0], { tag: 'err', val: 'unread' });
  for (const [verdict, says] of [
    [{ score: NaN }, 'verdicts[0].score has to be a number, it is NaN'],
    [{ level: 'V' }, 'verdicts[0].level has to be I, II, III or IV'],
    [{ score: '1' }, 'verdicts[0].score has to be a number'],
    [{ labels: 'x' }, 'verdicts[0].labels has to be a list'],
    [null, 'verdicts[0] has to be an object or an Error'],
  ]) {
    assert.ok(thrown(() => judge(verdict)).val.includes(says));
  }
});

test('a failure of the network is transient only where nothing can have been done', async () => {
  globalThis.fetch = async () => {
    throw new TypeError('NetworkError');
  };
  const collect = (ask) =>
    sdk.collector({ about, collect: async () => ask('https://a.cn/') }).collector.collect(ctx, '{}', undefined, 10);
  await assert.rejects(collect(get), { tag: 'transient' });
  await assert.rejects(collect((url) => post(url, '')), { tag: 'unknown' });
});
