// 今日: what is due, the latest first, each with its clock running and the act that stops it.

import { PlusOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Badge, Button, Card, Flex, Input, Segmented, Statistic, Tag, Typography, theme } from 'antd';
import { useMemo, useState } from 'react';
import { Link, useNavigate } from 'react-router';

import { get } from '../api/client';
import { useCases, usePack, useSession, useUnjudged } from '../api/hooks';
import { hostNow } from '../api/now';
import type { CasePage, CaseRow } from '../api/types';
import { type Asked, CommandDrawer } from '../form/command';
import { useI18n } from '../i18n';
import { Level, Loaded, Nothing, PageHead } from '../ui/bits';
import { Countdown } from '../ui/clock';
import { Time } from '../ui/time';
import { prepared } from './case/acts';
import { type Group, groupOf, stops } from './next';

/** Rows of a group that are drawn at once; more on demand. */
const DRAWN = 50;

export default function Today() {
  const { t } = useI18n();
  const cases = useCases();
  const unjudged = useUnjudged();
  const session = useSession().data?.session;
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [wanted, setWanted] = useState('');
  const [whose, setWhose] = useState<'mine' | 'all'>(session?.units ? 'mine' : 'all');
  const mine = useMemo(() => new Set(session?.units ?? []), [session]);
  const person = session?.unit !== undefined;
  return (
    <>
      <PageHead
        title={t('nav.today')}
        about={t('today.about')}
        extra={person && (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setAsked({ command: 'open-case', fixed: ['item'], initial: { unit: session.unit, level: 'IV' } })}>
            {t('command.open-case')}
          </Button>
        )}
      />
      <Loaded of={cases}>
        {(list) => {
          const rows = list.cases.filter(
            (row) => (whose === 'all' || mine.has(row.unit)) && (wanted === '' || row.title.includes(wanted) || row.number.includes(wanted)),
          );
          const groups: Record<Group, CaseRow[]> = { late: [], soon: [], running: [], idle: [], closed: [] };
          const now = hostNow();
          for (const row of rows) groups[groupOf(row, now)].push(row);
          const open = rows.length - groups.closed.length;
          const pending = rows.reduce((sum, row) => sum + (row.state === 'closed' ? 0 : row.pending), 0);
          return (
            <Flex vertical gap={16}>
              <Figures late={groups.late.length} soon={groups.soon.length} open={open} pending={pending} unjudged={unjudged.data?.length ?? list.unjudged} />
              <Flex gap={8} wrap>
                {person && (
                  <Segmented
                    value={whose}
                    onChange={setWhose}
                    options={[{ value: 'mine', label: t('today.mine') }, { value: 'all', label: t('today.all') }]}
                    aria-label={t('today.whose')}
                  />
                )}
                <Input.Search allowClear placeholder={t('today.search')} aria-label={t('today.search')} onChange={(event) => setWanted(event.target.value.trim())} style={{ maxWidth: 280 }} />
              </Flex>
              {rows.length === 0 && (
                <Card><Nothing title={t('today.none')} help={t('today.none.help')} /></Card>
              )}
              {(['late', 'soon', 'running', 'idle', 'closed'] as const).map((group) => (
                <CaseGroup key={group} group={group} rows={groups[group]} onAct={setAsked} person={person} />
              ))}
            </Flex>
          );
        }}
      </Loaded>
      <CommandDrawer
        asked={asked}
        onClose={() => setAsked(null)}
        onDone={(answer) => {
          if (asked?.command === 'open-case' && typeof answer['case'] === 'string') void navigate(`/cases/${answer['case']}`);
        }}
      />
    </>
  );
}

function Figures({ late, soon, open, pending, unjudged }: Record<'late' | 'soon' | 'open' | 'pending' | 'unjudged', number>) {
  const { t } = useI18n();
  const { token } = theme.useToken();
  const figure = (title: string, value: number, to: string | null, colour?: string) => {
    const shown = <Statistic title={title} value={value} styles={value > 0 && colour ? { content: { color: colour } } : undefined} />;
    return (
      <Card size="small" style={{ flex: '1 1 104px', minWidth: 0 }}>
        {to ? <Link to={to} className="row-link">{shown}</Link> : shown}
      </Card>
    );
  };
  return (
    <Flex gap={8} wrap>
      {figure(t('today.late'), late, null, token.colorErrorText)}
      {figure(t('today.soon'), soon, null, token.colorWarningText)}
      {figure(t('today.open'), open, null)}
      {figure(t('today.pending'), pending, '/inbox', token.colorWarningText)}
      {figure(t('today.unjudged'), unjudged, '/monitor?tab=unjudged', token.colorWarningText)}
    </Flex>
  );
}

function CaseGroup({ group, rows, onAct, person }: { group: Group; rows: CaseRow[]; onAct: (asked: Asked) => void; person: boolean }) {
  const { t } = useI18n();
  const { token } = theme.useToken();
  const [drawn, setDrawn] = useState(group === 'closed' ? 0 : DRAWN);
  if (rows.length === 0) return null;
  const colour = group === 'late' ? token.colorError : group === 'soon' ? token.colorWarning : undefined;
  return (
    <section aria-label={t(`today.group.${group}`)}>
      <Flex align="center" gap={8} style={{ marginBottom: 8 }}>
        <Typography.Title level={2} style={{ fontSize: 16, margin: 0 }}>{t(`today.group.${group}`)}</Typography.Title>
        <Badge count={rows.length} overflowCount={99_999} color={colour ?? token.colorTextSecondary} />
      </Flex>
      <Flex vertical gap={8}>
        {rows.slice(0, drawn).map((row) => <CaseCard key={row.number} row={row} edge={colour} onAct={onAct} person={person} />)}
        {rows.length > drawn && <Button type="dashed" onClick={() => setDrawn(drawn + DRAWN)}>{t('today.more', { n: rows.length - drawn })}</Button>}
      </Flex>
    </section>
  );
}

function CaseCard({ row, edge, onAct, person }: { row: CaseRow; edge?: string; onAct: (asked: Asked) => void; person: boolean }) {
  const { t, name, word } = useI18n();
  const navigate = useNavigate();
  const client = useQueryClient();
  const pack = usePack().data;
  const rule = row.clock ? pack?.clocks.find((one) => one.id === row.clock?.rule) : undefined;
  const act = person && row.state !== 'closed' ? stops(rule, row.number, row.unit) : null;
  const begin = async (asked: Asked) => {
    // With what the case has to offer; where it cannot be had the form is there all the same.
    const page = await client.fetchQuery({ queryKey: ['case', row.number], queryFn: () => get<CasePage>(`/v1/cases/${encodeURIComponent(row.number)}`) }).catch(() => null);
    onAct(page ? prepared(asked, page) : asked);
  };
  return (
    <Card size="small" style={{ borderInlineStart: edge ? `4px solid ${edge}` : undefined }} data-testid="case-row">
      <Flex gap={12} align="center" wrap>
        <div style={{ flex: '1 1 280px', minWidth: 0 }}>
          <Flex gap={8} align="center" wrap>
            <Level level={row.level} />
            <Link to={`/cases/${row.number}`} style={{ fontWeight: 600, overflowWrap: 'anywhere' }}>{row.title || row.number}</Link>
          </Flex>
          <Typography.Text type="secondary" style={{ fontSize: 12 }}>
            {name(row.unit_name, row.unit)} · {word('state', row.state, row.state_zh)} · {t('today.opened')} <Time at={row.opened_at} />
            {row.items > 1 && ` · ${t('today.items', { n: row.items })}`}
          </Typography.Text>{' '}
          {row.pending > 0 && <Tag color="orange">{t('today.waits', { n: row.pending })}</Tag>}
        </div>
        {row.clock && (
          <div style={{ flex: '0 1 auto' }}>
            <Countdown clock={row.clock} large />
            <div style={{ fontSize: 12 }}>
              <Typography.Text type="secondary">{name(row.clock.name, row.clock.rule)}</Typography.Text>
            </div>
          </div>
        )}
        <Flex gap={8}>
          {act && <Button type={edge ? 'primary' : 'default'} onClick={() => void begin(act)}>{word('act', act.command, word('command', act.command))}</Button>}
          {!act && row.pending > 0 && <Button onClick={() => void navigate(`/cases/${row.number}`)}>{t('today.look')}</Button>}
        </Flex>
      </Flex>
    </Card>
  );
}
