// 插件: what is installed, what each asks for and may reach, in plain words; installing by drop.

import { InboxOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Card, Collapse, Descriptions, Flex, Form, Input, Modal, Segmented, Select, Tag, Typography, Upload } from 'antd';
import { useState } from 'react';

import { ask, post, query } from '../api/client';
import { usePack, usePlugins, useSession } from '../api/hooks';
import type { Plugin } from '../api/types';
import { type I18n, useI18n } from '../i18n';
import { Hash, Json, Loaded, Nothing, PageHead, ProblemAlert, useActor } from '../ui/bits';
import { ReasonModal } from '../ui/reason';

type Fields = Record<string, unknown>;

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === null || value === undefined || value === false ? [] : [value]);

/** A manifest asks with a list of capabilities; a grant is an object. Both as one object of lists. */
export function gathered(given: unknown): Fields {
  if (!Array.isArray(given)) return given && typeof given === 'object' ? (given as Fields) : {};
  const all: Record<string, unknown[]> = {};
  for (const one of given) {
    if (typeof one === 'string') (all[one] ??= []).push(true);
    else for (const [name, value] of Object.entries((one ?? {}) as Fields)) (all[name] ??= []).push(value);
  }
  return all;
}

/** What a manifest asks for, or a grant gives, as sentences. */
export function inWords(given: unknown, { t }: Pick<I18n, 't'>): string[] {
  const words: string[] = [];
  for (const [name, value] of Object.entries(gathered(given))) {
    const each = list(value);
    if (each.length === 0) continue;
    switch (name) {
      case 'http':
        for (const one of each) {
          const { origin = '*', methods, path_prefix } = (one && typeof one === 'object' ? one : {}) as { origin?: string; methods?: string[]; path_prefix?: string };
          const place = origin.replace(/:\*$/, '') + (path_prefix && path_prefix !== '/' ? path_prefix : '');
          const any = /^https?:\/\/\*$/.test(place);
          words.push(t(any ? 'grant.http.any' : 'grant.http', { place: any ? place.replace('://*', '').toUpperCase() : place, methods: (methods ?? []).join('、') || t('grant.http.all') }));
        }
        break;
      case 'secret':
      case 'secrets':
        for (const one of each) {
          const { name: secret = String(one), hosts, purpose } = (one && typeof one === 'object' ? one : {}) as { name?: string; hosts?: string[]; purpose?: string };
          words.push(t('grant.secret', { name: secret, more: [hosts?.join(', '), purpose].filter(Boolean).map((text) => ` (${text})`).join('') }));
        }
        break;
      case 'kv':
      case 'kv_bytes': words.push(t('grant.kv')); break;
      case 'mail': words.push(t('grant.mail')); break;
      case 'spool': words.push(typeof value === 'string' ? t('grant.spool.at', { folder: value }) : t('grant.spool')); break;
      case 'clocks': words.push(t('grant.clocks')); break;
      default: words.push(t('grant.other', { name, value: JSON.stringify(value) }));
    }
  }
  return words;
}

/** A grant of all that a manifest asks for, to be cut down: folders and the hosts of secrets are an admin's to name. */
export function grantFor(capabilities: unknown): Fields {
  const asked = gathered(capabilities);
  const grant: Fields = {};
  if (list(asked['http']).length > 0) grant['http'] = list(asked['http']);
  const secrets = [...list(asked['secret']), ...list(asked['secrets'])];
  if (secrets.length > 0) grant['secrets'] = secrets.map((one) => ({ name: (one as { name?: string }).name ?? String(one), hosts: [] }));
  if (list(asked['spool']).length > 0) grant['spool'] = '/var/spool/huiyin';
  if (list(asked['kv'] ?? asked['kv_bytes']).length > 0) grant['kv_bytes'] = 65_536;
  if (list(asked['clocks']).length > 0) grant['clocks'] = true;
  return grant;
}

export default function Plugins() {
  const { t, word } = useI18n();
  const plugins = usePlugins();
  const session = useSession().data?.session;
  const [kind, setKind] = useState('');
  const admin = session?.admin ?? false;
  return (
    <>
      <PageHead title={t('nav.plugins')} about={t('plugins.about')} />
      {admin ? <Install /> : <Alert type="info" showIcon title={t('plugins.adminonly')} style={{ marginBottom: 16 }} />}
      <Loaded of={plugins}>
        {(rows) => {
          const kinds = [...new Set(rows.map((row) => row.kind).filter((one): one is string => one !== null))];
          const shown = rows.filter((row) => kind === '' || row.kind === kind);
          return (
            <Flex vertical gap={12}>
              <div style={{ overflowX: 'auto' }}>
                <Segmented value={kind} onChange={setKind} aria-label={t('plugins.kind')} options={[{ value: '', label: t('run.any') }, ...kinds.map((one) => ({ value: one, label: word('pluginkind', one) }))]} />
              </div>
              {shown.length === 0 && <Card><Nothing title={t('plugins.none')} help={t('plugins.none.help')} /></Card>}
              {shown.map((row) => <PluginCard key={row.plugin} plugin={row} admin={admin} />)}
            </Flex>
          );
        }}
      </Loaded>
    </>
  );
}

function Install() {
  const { t } = useI18n();
  const { message } = App.useApp();
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [form] = Form.useForm<{ reason: string }>();
  const send = async ({ reason }: { reason: string }) => {
    if (!file) return;
    setBusy(true);
    setError(null);
    try {
      const done = await ask<{ plugin: string; changed: boolean }>('POST', '/v1/plugins' + query({ reason }), { file: { bytes: file, type: 'application/wasm' } });
      message.success(t(done.changed ? 'plugins.installed' : 'plugins.known', { plugin: done.plugin }));
      setFile(null);
      form.resetFields();
      await client.invalidateQueries({ queryKey: ['plugins'] });
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card size="small" style={{ marginBottom: 16 }}>
      <Upload.Dragger accept=".wasm,application/wasm" showUploadList={false} beforeUpload={(chosen) => { setFile(chosen); setError(null); return Upload.LIST_IGNORE; }}>
        <InboxOutlined style={{ fontSize: 28 }} />
        <p style={{ margin: '4px 0' }}>{t('plugins.drop')}</p>
        <Typography.Text type="secondary">{t('plugins.drop.help')}</Typography.Text>
      </Upload.Dragger>
      <Modal open={file !== null} title={t('plugins.install', { name: file?.name ?? '' })} onCancel={() => setFile(null)} onOk={() => form.submit()} okText={t('plugins.install.do')} cancelText={t('do.cancel')} confirmLoading={busy} closable={{ 'aria-label': t('do.close') }}>
        <Typography.Paragraph>{t('plugins.consent', { size: Math.round((file?.size ?? 0) / 1_024) })}</Typography.Paragraph>
        <Form form={form} layout="vertical" onFinish={(values) => void send(values)}>
          <Form.Item name="reason" label={t('field.reason')} rules={[{ required: true, whitespace: true, message: t('form.required', { label: t('field.reason') }) }]}>
            <Input.TextArea autoSize={{ minRows: 2 }} maxLength={600} />
          </Form.Item>
        </Form>
        {error !== null && <ProblemAlert error={error} />}
      </Modal>
    </Card>
  );
}

function Sentences({ words, none }: { words: string[]; none: string }) {
  if (words.length === 0) return <Typography.Text type="secondary">{none}</Typography.Text>;
  return <ul style={{ margin: 0, paddingInlineStart: 18 }}>{words.map((one) => <li key={one} style={{ overflowWrap: 'anywhere' }}>{one}</li>)}</ul>;
}

function PluginCard({ plugin, admin }: { plugin: Plugin; admin: boolean }) {
  const i18n = useI18n();
  const { t, word } = i18n;
  const actor = useActor();
  const client = useQueryClient();
  const [doing, setDoing] = useState<'remove' | 'grant' | null>(null);
  const asks = inWords(plugin.capabilities, i18n);
  const lacking = plugin.kind !== null && asks.length > 0 && plugin.grants.length === 0;
  const refresh = () => client.invalidateQueries({ queryKey: ['plugins'] });
  return (
    <Card
      size="small"
      title={<Flex gap={8} wrap align="center"><span style={{ overflowWrap: 'anywhere' }}>{plugin.plugin}</span>{plugin.kind && <Tag color="blue">{word('pluginkind', plugin.kind)}</Tag>}{plugin.origin && <Tag>{word('origin', plugin.origin)}</Tag>}{plugin.withheld && <Tag color="red">{t('plugins.withheld')}</Tag>}</Flex>}
      extra={admin && <Flex gap={8}><Button size="small" onClick={() => setDoing('grant')}>{t('plugins.grant')}</Button>{plugin.origin === 'installed' && <Button size="small" danger onClick={() => setDoing('remove')}>{t('plugins.remove')}</Button>}</Flex>}
    >
      <Typography.Paragraph style={{ marginBottom: 8 }}>{plugin.summary ?? plugin.withheld}</Typography.Paragraph>
      {lacking && <Alert type="warning" showIcon title={t('plugins.lacking')} style={{ marginBottom: 8 }} />}
      <Descriptions
        size="small"
        column={{ xs: 1, md: 2 }}
        items={[
          { key: 'asks', label: t('plugins.asks'), children: <Sentences words={asks} none={t('plugins.asksnothing')} /> },
          { key: 'pure', label: t('plugins.nature'), children: t(plugin.pure ? 'plugins.pure' : plugin.idempotent ? 'plugins.idempotent' : 'plugins.effects') },
          { key: 'digest', label: t('plugins.digest'), children: <Hash value={plugin.digest} /> },
          { key: 'size', label: t('plugins.size'), children: plugin.size === null ? '–' : `${Math.round(plugin.size / 1_024)} KiB` },
          { key: 'signed', label: t('plugins.signed'), children: plugin.publishers.length > 0 ? plugin.publishers.join(', ') : t('plugins.unsigned') },
          { key: 'used', label: t('plugins.used'), children: plugin.used_by.length > 0 ? plugin.used_by.join(', ') : '–' },
          ...(plugin.installed ? [{ key: 'by', label: t('workflow.by'), children: `${actor(plugin.installed.actor)}: ${plugin.installed.reason ?? ''}` }] : []),
        ]}
      />
      <Collapse
        ghost
        size="small"
        items={[
          {
            key: 'grants',
            label: t('plugins.grants', { n: plugin.grants.length }),
            children: (
              <Flex vertical gap={8}>
                {plugin.grants.length === 0 && <Typography.Text type="secondary">{t('plugins.nogrants')}</Typography.Text>}
                {plugin.grants.map((grant, at) => (
                  <div key={at}>
                    <Tag>{grant.unit === '*' ? t('deploy.all') : grant.unit}</Tag> <Typography.Text type="secondary">{grant.by ? `${actor(grant.by)}: ${grant.reason ?? ''}` : t('workflow.byconfig')}</Typography.Text>
                    <Sentences words={inWords(grant.grant, i18n)} none={t('plugins.asksnothing')} />
                  </div>
                ))}
              </Flex>
            ),
          },
          { key: 'all', label: t('plugins.everything'), children: <Json value={plugin} /> },
        ]}
      />
      <ReasonModal
        open={doing === 'remove'}
        danger
        title={t('plugins.remove')}
        onClose={() => setDoing(null)}
        onSend={async (reason) => {
          await post(`/v1/plugins/${encodeURIComponent(plugin.plugin)}/remove`, { reason });
          await refresh();
        }}
      />
      {doing === 'grant' && <Grant plugin={plugin} asks={asks} onClose={() => setDoing(null)} onDone={refresh} />}
    </Card>
  );
}

function Grant({ plugin, asks, onClose, onDone }: { plugin: Plugin; asks: string[]; onClose: () => void; onDone: () => Promise<unknown> }) {
  const { t, name } = useI18n();
  const pack = usePack().data;
  const [unit, setUnit] = useState('*');
  const [text, setText] = useState(() => JSON.stringify(grantFor(plugin.capabilities), null, 2));
  return (
    <ReasonModal
      open
      title={t('plugins.grant')}
      about={<><Typography.Paragraph>{t('plugins.grant.about', { plugin: plugin.plugin })}</Typography.Paragraph><Sentences words={asks} none={t('plugins.asksnothing')} /></>}
      onClose={onClose}
      onSend={async (reason) => {
        await post(`/v1/plugins/${encodeURIComponent(plugin.plugin)}/grant`, { unit, grant: JSON.parse(text) as unknown, reason });
        await onDone();
      }}
    >
      <Form.Item label={t('field.unit')} htmlFor="grant-unit" style={{ marginTop: 12 }}>
        <Select id="grant-unit" value={unit} onChange={setUnit} options={[{ value: '*', label: t('deploy.all') }, ...(pack?.units ?? []).map((one) => ({ value: one.code, label: name(one.name) }))]} />
      </Form.Item>
      <Form.Item label={t('plugins.grant.json')} htmlFor="grant-json">
        <Input.TextArea id="grant-json" value={text} onChange={(event) => setText(event.target.value)} autoSize={{ minRows: 4, maxRows: 14 }} style={{ fontFamily: 'ui-monospace, monospace' }} spellCheck={false} />
      </Form.Item>
    </ReasonModal>
  );
}
