// Notifier `{{name}}`: posts messages as JSON.

import { InvalidInput, RateLimited, Transient, Unknown, notifier as define } from '../.huiyin/sdk/js/index.js';
import { post } from '../.huiyin/sdk/js/http.js';

// Not idempotent: only say so where the receiver looks at the idempotency key.
const about = {
  name: '{{name}}',
  version: '0.1.0',
  summary: 'Posts messages as JSON.',
  http: [{ origin: 'https://notice.example.cn', methods: ['POST'], pathPrefix: '/' }],
};

const config = {
  type: 'object',
  properties: { url: { type: 'string', description: 'Where to.' } },
  required: ['url'],
  additionalProperties: false,
};

async function deliver(ctx, config, message) {
  const body = JSON.stringify({ to: message.recipients, subject: message.subject, text: message.text });
  const headers = { 'content-type': 'application/json', 'idempotency-key': ctx.idempotencyKey };
  const { status } = await post(config.url, body, { headers });
  if (status >= 200 && status < 300) return { id: ctx.idempotencyKey, detail: String(status) };
  // These promise that nothing was done.
  if (status === 429) throw RateLimited(60);
  if (status === 503) throw Transient('the receiver is closed (503)');
  if (status >= 400 && status < 500) throw InvalidInput(`the receiver refuses it: ${status}`);
  // Whether it was done is not known.
  throw Unknown(`the receiver answered ${status}`);
}

export const { info, notifier } = define({ about, config, deliver });
