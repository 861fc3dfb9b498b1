// 审计: the records of the log, its signed checkpoint, and a proof of any record.

import { DownloadOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Alert, AutoComplete, Button, Card, Col, Descriptions, Drawer, Flex, Input, Row, Select, Table, Tooltip, Typography } from 'antd';
import { useState } from 'react';
import { useSearchParams } from 'react-router';

import { ask, get } from '../api/client';
import { type LogFilter, useLog, useLogRecord, usePack } from '../api/hooks';
import type { LogRow } from '../api/types';
import { useI18n } from '../i18n';
import { Hash, Json, Loaded, Nothing, PageHead, ProblemAlert, useActor } from '../ui/bits';
import { Time } from '../ui/time';

const TYPES = ['huiyin.desk.decided', 'huiyin.source.', 'huiyin.run.', 'huiyin.effect.', 'huiyin.workflow.', 'huiyin.plugin.', 'huiyin.binding.', 'huiyin.schedule.', 'huiyin.floor.', 'huiyin.snapshot.'];

export default function Audit() {
  const { t, name, word } = useI18n();
  const [params, setParams] = useSearchParams();
  const [filter, setFilter] = useState<LogFilter>({});
  const [earlier, setEarlier] = useState<number[]>([]);
  const before = earlier.at(-1);
  const log = useLog({ ...filter, before });
  const pack = usePack().data;
  const actor = useActor();
  const chosen = params.get('record');
  const choose = (index: number | null) => setParams(index === null ? {} : { record: String(index) }, { replace: true });
  const set = (part: LogFilter) => {
    setFilter((old) => ({ ...old, ...part }));
    setEarlier([]);
  };
  return (
    <>
      <PageHead title={t('nav.audit')} about={t('audit.about')} />
      <Row gutter={[16, 16]}>
        <Col xs={24} xl={17}>
          <Flex gap={8} wrap style={{ marginBottom: 12 }}>
            <AutoComplete allowClear options={TYPES.map((value) => ({ value }))} placeholder={t('audit.type')} aria-label={t('audit.type')} style={{ width: 220 }} onChange={(type: string) => set({ type: type || undefined })} />
            <Input.Search allowClear placeholder={t('audit.subject')} aria-label={t('audit.subject')} style={{ width: 220 }} onSearch={(subject) => set({ subject: subject || undefined })} />
            <Input.Search allowClear placeholder={t('audit.actor')} aria-label={t('audit.actor')} style={{ width: 200 }} onSearch={(who) => set({ actor: who || undefined })} />
            <Select allowClear placeholder={t('field.unit')} aria-label={t('field.unit')} style={{ width: 200 }} onChange={(unit?: string) => set({ unit })} options={pack?.units.map((one) => ({ value: one.code, label: name(one.name) }))} />
          </Flex>
          <Loaded of={log}>
            {(page) => (
              <Table<LogRow>
                size="small"
                rowKey="index"
                dataSource={page.records}
                pagination={false}
                scroll={{ x: 'max-content' }}
                locale={{ emptyText: <Nothing title={t('audit.none')} help={t('audit.none.help')} /> }}
                columns={[
                  { title: t('audit.index'), dataIndex: 'index', render: (index: number) => <Button type="link" size="small" style={{ padding: 0 }} onClick={() => choose(index)}>{index}</Button> },
                  { title: t('field.time'), dataIndex: 'time', render: (at: string) => <Time at={at} seconds /> },
                  { title: t('audit.type'), dataIndex: 'type', render: (type: string) => <Tooltip title={type}>{word('event', type.replace(/^huiyin\./, '').replace(/\.v\d+$/, ''))}</Tooltip> },
                  { title: t('audit.subject'), dataIndex: 'subject', ellipsis: true, width: 260 },
                  { title: t('audit.actor'), dataIndex: 'actor', render: (who: string) => actor(who) },
                  { title: t('field.unit'), dataIndex: 'unit' },
                ]}
                footer={() => (
                  <Flex gap={8} justify="space-between" wrap>
                    <Typography.Text type="secondary">{t('audit.size', { n: page.size })}</Typography.Text>
                    <Flex gap={8}>
                      <Button size="small" disabled={earlier.length === 0} onClick={() => setEarlier(earlier.slice(0, -1))}>{t('do.newer')}</Button>
                      <Button size="small" disabled={page.next === null} onClick={() => page.next !== null && setEarlier([...earlier, page.next])}>{t('do.older')}</Button>
                    </Flex>
                  </Flex>
                )}
              />
            )}
          </Loaded>
        </Col>
        <Col xs={24} xl={7}><Checkpoint /></Col>
      </Row>
      <RecordDrawer index={chosen === null ? undefined : Number(chosen)} onClose={() => choose(null)} />
    </>
  );
}

function Checkpoint() {
  const { t } = useI18n();
  const note = useQuery({ queryKey: ['checkpoint'], queryFn: () => ask<string>('GET', '/v1/checkpoint', { text: true }), refetchInterval: 15_000, retry: false });
  const key = useQuery({ queryKey: ['log-key'], queryFn: () => ask<string>('GET', '/v1/log/key', { text: true }), staleTime: Infinity, retry: false });
  const lines = note.data?.split('\n') ?? [];
  return (
    <Card size="small" title={t('audit.checkpoint')}>
      <Typography.Paragraph type="secondary">{t('audit.checkpoint.about')}</Typography.Paragraph>
      {note.data && (
        <Descriptions
          size="small"
          column={1}
          items={[
            { key: 'origin', label: t('audit.origin'), children: <span style={{ overflowWrap: 'anywhere' }}>{lines[0]}</span> },
            { key: 'size', label: t('audit.records'), children: lines[1] },
            { key: 'root', label: t('audit.root'), children: <Hash value={lines[2]} /> },
            { key: 'key', label: t('audit.key'), children: <Hash value={key.data?.trim()} length={24} /> },
          ]}
        />
      )}
      {note.error && <ProblemAlert error={note.error} again={() => void note.refetch()} />}
      {note.data && <Button size="small" icon={<DownloadOutlined />} onClick={() => save(note.data, 'checkpoint.txt')}>{t('audit.save')}</Button>}
    </Card>
  );
}

/** Gives a text to the reader as a file. */
function save(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

function RecordDrawer({ index, onClose }: { index: number | undefined; onClose: () => void }) {
  const { t } = useI18n();
  const actor = useActor();
  const record = useLogRecord(index);
  const proof = useQuery({ queryKey: ['proof', index], queryFn: () => get<Record<string, unknown>>(`/v1/proofs/${index ?? 0}`), enabled: false, retry: false });
  return (
    <Drawer open={index !== undefined} onClose={onClose} title={t('audit.record', { n: index ?? 0 })} size={Math.min(typeof window === 'undefined' ? 640 : window.innerWidth, 640)} closable={{ 'aria-label': t('do.close') }} destroyOnHidden>
      {index !== undefined && (
        <Loaded of={record}>
          {(found) => (
            <Flex vertical gap={12}>
              <Descriptions
                size="small"
                column={1}
                bordered
                items={[
                  { key: 'type', label: t('audit.type'), children: <code>{found.type}</code> },
                  { key: 'subject', label: t('audit.subject'), children: <span style={{ overflowWrap: 'anywhere' }}>{found.subject}</span> },
                  { key: 'time', label: t('field.time'), children: <Time at={found.time} seconds /> },
                  { key: 'actor', label: t('audit.actor'), children: <>{actor(found.actor)} <code>{found.actor}</code></> },
                  { key: 'id', label: t('audit.id'), children: <code>{found.id}</code> },
                  { key: 'cause', label: t('audit.cause'), children: found.causation ? <code>{found.causation}</code> : '–' },
                  { key: 'commitment', label: t('audit.commitment'), children: <Hash value={found.commitment} length={24} /> },
                ]}
              />
              {found.redacted ? <Alert type="info" showIcon title={t('audit.redacted')} /> : <Json value={found.data} />}
              <Flex gap={8} wrap>
                <Button type="primary" loading={proof.isFetching} onClick={() => void proof.refetch()}>{t('audit.prove')}</Button>
                {proof.data && <Button icon={<DownloadOutlined />} onClick={() => save(JSON.stringify(proof.data, null, 2), `huiyin-proof-${index}.json`)}>{t('audit.save')}</Button>}
              </Flex>
              {proof.error && <ProblemAlert error={proof.error} />}
              {proof.data && (
                <>
                  <Alert type="success" showIcon title={t('audit.proved')} description={t('audit.proved.help')} />
                  <Json value={proof.data} />
                </>
              )}
            </Flex>
          )}
        </Loaded>
      )}
    </Drawer>
  );
}
