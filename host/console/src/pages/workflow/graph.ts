// A workflow's document (Open Workflow DSL) as nodes and edges, laid out from top to bottom.

import dagre from '@dagrejs/dagre';

export type TaskType = 'start' | 'end' | 'call' | 'do' | 'for' | 'fork' | 'listen' | 'raise' | 'run' | 'set' | 'switch' | 'try' | 'wait' | 'emit' | 'other';

export interface GraphNode {
  /** JSON pointer of the task, such as `/do/0/greet`; `start` and `end` beside. */
  id: string;
  name: string;
  type: TaskType;
  /** What it calls, waits for, and the like. */
  detail: string;
  x: number;
  y: number;
}

export interface GraphEdge {
  id: string;
  from: string;
  to: string;
  label?: string;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

type Json = Record<string, unknown>;
const TYPES: TaskType[] = ['call', 'for', 'fork', 'listen', 'raise', 'run', 'set', 'switch', 'try', 'wait', 'emit', 'do'];

export const NODE_WIDTH = 220;
export const NODE_HEIGHT = 56;

const object = (value: unknown): Json => (value && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const escaped = (part: string) => part.replace(/~/g, '~0').replace(/\//g, '~1');

function typeOf(task: Json): TaskType {
  return TYPES.find((type) => type in task) ?? 'other';
}

function detailOf(type: TaskType, task: Json): string {
  switch (type) {
    case 'call': return String(task['call']);
    case 'wait': return JSON.stringify(task['wait']);
    case 'for': return `${String(object(task['for'])['each'] ?? 'item')} ∈ ${String(object(task['for'])['in'] ?? '')}`;
    case 'set': return Object.keys(object(task['set'])).join(', ');
    case 'run': return Object.keys(object(task['run'])).join(', ');
    case 'emit': return String(object(object(object(task['emit'])['event'])['with'])['type'] ?? '');
    case 'listen': return Object.keys(object(object(task['listen'])['to'])).join(', ');
    case 'raise': return String(object(object(task['raise'])['error'])['type'] ?? '');
    default: return '';
  }
}

/** An end that is not connected yet: from which node, with which label. */
type Loose = { from: string; label?: string }[];

/** The graph of a document; throws where it is no JSON. */
export function graphOf(text: string): Graph {
  const document = object(JSON.parse(text));
  const nodes: Omit<GraphNode, 'x' | 'y'>[] = [{ id: 'start', name: '', type: 'start', detail: '' }];
  const edges: GraphEdge[] = [];
  const connect = (from: Loose, to: string) => {
    for (const end of from) {
      const id = `${end.from}→${to}${end.label ?? ''}`;
      if (!edges.some((edge) => edge.id === id)) edges.push({ id, from: end.from, to, label: end.label });
    }
  };
  const toEnd: Loose = [];

  const sequence = (tasks: unknown[], base: string, into: Loose): Loose => {
    const entries = tasks.map((one, at) => {
      const [name, task] = Object.entries(object(one))[0] ?? ['?', {}];
      return { name, task: object(task), id: `${base}/${at}/${escaped(name)}` };
    });
    const idOf = (name: string) => entries.find((entry) => entry.name === name)?.id;
    let loose = into;
    const leave = (id: string, then: unknown, label?: string): Loose => {
      if (then === 'end' || then === 'exit') {
        toEnd.push({ from: id, label });
        return [];
      }
      const target = typeof then === 'string' && then !== 'continue' ? idOf(then) : undefined;
      if (target) {
        connect([{ from: id, label }], target);
        return [];
      }
      return [{ from: id, label }];
    };
    for (const { name, task, id } of entries) {
      const type = typeOf(task);
      nodes.push({ id, name, type, detail: detailOf(type, task) });
      connect(loose, id);
      const skip: Loose = typeof task['if'] === 'string' ? [{ from: id, label: '∅' }] : [];
      switch (type) {
        case 'switch': {
          const next: Loose = [];
          for (const one of list(task['switch'])) {
            const [label, branch] = Object.entries(object(one))[0] ?? ['', {}];
            next.push(...leave(id, object(branch)['then'], label));
          }
          loose = next;
          break;
        }
        case 'fork':
          loose = list(object(task['fork'])['branches']).flatMap((branch, at) => sequence([branch], `${id}/fork/branches#${at}`, [{ from: id }]));
          break;
        case 'for':
        case 'do':
          loose = sequence(list(task['do']), `${id}/do`, [{ from: id }]);
          break;
        case 'try': {
          const tried = sequence(list(task['try']), `${id}/try`, [{ from: id }]);
          const caught = object(task['catch'])['do'];
          loose = caught ? [...tried, ...sequence(list(caught), `${id}/catch/do`, [{ from: id, label: '✗' }])] : tried;
          break;
        }
        case 'raise':
          toEnd.push({ from: id, label: '✗' });
          loose = [];
          break;
        default: loose = leave(id, task['then']);
      }
      loose = [...loose, ...skip];
    }
    return loose;
  };

  const rest = sequence(list(document['do']), '/do', [{ from: 'start' }]);
  nodes.push({ id: 'end', name: '', type: 'end', detail: '' });
  connect([...rest, ...toEnd], 'end');
  return laidOut(nodes, edges);
}

function laidOut(nodes: Omit<GraphNode, 'x' | 'y'>[], edges: GraphEdge[]): Graph {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 40, ranksep: 44 });
  graph.setDefaultEdgeLabel(() => ({}));
  const size = (type: TaskType) => (type === 'start' || type === 'end' ? { width: 28, height: 28 } : { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const node of nodes) graph.setNode(node.id, size(node.type));
  for (const edge of edges) graph.setEdge(edge.from, edge.to, {}, edge.id);
  dagre.layout(graph);
  return {
    nodes: nodes.map((node) => {
      const at = graph.node(node.id) as { x: number; y: number };
      const { width, height } = size(node.type);
      return { ...node, x: at.x - width / 2, y: at.y - height / 2 };
    }),
    edges,
  };
}
