// Collector `{{name}}`: reads a board that answers with pages of JSON.

import { Transient, collector as define } from '../.huiyin/sdk/js/index.js';
import { get } from '../.huiyin/sdk/js/http.js';

const about = {
  name: '{{name}}',
  version: '0.1.0',
  summary: 'Reads a board that answers with pages of JSON.',
  http: [{ origin: 'https://board.example.cn', methods: ['GET'], pathPrefix: '/' }],
  idempotent: true,
};

const config = {
  type: 'object',
  properties: { url: { type: 'string', description: 'The first page.' } },
  required: ['url'],
  additionalProperties: false,
};

async function collect(ctx, config, cursor, limit) {
  const url = cursor ?? config.url;
  const answer = await get(url);
  if (answer.status !== 200) throw Transient(`${url} answered ${answer.status}`);
  const { posts, next } = answer.json();
  const items = posts.map((post) => ({ id: post.id, title: post.title, body: post.text, url: post.url }));
  return { items, cursor: next, more: next !== undefined && next !== null };
}

export const { info, collector } = define({ about, config, collect });
