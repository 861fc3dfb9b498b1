// 监测: the sources and whether they live, what comes in, and what nobody could judge.

import { Badge, Card, Flex, Input, Select, Table, Tabs, Tag, Tooltip, Typography } from 'antd';
import { Suspense, lazy, useEffect, useMemo, useState } from 'react';
import { Link, useSearchParams } from 'react-router';

import { useLog, useLogRecord, usePack, useSession, useSources, useUnjudged } from '../api/hooks';
import { onActivity } from '../api/live';
import { useNow } from '../api/now';
import type { Activity, LevelCode, LogRow, Source, Unjudged } from '../api/types';
import { type Asked, CommandDrawer } from '../form/command';
import { useI18n } from '../i18n';
import { Level, Loaded, Nothing, PageHead } from '../ui/bits';
import { Time, span } from '../ui/time';
import { Link as Outside } from './case/sections';
import { Button } from 'antd';

const Chart = lazy(() => import('../ui/chart'));

/** Activities that are kept while the page is open. */
const KEPT = 300;

export default function Monitor() {
  const { t } = useI18n();
  const [params, setParams] = useSearchParams();
  const unjudged = useUnjudged();
  const stream = useStream();
  return (
    <>
      <PageHead title={t('nav.monitor')} about={t('monitor.about')} />
      <Tabs
        activeKey={params.get('tab') ?? 'sources'}
        onChange={(tab) => setParams({ tab }, { replace: true })}
        items={[
          { key: 'sources', label: t('monitor.sources'), children: <Sources /> },
          { key: 'stream', label: t('monitor.stream'), children: <Stream live={stream} /> },
          { key: 'unjudged', label: <Badge count={unjudged.data?.length ?? 0} size="small" offset={[10, 0]}>{t('monitor.unjudged')}</Badge>, children: <UnjudgedList /> },
        ]}
      />
    </>
  );
}

function useStream(): Activity[] {
  const [kept, setKept] = useState<Activity[]>([]);
  useEffect(() => onActivity((activity) => {
    if (activity.type.startsWith('huiyin.item.') || activity.type.startsWith('huiyin.case.')) setKept((before) => [activity, ...before].slice(0, KEPT));
  }), []);
  return kept;
}

const STATE_COLOUR: Record<Source['state'], string> = { ok: 'green', new: 'blue', idling: 'gold', failing: 'red' };

function Ago({ at }: { at: string | null }) {
  const i18n = useI18n();
  const now = useNow();
  if (!at) return <span>–</span>;
  return <Tooltip title={<Time at={at} seconds />}><span>{i18n.t('ago', { span: span((now - Date.parse(at)) / 1_000, i18n) })}</span></Tooltip>;
}

function Sources() {
  const { t, name } = useI18n();
  const sources = useSources();
  const pack = usePack().data;
  const unit = (code: string) => name(pack?.units.find((one) => one.code === code)?.name, code);
  return (
    <Loaded of={sources}>
      {(rows) => rows.length === 0 ? (
        <Card><Nothing title={t('monitor.nosources')} help={t('monitor.nosources.help')} /></Card>
      ) : (
        <Flex vertical gap={16}>
          <Card size="small" title={t('monitor.counts')}>
            <Suspense fallback={<div style={{ height: 220 }} />}>
              <Chart rows={rows.map((row) => ({ name: row.source, values: [row.items, row.known] }))} series={[t('monitor.items'), t('monitor.known')]} label={t('monitor.counts')} />
            </Suspense>
          </Card>
          <Flex gap={12} wrap>
            {rows.map((row) => (
              <Card key={row.source} size="small" style={{ flex: '1 1 280px', maxWidth: 440 }} title={<Flex justify="space-between" gap={8}><span style={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>{row.source}</span><Tag color={STATE_COLOUR[row.state]}>{t(`source.${row.state}`)}</Tag></Flex>}>
                <Typography.Text type="secondary">{unit(row.unit)}</Typography.Text>
                <dl style={{ display: 'grid', gridTemplateColumns: 'auto 1fr', gap: '2px 12px', margin: '8px 0 0' }}>
                  <dt>{t('monitor.lastok')}</dt><dd style={{ margin: 0 }}><Ago at={row.last_ok} /></dd>
                  <dt>{t('monitor.lastitem')}</dt><dd style={{ margin: 0 }}><Ago at={row.last_item} /></dd>
                  <dt>{t('monitor.polls')}</dt><dd style={{ margin: 0 }}>{row.polls}</dd>
                  <dt>{t('monitor.items')}</dt><dd style={{ margin: 0 }}>{row.items}</dd>
                </dl>
                {row.error !== null && row.error !== undefined && (
                  <Typography.Paragraph type="danger" style={{ margin: '8px 0 0', overflowWrap: 'anywhere' }}>{typeof row.error === 'string' ? row.error : JSON.stringify(row.error)}</Typography.Paragraph>
                )}
              </Card>
            ))}
          </Flex>
        </Flex>
      )}
    </Loaded>
  );
}

interface StreamRow {
  key: string;
  time: string;
  unit: string | null;
  type: string;
  title: string;
  level: LevelCode | null;
  case: string | null;
  url?: string;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** One line of the stream, of an activity as it comes. */
export function rowOf(activity: Activity, at: number): StreamRow {
  const data = activity.data ?? {};
  const item = (data['item'] && typeof data['item'] === 'object' ? data['item'] : data) as Record<string, unknown>;
  return {
    key: `${activity.time}/${activity.subject}/${at}`,
    time: activity.time,
    unit: activity.unit,
    type: activity.type.replace(/^huiyin\./, '').replace(/\.v\d+$/, ''),
    title: text(item['title']) || text(data['title']) || activity.subject,
    level: (text(data['level']) || text(item['level']) || null) as LevelCode | null,
    case: text(data['case']) || (/^case\/(.+)$/.exec(activity.subject)?.[1] ?? null),
    url: text(item['url']) || undefined,
  };
}

function Stream({ live }: { live: Activity[] }) {
  const { t, word, name } = useI18n();
  const pack = usePack().data;
  const [wanted, setWanted] = useState('');
  const [unit, setUnit] = useState<string>();
  const [level, setLevel] = useState<string>();
  const rows = useMemo(() => live.map(rowOf), [live]);
  const shown = rows.filter((row) => (!unit || row.unit === unit) && (!level || row.level === level) && (wanted === '' || row.title.includes(wanted)));
  const unitName = (code: string | null) => code ? name(pack?.units.find((one) => one.code === code)?.name, code) : '–';
  return (
    <Flex vertical gap={12}>
      <Flex gap={8} wrap>
        <Input.Search allowClear placeholder={t('monitor.search')} aria-label={t('monitor.search')} onChange={(event) => setWanted(event.target.value.trim())} style={{ maxWidth: 240 }} />
        <Select allowClear placeholder={t('field.unit')} aria-label={t('field.unit')} style={{ width: 220 }} value={unit} onChange={setUnit} options={pack?.units.map((one) => ({ value: one.code, label: name(one.name) }))} />
        <Select allowClear placeholder={t('field.level')} aria-label={t('field.level')} style={{ width: 140 }} value={level} onChange={setLevel} options={['I', 'II', 'III', 'IV'].map((one) => ({ value: one, label: word('level', one) }))} />
      </Flex>
      <Table<StreamRow>
        size="small"
        rowKey="key"
        dataSource={shown}
        pagination={{ pageSize: 25, hideOnSinglePage: true, showSizeChanger: false }}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: <Nothing title={t('monitor.quiet')} help={t('monitor.quiet.help')} /> }}
        columns={[
          { title: t('field.time'), dataIndex: 'time', render: (at: string) => <Time at={at} seconds /> },
          { title: t('monitor.what'), dataIndex: 'type', render: (type: string) => <Tag>{word('event', type, type)}</Tag> },
          { title: t('field.level'), dataIndex: 'level', render: (one: LevelCode | null) => one && <Level level={one} short /> },
          { title: t('field.title'), dataIndex: 'title', render: (title: string, row) => row.case ? <Link to={`/cases/${row.case}`}>{title}</Link> : title, width: 420, ellipsis: true },
          { title: t('field.unit'), dataIndex: 'unit', render: unitName },
        ]}
      />
      <Earlier />
    </Flex>
  );
}

/** What came in before the page was opened, from the log. */
function Earlier() {
  const { t } = useI18n();
  const [before, setBefore] = useState<number>();
  const log = useLog({ type: 'huiyin.source.page', before });
  const [open, setOpen] = useState<number>();
  const record = useLogRecord(open);
  return (
    <Card size="small" title={t('monitor.earlier')}>
      <Loaded of={log}>
        {(page) => (
          <Table<LogRow>
            size="small"
            rowKey="index"
            dataSource={page.records}
            pagination={false}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Nothing title={t('monitor.noearlier')} /> }}
            expandable={{
              expandedRowKeys: open === undefined ? [] : [open],
              onExpand: (yes, row) => setOpen(yes ? row.index : undefined),
              expandedRowRender: () => <Loaded of={record}>{(found) => <Items data={found.data} />}</Loaded>,
            }}
            columns={[
              { title: t('field.time'), dataIndex: 'time', render: (at: string) => <Time at={at} seconds /> },
              { title: t('field.source'), dataIndex: 'subject' },
              { title: t('audit.index'), dataIndex: 'index' },
            ]}
            footer={() => page.next !== null && <Button size="small" onClick={() => setBefore(page.next ?? undefined)}>{t('do.older')}</Button>}
          />
        )}
      </Loaded>
    </Card>
  );
}

/** Every item that stands somewhere in a record. */
export function itemsIn(value: unknown): { id: string; title: string; url?: string }[] {
  const found: { id: string; title: string; url?: string }[] = [];
  const walk = (one: unknown, depth: number) => {
    if (depth > 8 || found.length >= 200) return;
    if (Array.isArray(one)) one.forEach((each) => walk(each, depth + 1));
    else if (one && typeof one === 'object') {
      const fields = one as Record<string, unknown>;
      if (typeof fields['title'] === 'string' && typeof fields['id'] === 'string') found.push({ id: fields['id'], title: fields['title'], url: text(fields['url']) || undefined });
      else Object.values(fields).forEach((each) => walk(each, depth + 1));
    }
  };
  walk(value, 0);
  return found;
}

function Items({ data }: { data: unknown }) {
  const { t } = useI18n();
  const items = itemsIn(data);
  if (items.length === 0) return <Typography.Text type="secondary">{t('monitor.noitems')}</Typography.Text>;
  return (
    <ul style={{ margin: 0 }}>
      {items.map((item) => <li key={item.id}>{item.title} {item.url && <Outside url={item.url} />}</li>)}
    </ul>
  );
}

function UnjudgedList() {
  const { t, name } = useI18n();
  const items = useUnjudged();
  const person = useSession().data?.session?.unit !== undefined;
  const [asked, setAsked] = useState<Asked | null>(null);
  return (
    <Loaded of={items}>
      {(rows: Unjudged[]) => (
        <Flex vertical gap={8}>
          {rows.length === 0 && <Card><Nothing title={t('monitor.nounjudged')} help={t('monitor.nounjudged.help')} /></Card>}
          {rows.map((row) => (
            <Card key={row.item} size="small">
              <Flex justify="space-between" gap={12} wrap>
                <div style={{ flex: '1 1 280px', minWidth: 0 }}>
                  <Typography.Text strong style={{ overflowWrap: 'anywhere' }}>{row.title}</Typography.Text>
                  <div><Typography.Text type="secondary">{name(row.unit_name, row.unit)} · {row.source} · <Time at={row.observed} /></Typography.Text></div>
                  {row.text && <p className="post" style={{ margin: '6px 0' }}>{row.text}</p>}
                  {row.url && <Outside url={row.url} />}
                  <div><Typography.Text type="secondary">{t('monitor.why', { why: row.reason })}</Typography.Text></div>
                </div>
                {person && (
                  <Flex gap={8} align="flex-start">
                    <Button type="primary" onClick={() => setAsked({ command: 'record-assessment', unit: row.unit, initial: { item: row.item }, fixed: ['item', 'case', 'classifier'] })}>{t('command.record-assessment')}</Button>
                    <Button onClick={() => setAsked({ command: 'open-case', unit: row.unit, initial: { item: row.item }, fixed: ['item', 'unit'] })}>{t('command.open-case')}</Button>
                  </Flex>
                )}
              </Flex>
            </Card>
          ))}
          <CommandDrawer asked={asked} onClose={() => setAsked(null)} />
        </Flex>
      )}
    </Loaded>
  );
}
