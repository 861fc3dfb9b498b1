// 流程: the workflows in force, what runs, and the times of those that run by the clock.

import { CloudUploadOutlined } from '@ant-design/icons';
import { Button, Card, Segmented, Table, Tabs, Tag, Tooltip, Typography } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';

import { type Schedule, usePack, useRuns, useSchedules, useWorkflows } from '../api/hooks';
import type { Run, Workflow } from '../api/types';
import { useI18n } from '../i18n';
import { Loaded, Nothing, PageHead, useActor } from '../ui/bits';
import { Time } from '../ui/time';
import { Deploy } from './workflow/deploy';
import { PauseButton } from './workflow/pause';

export default function Workflows() {
  const { t } = useI18n();
  const [deploying, setDeploying] = useState(false);
  return (
    <>
      <PageHead
        title={t('nav.workflows')}
        about={t('workflows.about')}
        extra={<Button type="primary" icon={<CloudUploadOutlined />} onClick={() => setDeploying(true)}>{t('workflow.deploy')}</Button>}
      />
      <Tabs
        items={[
          { key: 'list', label: t('workflows.list'), children: <WorkflowTable /> },
          { key: 'runs', label: t('workflows.runs'), children: <Runs /> },
          { key: 'schedules', label: t('workflows.schedules'), children: <Schedules /> },
        ]}
      />
      <Deploy open={deploying} onClose={() => setDeploying(false)} />
    </>
  );
}

function useUnitName(): (code: string | null | undefined) => string {
  const { name } = useI18n();
  const pack = usePack().data;
  return (code) => (code ? name(pack?.units.find((unit) => unit.code === code)?.name, code) : '–');
}

function WorkflowTable() {
  const { t } = useI18n();
  const actor = useActor();
  const unit = useUnitName();
  const workflows = useWorkflows();
  return (
    <Loaded of={workflows}>
      {(rows) => (
        <Table<Workflow>
          size="small"
          rowKey={(row) => `${row.deployment}/${row.unit ?? ''}`}
          dataSource={rows}
          pagination={{ pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: <Nothing title={t('workflows.none')} help={t('workflows.none.help')} /> }}
          columns={[
            { title: t('workflow.name'), dataIndex: 'name', render: (name: string, row) => <Link to={`/workflows/${name}?unit=${row.unit ?? ''}`}>{name}</Link> },
            { title: t('workflow.version'), dataIndex: 'version' },
            { title: t('field.unit'), dataIndex: 'unit', render: (code: string | null) => (code ? unit(code) : t('workflow.nounit')) },
            {
              title: t('workflow.state'),
              render: (_, row) => (
                <>
                  <Tag color={row.active ? 'green' : undefined}>{t(row.active ? 'workflow.active' : 'workflow.past')}</Tag>
                  {Object.keys(row.withheld).length > 0 && <Tooltip title={Object.values(row.withheld).join('; ')}><Tag color="red">{t('workflow.withheld')}</Tag></Tooltip>}
                </>
              ),
            },
            { title: t('workflow.running'), dataIndex: 'running' },
            { title: t('workflow.since'), dataIndex: 'since', render: (at: string) => <Time at={at} /> },
            { title: t('workflow.by'), dataIndex: 'by', render: (by: string | null) => (by ? actor(by) : t('workflow.byconfig')) },
          ]}
        />
      )}
    </Loaded>
  );
}

export const RUN_COLOUR: Record<string, string> = {
  running: 'blue', suspended: 'gold', waiting: 'orange', quarantined: 'red', completed: 'green', faulted: 'red', cancelled: 'default',
};

export function RunTable({ workflow, unit }: { workflow?: string; unit?: string }) {
  const { t } = useI18n();
  const unitName = useUnitName();
  const [status, setStatus] = useState('');
  const runs = useRuns({ workflow, unit, status: status || undefined, limit: 200 });
  return (
    <>
      <div style={{ overflowX: 'auto', marginBottom: 12 }}>
        <Segmented
          value={status}
          onChange={setStatus}
          aria-label={t('workflow.state')}
          options={[{ value: '', label: t('run.any') }, ...['running', 'waiting', 'suspended', 'quarantined', 'faulted', 'completed', 'cancelled'].map((one) => ({ value: one, label: t(`run.${one as 'running'}`) }))]}
        />
      </div>
      <Loaded of={runs}>
        {(rows) => (
          <Table<Run>
            size="small"
            rowKey="run"
            dataSource={rows}
            pagination={{ pageSize: 25, hideOnSinglePage: true, showSizeChanger: false }}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Nothing title={t('runs.none')} help={t('runs.none.help')} /> }}
            columns={[
              { title: t('run.run'), dataIndex: 'run', render: (id: string) => <Link to={`/runs/${encodeURIComponent(id)}`}><code>{id.length > 20 ? id.slice(0, 20) + '…' : id}</code></Link> },
              ...(workflow ? [] : [{ title: t('workflow.name'), dataIndex: 'workflow' }]),
              { title: t('field.unit'), dataIndex: 'unit', render: unitName },
              { title: t('workflow.state'), dataIndex: 'status', render: (one: string) => <Tag color={RUN_COLOUR[one]}>{t(`run.${one as 'running'}`)}</Tag> },
              { title: t('run.started'), dataIndex: 'started', render: (at: string) => <Time at={at} seconds /> },
              { title: t('run.ended'), dataIndex: 'ended', render: (at?: string) => <Time at={at} seconds /> },
            ]}
          />
        )}
      </Loaded>
    </>
  );
}

function Runs() {
  return <RunTable />;
}

function Schedules() {
  const { t } = useI18n();
  const unit = useUnitName();
  const schedules = useSchedules();
  return (
    <Loaded of={schedules}>
      {(rows: Schedule[]) => (
        <>
          {rows.length === 0 && <Card><Nothing title={t('schedules.none')} help={t('schedules.none.help')} /></Card>}
          {rows.length > 0 && (
            <Table<Schedule>
              size="small"
              rowKey={(row) => `${row.workflow}/${row.unit ?? ''}`}
              dataSource={rows}
              pagination={false}
              scroll={{ x: 'max-content' }}
              columns={[
                { title: t('workflow.name'), dataIndex: 'workflow', render: (name: string) => <Link to={`/workflows/${name}`}>{name}</Link> },
                { title: t('field.unit'), dataIndex: 'unit', render: (code?: string | null) => unit(code) },
                { title: t('schedule.next'), render: (_, row) => (row.next ?? []).slice(0, 3).map((at) => <div key={String(at)}><Time at={typeof at === 'string' ? at : String((at as { at?: string }).at ?? '')} /></div>) },
                { title: t('workflow.state'), render: (_, row) => (row.paused ? <Tag color="gold">{t('schedule.paused')}</Tag> : <Tag color="green">{t('schedule.on')}</Tag>) },
                { title: '', key: 'do', render: (_, row) => <PauseButton schedule={row} /> },
              ]}
            />
          )}
          <Typography.Paragraph type="secondary" style={{ marginTop: 12 }}>{t('schedules.about')}</Typography.Paragraph>
        </>
      )}
    </Loaded>
  );
}
