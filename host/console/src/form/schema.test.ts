import { describe, expect, test } from 'vitest';

import type { Schema } from '../api/types';
import { NotJson, fieldsOf, filledIn, pathOf } from './schema';

// As the host gives them (schemars): references, `oneOf` of constants, `anyOf` with null.
const schema: Schema = {
  type: 'object',
  required: ['case', 'level', 'facts'],
  $defs: {
    Level: { oneOf: [{ const: 'I', description: '特别重大' }, { const: 'II' }] },
    Concern: { type: 'object', required: ['concern'], properties: { concern: { type: 'string' }, declined: { type: ['string', 'null'] } } },
    Grounded: { type: 'object', required: ['text'], properties: { text: { type: 'string' }, evidence: { type: 'array', items: { type: 'string' } } } },
    Statement: { anyOf: [{ type: 'string' }, { $ref: '#/$defs/Grounded' }] },
    Verdict: { type: 'object', required: ['level'], properties: { level: { anyOf: [{ $ref: '#/$defs/Level' }, { type: 'null' }] }, score: { type: ['number', 'null'] } } },
  },
  properties: {
    note: { type: ['string', 'null'], description: 'For people.' },
    case: { type: 'string' },
    level: { $ref: '#/$defs/Level', description: 'How grave' },
    kind: { enum: ['opinion', 'message'], default: 'opinion' },
    facts: { type: 'array', items: { type: 'string' } },
    at: { type: ['string', 'null'], format: 'date-time' },
    unrouted: { type: 'boolean' },
    concerns: { type: 'array', items: { $ref: '#/$defs/Concern' } },
    verdict: { anyOf: [{ $ref: '#/$defs/Verdict' }, { type: 'null' }] },
    more: {},
    statements: { type: 'array', items: { $ref: '#/$defs/Statement' } },
  },
};

describe('a form is what the schema has', () => {
  const fields = fieldsOf(schema);
  const field = (name: string) => fields.find((one) => one.name === name);

  test('what must be given comes first', () => {
    expect(fields.map((one) => one.name).slice(0, 3)).toEqual(['case', 'level', 'facts']);
    expect(fields.filter((one) => one.required).map((one) => one.name)).toEqual(['case', 'level', 'facts']);
  });

  test('each kind of field', () => {
    expect(fields.map((one) => [one.name, one.kind])).toEqual([
      ['case', 'text'], ['level', 'choice'], ['facts', 'texts'], ['note', 'long'], ['kind', 'choice'], ['at', 'time'],
      ['unrouted', 'flag'], ['concerns', 'groups'], ['verdict', 'group'], ['more', 'json'], ['statements', 'groups'],
    ]);
    expect(field('statements')?.fields?.map((one) => [one.name, one.kind])).toEqual([['text', 'long'], ['evidence', 'texts']]);
    expect(field('level')?.choices).toEqual(['I', 'II']);
    expect(field('level')?.description).toBe('How grave');
    expect(field('kind')).toMatchObject({ choices: ['opinion', 'message'], initial: 'opinion' });
    expect(field('verdict')?.fields?.map((one) => [one.name, one.kind])).toEqual([['level', 'choice'], ['score', 'number']]);
  });

  test('what is empty is left out, what is given is sent as the host takes it', () => {
    const at = { toISOString: () => '2026-03-01T01:40:00.000Z' };
    expect(filledIn(fields, {
      case: ' 1 ', level: 'II', facts: ['a', ' ', undefined], note: '', at, unrouted: false,
      concerns: [{ concern: 'c1', declined: '' }, {}, undefined], verdict: {}, more: '{"x": 1}',
    })).toEqual({ case: '1', level: 'II', facts: ['a'], at: '2026-03-01T01:40:00.000Z', concerns: [{ concern: 'c1' }], more: { x: 1 } });
    expect(() => filledIn(fields, { more: '{' })).toThrow(NotJson);
  });

  test('a pointer of the host finds its field', () => {
    expect(pathOf('/level', fields)).toEqual(['level']);
    expect(pathOf('/facts/0', fields)).toEqual(['facts']);
    expect(pathOf('/concerns/1/declined', fields)).toEqual(['concerns', 1, 'declined']);
    expect(pathOf('/verdict/score', fields)).toEqual(['verdict', 'score']);
    expect(pathOf('/elsewhere', fields)).toBeUndefined();
    expect(pathOf('/', fields)).toBeUndefined();
    expect(pathOf(undefined, fields)).toBeUndefined();
  });

  test('a schema that refers to itself ends', () => {
    const loop: Schema = { $defs: { A: { $ref: '#/$defs/A' } }, type: 'object', properties: { a: { $ref: '#/$defs/A' } } };
    expect(fieldsOf(loop)[0]?.kind).toBe('json');
  });
});
