// Two pairs of eyes: what waits for a second person, with its exact text and the hash that the approval binds to.

import { SafetyCertificateOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Card, Flex, Tag, Typography } from 'antd';
import { useRef, useState } from 'react';

import { freshKey, post } from '../../api/client';
import { useSession } from '../../api/hooks';
import type { Approval, CasePage } from '../../api/types';
import { useI18n } from '../../i18n';
import { Hash, ProblemAlert, useActor } from '../../ui/bits';
import { Time } from '../../ui/time';
import type { Ask } from './sections';

export function Approvals({ page, onAsk }: { page: CasePage; onAsk: Ask }) {
  const { t } = useI18n();
  const pending = page.approvals.filter((one) => one.state === 'pending');
  const done = page.approvals.filter((one) => one.state !== 'pending');
  if (page.approvals.length === 0) return null;
  return (
    <Card size="small" id="approvals" title={<><SafetyCertificateOutlined /> {t('case.approvals')}</>} data-testid="approvals">
      <Flex vertical gap={16}>
        {pending.map((one) => <ApprovalCard key={one.id} approval={one} number={page.number} unit={page.unit} people={page.names?.people} onDecline={() => onAsk('decline', { initial: { hash: one.hash }, fixed: ['hash'] })} />)}
        {done.map((one) => <ApprovalLine key={one.id} approval={one} people={page.names?.people} />)}
      </Flex>
    </Card>
  );
}

function ApprovalLine({ approval, people }: { approval: Approval; people?: Record<string, string> }) {
  const { t, word } = useI18n();
  const actor = useActor();
  return (
    <Flex gap={8} wrap align="center">
      <Tag color={approval.state === 'approved' ? 'green' : undefined}>{t(`approval.${approval.state}`)}</Tag>
      <span>{word('approval.act', approval.act, approval.act_zh)}</span>
      <Typography.Text type="secondary">{actor(approval.author, people)} → {approval.approved ? actor(approval.approved.by, people) : '–'}</Typography.Text>
      <Hash value={approval.hash} />
    </Flex>
  );
}

/** The exact content that waits, field by field: nothing is left out of what the hash stands for. */
export function Proposal({ proposal }: { proposal: Record<string, unknown> }) {
  const { word } = useI18n();
  return (
    <dl style={{ margin: '8px 0', display: 'grid', gridTemplateColumns: 'minmax(72px, auto) 1fr', gap: '4px 12px' }}>
      {Object.entries(proposal).filter(([name]) => name !== 'act').map(([name, value]) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt><Typography.Text type="secondary">{word('field', name, name)}</Typography.Text></dt>
          <dd className="post" style={{ margin: 0, minWidth: 0 }}>{typeof value === 'object' && value !== null ? JSON.stringify(value, null, 2) : String(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

export function ApprovalCard({ approval, number, unit, people, onDecline }: { approval: Approval; number: string; unit: string; people?: Record<string, string>; onDecline: () => void }) {
  const { t, word } = useI18n();
  const actor = useActor();
  const { message } = App.useApp();
  const client = useQueryClient();
  const session = useSession().data?.session;
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const key = useRef(freshKey());
  const own = [approval.author, ...(approval.co_authors ?? [])].some((author) => session?.actor === `person:${author}`);
  const steps = approval.steps ?? [];
  const length = approval.chain?.length ?? 1;
  const approve = async () => {
    setBusy(true);
    setError(null);
    try {
      await post(`/v1/units/${encodeURIComponent(unit)}/commands`, { command: 'approve', case: number, hash: approval.hash }, { key: key.current });
      message.success(t('approval.given'));
      await Promise.all(['cases', 'case', 'tasks'].map((one) => client.invalidateQueries({ queryKey: [one] })));
    } catch (failed) {
      setError(failed);
      key.current = freshKey();
    } finally {
      setBusy(false);
    }
  };
  return (
    <div data-testid="approval">
      <Flex gap={8} wrap align="center">
        <Tag color="orange">{t('approval.pending')}</Tag>
        <Typography.Text strong>{word('approval.act', approval.act, approval.act_zh)}</Typography.Text>
        <Typography.Text type="secondary">{t('approval.by', { who: actor(approval.author, people) })} · <Time at={approval.at} /></Typography.Text>
      </Flex>
      <Proposal proposal={approval.proposal} />
      <div><Typography.Text type="secondary">{t('approval.binds')}</Typography.Text> <Hash value={approval.hash} length={24} /></div>
      {(length > 1 || approval.expires_at) && (
        <div>
          <Typography.Text type="secondary">
            {t('approval.step', { n: steps.length + 1, of: length })}
            {steps.map((step) => ` · ${actor(step.by, people)}${step.on_behalf_of ? t('approval.for', { who: actor(step.on_behalf_of, people) }) : ''}`)}
            {approval.expires_at && <> · {t('approval.expires')} <Time at={approval.expires_at} /></>}
          </Typography.Text>
        </div>
      )}
      {error !== null && <ProblemAlert error={error} />}
      {session?.unit !== undefined && (
        <Flex gap={8} style={{ marginTop: 8 }} wrap align="center">
          {own ? <Alert type="info" showIcon title={t('approval.own')} /> : <Button type="primary" loading={busy} onClick={() => void approve()}>{t('approval.approve')}</Button>}
          <Button danger onClick={onDecline}>{t(own ? 'approval.withdraw' : 'approval.decline')}</Button>
        </Flex>
      )}
    </div>
  );
}
