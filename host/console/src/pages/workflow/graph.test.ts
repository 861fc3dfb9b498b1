import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { taskAt } from '../workflow';
import { graphOf } from './graph';

const edges = (tasks: unknown[]) => graphOf(JSON.stringify({ do: tasks })).edges.map((edge) => `${short(edge.from)}>${short(edge.to)}${edge.label ? `[${edge.label}]` : ''}`).sort();
const short = (id: string) => id.split('/').at(-1) ?? id;

test('tasks follow each other', () => {
  expect(edges([{ a: { set: {} } }, { b: { call: 'x' } }])).toEqual(['a>b', 'b>end', 'start>a']);
});

test('a switch leads where its cases say, and `then` jumps', () => {
  expect(edges([
    { choose: { switch: [{ yes: { when: '.x', then: 'b' } }, { no: { then: 'end' } }] } },
    { a: { set: {}, then: 'end' } },
    { b: { set: {} } },
  ])).toEqual(['a>end', 'b>end', 'choose>b[yes]', 'choose>end[no]', 'start>choose']);
});

test('branches, loops, and what is caught come together again', () => {
  expect(edges([{ f: { fork: { branches: [{ x: { set: {} } }, { y: { set: {} } }] } } }, { z: { set: {} } }])).toEqual(['f>x', 'f>y', 'start>f', 'x>z', 'y>z', 'z>end']);
  expect(edges([{ t: { try: [{ x: { call: 'c' } }], catch: { do: [{ y: { set: {} } }] } } }])).toEqual(['start>t', 't>x', 't>y[✗]', 'x>end', 'y>end']);
  expect(edges([{ l: { for: { each: 'i', in: '.a' }, do: [{ x: { set: {} } }] } }])).toEqual(['l>x', 'start>l', 'x>end']);
});

test('the sample workflows are drawn whole, and each step is found in its document', () => {
  for (const name of ['assess', 'notify']) {
    const text = readFileSync(join(import.meta.dirname, '../../../../../workflows', `${name}.json`), 'utf8');
    const graph = graphOf(text);
    expect(graph.nodes.length).toBeGreaterThan(4);
    for (const node of graph.nodes) {
      expect(Number.isFinite(node.x) && Number.isFinite(node.y), node.id).toBe(true);
      if (node.name) expect(taskAt(text, node.id), node.id).toBeTypeOf('object');
      expect(node.type === 'start' || graph.edges.some((edge) => edge.to === node.id), `${node.id} is reached`).toBe(true);
    }
  }
});

test('a document that is none is said to be none', () => {
  expect(() => graphOf('do:')).toThrow();
  expect(graphOf('{}').nodes).toHaveLength(2);
});
