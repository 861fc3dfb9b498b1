// Classifier `{{name}}`: levels by terms that a text contains.

import { classifier as define } from '../.huiyin/sdk/js/index.js';

const about = {
  name: '{{name}}',
  version: '0.1.0',
  summary: 'Levels by terms that a text contains.',
  idempotent: true,
};

// The configuration's JSON Schema: what does not fit never reaches `classify`.
const config = {
  type: 'object',
  properties: {
    terms: { type: 'array', items: { type: 'string' }, minItems: 1, description: 'What is looked for in title and body.' },
    level: { enum: ['I', 'II', 'III', 'IV'], description: 'The level where one of them is found.' },
  },
  required: ['terms', 'level'],
  additionalProperties: false,
};

function classify(ctx, config, model, state, items) {
  return items.map((item) => judge(config, item));
}

function judge({ terms, level }, item) {
  const text = `${item.title}\n${item.body}`;
  const found = terms.filter((term) => text.includes(term));
  if (found.length === 0) return {};
  const score = found.length / terms.length;
  return { level, score, factors: { content: score }, reasons: found.map((term) => `文中有“${term}”`) };
}

export const { info, classifier } = define({ about, config, classify });
