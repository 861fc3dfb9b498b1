// Bringing workflows into force: files as they are, checked by the host, all or none; its findings at their place.

import { InboxOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Drawer, Flex, Input, Select, Typography, Upload } from 'antd';
import { useEffect, useState } from 'react';

import { type Diagnostic, ProblemError, post } from '../../api/client';
import { usePack, useSession } from '../../api/hooks';
import { useI18n } from '../../i18n';
import { ProblemAlert } from '../../ui/bits';

/** The largest file that is read, in bytes. */
const MAX_BYTES = 4 << 20;

export interface Draft {
  file: string;
  text: string;
}

export function Deploy({ open, initial, onClose }: { open: boolean; initial?: Draft; onClose: () => void }) {
  const { t, name } = useI18n();
  const { message } = App.useApp();
  const client = useQueryClient();
  const pack = usePack().data;
  const session = useSession().data?.session;
  const [file, setFile] = useState('workflow.json');
  const [text, setText] = useState('');
  const [units, setUnits] = useState<string[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (open && initial) {
      setFile(initial.file);
      setText(initial.text);
    }
    if (open) setError(null);
  }, [open, initial]);
  const found = error instanceof ProblemError ? (error.problem.diagnostics ?? []) : [];
  const send = async () => {
    setBusy(true);
    setError(null);
    try {
      const done = await post<{ deployed: { name: string; version: string; changed: boolean }[] }>('/v1/workflows', { workflows: [{ file, text }], units });
      message.success(t('deploy.done', { what: done.deployed.map((one) => `${one.name} ${one.version}`).join(', ') }));
      await Promise.all(['workflows', 'workflow', 'schedules'].map((one) => client.invalidateQueries({ queryKey: [one] })));
      onClose();
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  const choices = [{ value: '*', label: t('deploy.all') }, ...(pack?.units ?? []).filter((unit) => session?.admin || (session?.units ?? []).includes(unit.code)).map((unit) => ({ value: unit.code, label: name(unit.name) }))];
  return (
    <Drawer open={open} onClose={onClose} size={Math.min(typeof window === 'undefined' ? 720 : window.innerWidth, 720)} title={t('workflow.deploy')} closable={{ 'aria-label': t('do.close') }}>
      <Flex vertical gap={12}>
        <Typography.Text type="secondary">{t('deploy.about')}</Typography.Text>
        <Upload.Dragger
          accept=".json,application/json"
          showUploadList={false}
          beforeUpload={async (chosen) => {
            if (chosen.size > MAX_BYTES) message.error(t('deploy.large'));
            else {
              setFile(chosen.name);
              setText(await chosen.text());
              setError(null);
            }
            return Upload.LIST_IGNORE;
          }}
        >
          <InboxOutlined style={{ fontSize: 28 }} />
          <p style={{ margin: '4px 0' }}>{t('deploy.drop')}</p>
        </Upload.Dragger>
        <label htmlFor="deploy-text">{t('deploy.text', { file })}</label>
        <Input.TextArea id="deploy-text" value={text} onChange={(event) => setText(event.target.value)} autoSize={{ minRows: 12, maxRows: 24 }} style={{ fontFamily: 'ui-monospace, monospace', fontSize: 13 }} spellCheck={false} />
        <label htmlFor="deploy-units">{t('deploy.units')}</label>
        <Select id="deploy-units" mode="multiple" value={units} onChange={setUnits} options={choices} placeholder={t('deploy.units.none')} />
        {found.length > 0 ? <Findings found={found} /> : error !== null && <ProblemAlert error={error} />}
        <Flex justify="flex-end" gap={8}>
          <Button onClick={onClose}>{t('do.cancel')}</Button>
          <Button type="primary" disabled={text.trim() === ''} loading={busy} onClick={() => void send()}>{t('workflow.deploy')}</Button>
        </Flex>
      </Flex>
    </Drawer>
  );
}

/** Where a finding is, as far as the host says. */
export function placeOf(one: Diagnostic & Record<string, unknown>): string {
  const span = one['span'] as { line?: number; column?: number } | undefined;
  const line = one.line ?? span?.line;
  const column = one.column ?? span?.column;
  return [one.file, line, column].filter((part) => part !== undefined && part !== null && part !== '').join(':') || (one.pointer ?? '');
}

function Findings({ found }: { found: Diagnostic[] }) {
  const { t } = useI18n();
  return (
    <Alert
      type="error"
      showIcon
      title={t('deploy.findings', { n: found.length })}
      description={
        <ul style={{ margin: 0, paddingInlineStart: 18 }}>
          {found.map((one, at) => (
            <li key={at} style={{ overflowWrap: 'anywhere' }}>
              <code>{placeOf(one as Diagnostic & Record<string, unknown>)}</code> {one.message}
              {one.hint && <div><Typography.Text type="secondary">{one.hint}</Typography.Text></div>}
            </li>
          ))}
        </ul>
      }
    />
  );
}
