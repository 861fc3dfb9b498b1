// Reporter `{{name}}`: writes a short report as Markdown.

import { reporter as define } from '../.huiyin/sdk/js/index.js';

const about = {
  name: '{{name}}',
  version: '0.1.0',
  summary: 'Writes a short report as Markdown.',
  idempotent: true,
};

const config = {
  type: 'object',
  properties: { office: { type: 'string', description: 'Who signs.' } },
  required: ['office'],
  additionalProperties: false,
};

const data = {
  type: 'object',
  properties: { title: { type: 'string' }, paragraphs: { type: 'array', items: { type: 'string' }, minItems: 1 } },
  required: ['title', 'paragraphs'],
};

function render(ctx, { office }, { title, paragraphs }) {
  const text = `# ${title}\n\n${paragraphs.join('\n\n')}\n\n${office}\n`;
  return [{ mediaType: 'text/markdown; charset=utf-8', filename: 'report.md', text }];
}

export const { info, reporter } = define({ about, config, data, render });
