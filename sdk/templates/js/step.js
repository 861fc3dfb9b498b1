// Step `{{name}}`: counts the characters of a text.

import { step as define } from '../.huiyin/sdk/js/index.js';

const about = {
  name: '{{name}}',
  version: '0.1.0',
  summary: 'Counts the characters of a text.',
  idempotent: true,
};

const config = {
  type: 'object',
  properties: { most: { type: 'integer', minimum: 0, description: 'More characters than this are too many.' } },
  required: ['most'],
  additionalProperties: false,
};

const input = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };

const output = {
  type: 'object',
  properties: { characters: { type: 'integer' }, fits: { type: 'boolean' } },
  required: ['characters', 'fits'],
};

function run(ctx, { most }, { text }) {
  const characters = [...text].filter((c) => c.trim() !== '').length;
  return { characters, fits: characters <= most };
}

export const { info, step } = define({ about, config, input, output, run });
