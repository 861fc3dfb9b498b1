// A core function's JSON Schema as fields of a form: what the host takes decides what a form has, so that a command
// that the host learns has a form at once.

import type { Schema } from '../api/types';

export type FieldKind = 'text' | 'long' | 'choice' | 'flag' | 'number' | 'time' | 'texts' | 'group' | 'groups' | 'json';

export interface Field {
  name: string;
  kind: FieldKind;
  required: boolean;
  description?: string;
  choices?: string[];
  /** Of a group, or of each of several groups. */
  fields?: Field[];
  initial?: unknown;
}

/** What a `$ref` of the schema stands for; `null` beside something else is left out. */
export function resolved(schema: Schema, root: Schema): Schema {
  let found = schema;
  for (let depth = 0; depth < 8; depth += 1) {
    if (found.$ref) {
      const name = found.$ref.replace('#/$defs/', '');
      const target = root.$defs?.[name];
      if (!target) return found;
      const { $ref: _, ...own } = found;
      found = { ...target, ...own };
      continue;
    }
    const several = found.anyOf ?? found.allOf;
    const given = several?.filter((one) => one.type !== 'null');
    // A text, or an object with more: the object has a field for each.
    const whole = found.anyOf && given && given.length > 1 ? given.map((one) => (one.$ref ? { ...(root.$defs?.[one.$ref.replace('#/$defs/', '')] ?? one) } : one)).filter((one) => one.properties) : undefined;
    const rest = whole?.length === 1 ? whole : given;
    if (rest?.length === 1 && rest[0]) {
      const { anyOf: _, allOf: __, ...own } = found;
      found = { ...rest[0], ...own };
      continue;
    }
    return found;
  }
  return found;
}

/** The names of an enumeration, also one that is written as `oneOf` of constants. */
function choices(schema: Schema, root: Schema): string[] | undefined {
  if (schema.enum) {
    const named = schema.enum.filter((value) => value !== null).map(String);
    return named.length > 0 ? named : undefined;
  }
  if (schema.const !== undefined) return [String(schema.const)];
  const several = schema.oneOf ?? schema.anyOf;
  if (several && several.length > 0) {
    const each = several.map((one) => choices(resolved(one, root), root));
    if (each.every((one) => one !== undefined)) return each.flat();
  }
  return undefined;
}

/** Fields whose texts are long: a line would not show them. */
const LONG = new Set(['text', 'reason', 'note', 'cause', 'measures', 'result', 'evidence', 'line', 'body', 'statement', 'summary', 'detail', 'conclusion']);

function type(schema: Schema): string | undefined {
  return Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
}

/** One field of a form. */
export function fieldOf(name: string, given: Schema, root: Schema, required: boolean): Field {
  const schema = resolved(given, root);
  const base = { name, required, description: given.description ?? schema.description, initial: schema.default };
  const named = choices(schema, root);
  if (named) return { ...base, kind: 'choice', choices: named };
  switch (type(schema)) {
    case 'boolean': return { ...base, kind: 'flag' };
    case 'integer':
    case 'number': return { ...base, kind: 'number' };
    case 'string': {
      if (schema.format === 'date-time') return { ...base, kind: 'time' };
      return { ...base, kind: LONG.has(name) ? 'long' : 'text' };
    }
    case 'array': {
      const item = resolved(schema.items ?? {}, root);
      if (type(item) === 'object' && item.properties) return { ...base, kind: 'groups', fields: fieldsOf(item, root) };
      const inner = choices(item, root);
      if (inner) return { ...base, kind: 'texts', choices: inner };
      if (type(item) === 'string') return { ...base, kind: 'texts' };
      return { ...base, kind: 'json' };
    }
    case 'object':
      return schema.properties ? { ...base, kind: 'group', fields: fieldsOf(schema, root) } : { ...base, kind: 'json' };
    default: return { ...base, kind: 'json' };
  }
}

/** The fields of an object: what must be given first, in the order of the schema. */
export function fieldsOf(schema: Schema, root: Schema = schema): Field[] {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([name, one]) => fieldOf(name, one, root, required.has(name)));
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)];
}

/** What was filled in as the host takes it: what is empty is left out. Throws where a JSON field holds none. */
export function filledIn(fields: Field[], values: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of fields) {
    const value = one(field, values[field.name]);
    if (value !== undefined) out[field.name] = value;
  }
  return out;
}

export class NotJson extends Error {
  constructor(readonly field: string) {
    super(field);
  }
}

function one(field: Field, value: unknown): unknown {
  if (value === undefined || value === null || value === '') return undefined;
  switch (field.kind) {
    case 'time': {
      const at = value as { toISOString?: () => string };
      return typeof at.toISOString === 'function' ? at.toISOString() : String(value);
    }
    case 'texts': {
      const texts = (value as unknown[]).map((text) => String(text ?? '').trim()).filter((text) => text !== '');
      return texts.length > 0 ? texts : undefined;
    }
    case 'group': {
      const inner = filledIn(field.fields ?? [], value as Record<string, unknown>);
      return Object.keys(inner).length > 0 || field.required ? inner : undefined;
    }
    case 'groups': {
      const list = (value as (Record<string, unknown> | undefined)[])
        .map((inner) => filledIn(field.fields ?? [], inner ?? {}))
        .filter((inner) => Object.keys(inner).length > 0);
      return list.length > 0 ? list : undefined;
    }
    case 'flag': return value === true ? true : undefined;
    case 'json': {
      if (typeof value !== 'string') return value;
      try {
        return JSON.parse(value) as unknown;
      } catch {
        throw new NotJson(field.name);
      }
    }
    default: return typeof value === 'string' ? value.trim() || undefined : value;
  }
}

/** A JSON pointer of a problem as the path of a form's field; the longest beginning that the form has. */
export function pathOf(pointer: string | undefined, fields: Field[]): (string | number)[] | undefined {
  if (!pointer) return undefined;
  const parts = pointer.split('/').slice(1).map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
  const path: (string | number)[] = [];
  let level: Field[] | undefined = fields;
  for (let at = 0; at < parts.length && level; at += 1) {
    const field: Field | undefined = level.find((candidate) => candidate.name === parts[at]);
    if (!field) break;
    path.push(field.name);
    const next = parts[at + 1];
    if (field.kind === 'groups' && next !== undefined && /^\d+$/.test(next)) {
      path.push(Number(next));
      at += 1;
      level = field.fields;
    } else {
      level = field.kind === 'group' ? field.fields : undefined;
    }
  }
  return path.length > 0 ? path : undefined;
}
