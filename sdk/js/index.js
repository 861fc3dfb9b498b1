// Write Huiyin plugins in JavaScript: one function a kind, in the shape of the Rust SDK.
//
//   import { classifier as define } from '../.huiyin/sdk/js/index.js';
//   export const { info, classifier } = define({ about, config, classify });
//
// Nothing here offers a clock, chance or a locale: a pure plugin's call, repeated, gives the same result.

import { check } from './schema.js';
import { intoItem, outOfDocument, outOfItem, outOfVerdict, text } from './wire.js';

/** Why a call gives no result. Anything else that is thrown becomes `Unknown`, with its message and place. */
export class PluginError extends Error {
  constructor(tag, val) {
    super(String(val));
    this.name = 'PluginError';
    this.tag = tag;
    this.val = val;
  }
}
/** Not done, and may succeed later. It asserts that nothing happened. */
export const Transient = (why) => new PluginError('transient', why);
/** Not done; try again after this many seconds. */
export const RateLimited = (seconds) => new PluginError('rate-limited', seconds);
/** The input is at fault: repeating the call cannot help. */
export const InvalidInput = (why) => new PluginError('invalid-input', why);
/** The configuration is at fault: repeating the call cannot help. */
export const InvalidConfig = (why) => new PluginError('invalid-config', why);
/** Tried, and whether it was done is not known. */
export const Unknown = (why) => new PluginError('unknown', why);

// --- time and chance ---

const RealDate = globalThis.Date;
let now = 0;

function CallDate(...args) {
  if (!new.target) return new RealDate(now).toString();
  return Reflect.construct(RealDate, args.length === 0 ? [now] : args, new.target);
}
CallDate.prototype = RealDate.prototype;
CallDate.parse = RealDate.parse;
CallDate.UTC = RealDate.UTC;
CallDate.now = () => now;
RealDate.prototype.constructor = CallDate;
globalThis.Date = CallDate;

const noChance = () => {
  throw new Error('a plugin has no random numbers; derive what has to differ from ctx.idempotencyKey');
};
Math.random = noChance;
if (globalThis.crypto) {
  for (const name of ['randomUUID', 'getRandomValues']) {
    Object.defineProperty(globalThis.crypto, name, { value: noChance, configurable: true });
  }
}

// --- the edge ---

/** What the contract takes as an error, of whatever was thrown. */
function thrown(error) {
  if (error instanceof PluginError) {
    if (error.tag !== 'rate-limited') return { tag: error.tag, val: text(error.val) };
    const seconds = Number(error.val);
    const fits = Number.isInteger(seconds) && seconds >= 0 && seconds <= 0xffffffff;
    return fits ? { tag: error.tag, val: seconds } : { tag: 'unknown', val: `RateLimited of ${error.val}: not a number of seconds` };
  }
  if (!(error instanceof Error)) return { tag: 'unknown', val: text(`thrown: ${String(error)}`) };
  // One line a frame, `run@plugin.js:7:3` here and `at run (plugin.js:7:3)` in Node.js, which says the message first.
  const frame = (line) => line.startsWith('at ') || line.includes('@');
  const place = String(error.stack ?? '').split('\n').map((line) => line.trim()).find(frame)?.replace(/^at /, '');
  return { tag: 'unknown', val: text(`${error.name}: ${error.message}${place ? ` (at ${place})` : ''}`) };
}

/** Runs what the author wrote; `then` makes the contract's form of what it gave. */
function edge(ctx, work, then) {
  now = Number(ctx.now);
  try {
    const result = work({ callId: ctx.callId, attempt: ctx.attempt, unit: ctx.unit, now, idempotencyKey: ctx.idempotencyKey });
    if (result instanceof Promise) {
      return result.then(then).catch((error) => {
        throw thrown(error);
      });
    }
    return then(result);
  } catch (error) {
    throw thrown(error);
  }
}

/** JSON that is held against a schema; `fault` is the error to throw. */
function read(json, schema, fault) {
  let value;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw fault(error.message);
  }
  if (schema) {
    const why = check(schema, value);
    if (why) throw fault(why);
  }
  return value;
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
const schemaText = (schema) => JSON.stringify({ $schema: DIALECT, ...schema });

function describe(kind, plugin) {
  const { about, config = { type: 'object' }, input, output } = plugin;
  const capabilities = [
    ...(about.http ?? []).map(({ origin, methods = [], pathPrefix = '/' }) => ({ tag: 'http', val: { origin, methods, pathPrefix } })),
    ...(about.secrets ?? []).map(({ name, purpose }) => ({ tag: 'secret', val: { name, purpose } })),
    ...(about.spool ? [{ tag: 'spool' }] : []),
    ...(about.kv ? [{ tag: 'kv', val: BigInt(about.kv) }] : []),
  ];
  const step = kind === 'step';
  return {
    name: about.name,
    version: about.version,
    kind,
    summary: about.summary,
    configSchema: schemaText(config),
    inputSchema: step ? schemaText(input ?? {}) : '',
    outputSchema: step ? schemaText(output ?? {}) : '',
    capabilities,
    idempotent: about.idempotent === true,
  };
}

const info = (kind, plugin) => ({ describe: () => describe(kind, plugin) });
const configOf = (plugin, config) => read(config, plugin.config, InvalidConfig);

/** A classifier: `classify(ctx, config, model, state, items)` gives one verdict, or an Error, for each item; or `{verdicts, state}`. */
export function classifier(plugin) {
  const classify = (ctx, config, model, state, items) =>
    edge(
      ctx,
      (own) => plugin.classify(own, configOf(plugin, config), model, state, items.map(intoItem)),
      (outcome) => {
        const { verdicts, state: kept } = Array.isArray(outcome) ? { verdicts: outcome } : outcome;
        return { verdicts: verdicts.map(outOfVerdict), state: kept };
      },
    );
  return { info: info('classifier', plugin), classifier: { classify } };
}

/** A collector: `collect(ctx, config, cursor, limit)` gives `{items, cursor, more}`; it may be async. */
export function collector(plugin) {
  const collect = (ctx, config, cursor, limit) =>
    edge(
      ctx,
      (own) => plugin.collect(own, configOf(plugin, config), cursor, limit),
      (page) => ({ items: page.items.map(outOfItem), cursor: page.cursor ?? undefined, more: page.more === true }),
    );
  return { info: info('collector', plugin), collector: { collect } };
}

/** A reporter: `render(ctx, config, data)` gives documents `{mediaType, filename, text}` (or `bytes`). */
export function reporter(plugin) {
  const render = (ctx, config, data) =>
    edge(
      ctx,
      (own) => plugin.render(own, configOf(plugin, config), read(data, plugin.data, InvalidInput)),
      (documents) => documents.map(outOfDocument),
    );
  return { info: info('reporter', plugin), reporter: { render } };
}

/** A notifier: `deliver(ctx, config, message)` gives the receipt `{id, detail}`; it may be async. */
export function notifier(plugin) {
  const deliver = (ctx, config, message) =>
    edge(
      ctx,
      (own) => plugin.deliver(own, configOf(plugin, config), { ...message, data: read(message.data || 'null', undefined, InvalidInput) }),
      (receipt) => ({ id: text(receipt.id), detail: text(receipt.detail ?? '') }),
    );
  return { info: info('notifier', plugin), notifier: { deliver } };
}

/** A step: `run(ctx, config, input)` gives the output. */
export function step(plugin) {
  const run = (ctx, config, input) =>
    edge(
      ctx,
      (own) => plugin.run(own, configOf(plugin, config), read(input, plugin.input, InvalidInput)),
      (output) => JSON.stringify(output === undefined ? null : output, (_, value) => (typeof value === 'string' ? value.toWellFormed() : value)),
    );
  return { info: info('step', plugin), step: { run } };
}
