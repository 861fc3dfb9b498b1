// Between the forms of the contract and those that authors see; each field is looked at, because what
// is missing would silently become false, 0 or nothing.

/** A text without halves of surrogate pairs, which no UTF-8 has. */
export const text = (value) => String(value).toWellFormed();

function want(value, type, what) {
  if (typeof value !== type || Number.isNaN(value)) {
    throw new TypeError(`${what} has to be a ${type}, it is ${value === null ? 'null' : Number.isNaN(value) ? 'NaN' : typeof value}`);
  }
  return value;
}

const wantText = (value, what) => want(value, 'string', what).toWellFormed();

function list(value, what) {
  if (!Array.isArray(value)) throw new TypeError(`${what} has to be a list`);
  return value;
}

function millis(value, what) {
  want(value, 'number', what);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${what} has to be milliseconds since 1970, it is ${value}`);
  return BigInt(value);
}

export const intoItem = (item) => ({
  ...item,
  published: item.published === undefined ? undefined : Number(item.published),
  observed: Number(item.observed),
  fields: Object.fromEntries(item.fields.map(({ name, value }) => [name, value])),
});

export const outOfItem = (item, at) => ({
  id: wantText(item.id, `items[${at}].id`),
  source: '',
  url: item.url === undefined || item.url === null ? undefined : wantText(item.url, `items[${at}].url`),
  title: wantText(item.title ?? '', `items[${at}].title`),
  body: wantText(item.body ?? '', `items[${at}].body`),
  published: item.published === undefined || item.published === null ? undefined : millis(item.published, `items[${at}].published`),
  observed: 0n,
  fields: Object.entries(item.fields ?? {}).map(([name, value]) => ({ name, value: text(value) })),
});

const LEVELS = { I: 'i', II: 'ii', III: 'iii', IV: 'iv' };

export function outOfVerdict(verdict, at) {
  if (verdict instanceof Error) return { tag: 'err', val: text(verdict.message) };
  const what = `verdicts[${at}]`;
  if (verdict === null || typeof verdict !== 'object') throw new TypeError(`${what} has to be an object or an Error`);
  const { level, score = 0, factors = {}, labels = [], reasons = [] } = verdict;
  if (level !== undefined && level !== null && !(level in LEVELS)) throw new TypeError(`${what}.level has to be I, II, III or IV`);
  return {
    tag: 'ok',
    val: {
      level: level === undefined || level === null ? undefined : LEVELS[level],
      score: want(score, 'number', `${what}.score`),
      factors: Object.entries(factors).map(([name, score]) => ({ name, score: want(score, 'number', `${what}.factors.${name}`) })),
      labels: list(labels, `${what}.labels`).map((label) => wantText(label, `${what}.labels`)),
      reasons: list(reasons, `${what}.reasons`).map((reason) => wantText(reason, `${what}.reasons`)),
    },
  };
}

export function outOfDocument(document, at) {
  const what = `documents[${at}]`;
  const { mediaType, filename, bytes } = document;
  if (bytes !== undefined && !(bytes instanceof Uint8Array)) throw new TypeError(`${what}.bytes has to be a Uint8Array`);
  return {
    mediaType: wantText(mediaType, `${what}.mediaType`),
    filename: wantText(filename, `${what}.filename`),
    bytes: bytes ?? new TextEncoder().encode(wantText(document.text, `${what}.text`)),
  };
}
