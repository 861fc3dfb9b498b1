// A workflow: its graph, its document, its runs; starting it, deploying another version, withdrawing it.

import { PlayCircleOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Button, Card, Col, Form, Input, Row, Select, Spin, Tabs, Tag, Typography } from 'antd';
import { Suspense, lazy, useMemo, useState } from 'react';
import { Link, useNavigate, useParams, useSearchParams } from 'react-router';

import { freshKey, post } from '../api/client';
import { usePack, useSession, useWorkflow } from '../api/hooks';
import { useI18n } from '../i18n';
import { Json, Loaded, Nothing, PageHead } from '../ui/bits';
import { ReasonModal } from '../ui/reason';
import { Deploy } from './workflow/deploy';
import type { GraphNode } from './workflow/graph';
import { RunTable } from './workflows';

const Diagram = lazy(() => import('./workflow/diagram'));

/** The task of a JSON pointer. */
export function taskAt(text: string, pointer: string): unknown {
  try {
    let value: unknown = JSON.parse(text);
    for (const part of pointer.replace(/#(\d+)\/0\//g, '/$1/').split('/').slice(1)) {
      value = (value as Record<string, unknown> | undefined)?.[part.replace(/~1/g, '/').replace(/~0/g, '~')];
    }
    return value;
  } catch {
    return undefined;
  }
}

export default function WorkflowPage() {
  const { namespace = '', name: short = '' } = useParams();
  const full = `${namespace}/${short}`;
  const [params, setParams] = useSearchParams();
  const { t, name } = useI18n();
  const pack = usePack().data;
  const unit = params.get('unit') ?? '';
  const found = useWorkflow(full, unit);
  const [chosen, setChosen] = useState<GraphNode | null>(null);
  const [doing, setDoing] = useState<'deploy' | 'start' | 'withdraw' | null>(null);
  const client = useQueryClient();
  const draft = useMemo(() => (found.data ? { file: `${short}.json`, text: found.data.text } : undefined), [found.data, short]);
  return (
    <>
      <Typography.Paragraph style={{ marginBottom: 8 }}><Link to="/workflows">{t('workflow.back')}</Link></Typography.Paragraph>
      <Loaded of={found}>
        {(workflow) => (
          <>
            <PageHead
              title={workflow.name}
              about={<>{t('workflow.version')} {workflow.version} · {workflow.deployments.map((one) => <Tag key={one.deployment} color={one.active ? 'green' : undefined}>{one.unit ? name(pack?.units.find((each) => each.code === one.unit)?.name, one.unit) : t('workflow.nounit')}</Tag>)}</>}
              extra={
                <>
                  <Button type="primary" icon={<PlayCircleOutlined />} onClick={() => setDoing('start')}>{t('workflow.run')}</Button>
                  <Button onClick={() => setDoing('deploy')}>{t('workflow.change')}</Button>
                  <Button danger onClick={() => setDoing('withdraw')}>{t('workflow.withdraw')}</Button>
                </>
              }
            />
            <Tabs
              items={[
                {
                  key: 'graph',
                  label: t('workflow.graph'),
                  children: (
                    <Row gutter={[16, 16]}>
                      <Col xs={24} lg={chosen ? 15 : 24}>
                        <Suspense fallback={<Spin />}><Diagram text={workflow.text} chosen={chosen?.id} onChoose={setChosen} /></Suspense>
                      </Col>
                      {chosen && (
                        <Col xs={24} lg={9}>
                          <Card size="small" title={chosen.name}><Json value={taskAt(workflow.text, chosen.id) ?? t('workflow.nostep')} max={440} /></Card>
                        </Col>
                      )}
                    </Row>
                  ),
                },
                { key: 'runs', label: t('workflows.runs'), children: <RunTable workflow={full} unit={unit || undefined} /> },
                { key: 'text', label: t('workflow.text'), children: <Json value={workflow.text} max={680} /> },
              ]}
            />
            <Deploy open={doing === 'deploy'} initial={draft} onClose={() => setDoing(null)} />
            <StartRun open={doing === 'start'} workflow={workflow.name} unit={unit} units={workflow.deployments.map((one) => one.unit)} onClose={() => setDoing(null)} />
            <ReasonModal
              open={doing === 'withdraw'}
              reason={false}
              danger
              title={t('workflow.withdraw')}
              about={<Typography.Paragraph>{t('workflow.withdraw.about')}</Typography.Paragraph>}
              onClose={() => setDoing(null)}
              onSend={async () => {
                await post(`/v1/workflows/${encodeURIComponent(namespace)}/${encodeURIComponent(short)}/withdraw`, unit ? { unit } : {});
                await Promise.all(['workflows', 'workflow'].map((one) => client.invalidateQueries({ queryKey: [one] })));
              }}
            />
          </>
        )}
      </Loaded>
      {found.error && unit === '' && (pack?.units.length ?? 0) > 0 && (
        <Card size="small" title={t('workflow.whose')} style={{ marginTop: 16 }}>
          <Select style={{ width: 280 }} aria-label={t('field.unit')} placeholder={t('field.unit')} options={pack?.units.map((one) => ({ value: one.code, label: name(one.name) }))} onChange={(code: string) => setParams({ unit: code })} />
        </Card>
      )}
      {found.data === undefined && found.error === null && <Nothing title={t('wait')} />}
    </>
  );
}

function StartRun({ open, workflow, unit, units, onClose }: { open: boolean; workflow: string; unit: string; units: (string | null)[]; onClose: () => void }) {
  const { t, name } = useI18n();
  const pack = usePack().data;
  const session = useSession().data?.session;
  const navigate = useNavigate();
  const client = useQueryClient();
  const [input, setInput] = useState('{}');
  const known = units.filter((one): one is string => one !== null);
  const [whose, setWhose] = useState<string | undefined>(unit || known.find((one) => one === session?.unit) || known[0]);
  return (
    <ReasonModal
      open={open}
      reason={false}
      title={t('workflow.run')}
      about={<Typography.Paragraph type="secondary">{t('workflow.run.about')}</Typography.Paragraph>}
      onClose={onClose}
      onSend={async () => {
        const started = await post<{ run: string }>('/v1/runs', { workflow, unit: whose, input: JSON.parse(input) as unknown }, { key: freshKey() });
        await client.invalidateQueries({ queryKey: ['runs'] });
        void navigate(`/runs/${encodeURIComponent(started.run)}`);
      }}
    >
      {known.length > 0 && (
        <Form.Item label={t('field.unit')} htmlFor="run-unit">
          <Select id="run-unit" value={whose} onChange={setWhose} options={known.map((code) => ({ value: code, label: name(pack?.units.find((one) => one.code === code)?.name, code) }))} />
        </Form.Item>
      )}
      <Form.Item label={t('workflow.input')} htmlFor="run-input">
        <Input.TextArea id="run-input" value={input} onChange={(event) => setInput(event.target.value)} autoSize={{ minRows: 4, maxRows: 14 }} style={{ fontFamily: 'ui-monospace, monospace' }} spellCheck={false} />
      </Form.Item>
    </ReasonModal>
  );
}
