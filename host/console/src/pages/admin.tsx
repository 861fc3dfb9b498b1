// 管理: the host's health, its units, and for an admin the accounts and the record of sign-ins.

import { PlusOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, AutoComplete, Button, Card, Checkbox, Dropdown, Flex, Form, Modal, Statistic, Table, Tabs, Tag, Typography } from 'antd';
import { useState } from 'react';

import { ask, post } from '../api/client';
import { useAccounts, useHost, usePack, useSession, useSignIns } from '../api/hooks';
import type { Account, SignIn } from '../api/types';
import { type Key, useI18n } from '../i18n';
import { Loaded, Nothing, PageHead } from '../ui/bits';
import { ReasonModal } from '../ui/reason';
import { Time } from '../ui/time';

export default function Admin() {
  const { t } = useI18n();
  const admin = useSession().data?.session?.admin ?? false;
  return (
    <>
      <PageHead title={t('nav.admin')} about={t('admin.about')} />
      <Tabs
        items={[
          { key: 'health', label: t('admin.health'), children: <Health /> },
          ...(admin
            ? [
                { key: 'accounts', label: t('admin.accounts'), children: <Accounts /> },
                { key: 'signins', label: t('admin.signins'), children: <SignIns /> },
              ]
            : []),
        ]}
      />
      {!admin && <Alert type="info" showIcon title={t('admin.only')} style={{ marginTop: 16 }} />}
    </>
  );
}

function Health() {
  const { t, name } = useI18n();
  const host = useHost();
  const pack = usePack().data;
  const figure = (title: string, value: string | number) => <Card size="small" style={{ flex: '1 1 140px' }}><Statistic title={title} value={value} /></Card>;
  return (
    <Loaded of={host}>
      {(found) => (
        <Flex vertical gap={16}>
          <Flex gap={8} wrap>
            {figure(t('admin.version'), found.version)}
            {figure(t('admin.records'), found.records)}
            {figure(t('admin.checkpoint'), found.checkpoint ?? '–')}
            {figure(t('admin.running'), found.runs.running)}
            {figure(t('admin.cases'), found.cases)}
            {figure(t('admin.items'), found.items)}
            {figure(t('admin.partitions'), found.partitions)}
          </Flex>
          {found.checkpoint !== null && found.records - found.checkpoint > 1_000 && <Alert type="warning" showIcon title={t('admin.behind')} />}
          <Card size="small" title={t('admin.units')}>
            {found.units.length === 0 && <Nothing title={t('admin.nounits')} />}
            <Flex gap={8} wrap>{found.units.map((code) => <Tag key={code}>{name(pack?.units.find((unit) => unit.code === code)?.name, code)}</Tag>)}</Flex>
          </Card>
        </Flex>
      )}
    </Loaded>
  );
}

type Doing = { act: 'reset' | 'reset-second' | 'lock' | 'unlock' | 'sign-out' | 'remove'; account: string };

function Accounts() {
  const { t, name } = useI18n();
  const accounts = useAccounts(true);
  const client = useQueryClient();
  const own = useSession().data?.session?.account;
  const [adding, setAdding] = useState(false);
  const [doing, setDoing] = useState<Doing | null>(null);
  const [told, setTold] = useState<{ account: string; password: string } | null>(null);
  const refresh = () => Promise.all(['accounts', 'sign-ins'].map((one) => client.invalidateQueries({ queryKey: [one] })));
  const acts = (row: Account): Doing['act'][] => [...(row.account === own ? [] : ([row.locked ? 'unlock' : 'lock', 'remove'] as const)), 'reset', ...(row.second && row.account !== own ? (['reset-second'] as const) : []), 'sign-out'];
  return (
    <Flex vertical gap={12}>
      <div><Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>{t('admin.add')}</Button></div>
      <Loaded of={accounts}>
        {(rows) => (
          <Table<Account>
            size="small"
            rowKey="account"
            dataSource={rows}
            pagination={{ pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }}
            scroll={{ x: 'max-content' }}
            columns={[
              { title: t('signin.account'), dataIndex: 'account' },
              { title: t('admin.person'), render: (_, row) => (row.actor.startsWith('admin:') ? <Tag color="purple">{t('admin.hostadmin')}</Tag> : (row.name ?? <Tag color="red">{t('admin.nobody')}</Tag>)) },
              { title: t('field.unit'), render: (_, row) => name(row.unit_name, row.unit ?? '–') },
              { title: t('workflow.state'), render: (_, row) => <>{row.locked && <Tag color="red">{t('admin.locked')}</Tag>}{row.must_change && <Tag color="gold">{t('admin.first')}</Tag>}{!row.locked && !row.must_change && <Tag color="green">{t('admin.fine')}</Tag>}</> },
              { title: t('admin.sessions'), dataIndex: 'sessions' },
              { title: t('admin.changed'), dataIndex: 'changed', render: (at: string) => <Time at={at} /> },
              {
                title: t('admin.do'),
                key: 'do',
                render: (_, row) => (
                  <Dropdown trigger={['click']} menu={{ items: acts(row).map((act) => ({ key: act, danger: act === 'remove' || act === 'lock', label: t(`admin.do.${act}`), onClick: () => setDoing({ act, account: row.account }) })) }}>
                    <Button size="small">{t('admin.do')}</Button>
                  </Dropdown>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {adding && <AddAccount onClose={() => setAdding(false)} onTold={(one) => { setTold(one); void refresh(); }} known={(accounts.data ?? []).map((one) => one.account)} />}
      {doing && (
        <ReasonModal
          open
          reason={false}
          danger={doing.act === 'remove' || doing.act === 'lock'}
          title={t(`admin.do.${doing.act}` as Key)}
          about={<Typography.Paragraph>{t(`admin.about.${doing.act}` as Key, { account: doing.account })}</Typography.Paragraph>}
          onClose={() => setDoing(null)}
          onSend={async () => {
            const answer = await post<{ account: string; password: string } | undefined>(`/v1/accounts/${encodeURIComponent(doing.account)}/${doing.act}`);
            if (answer?.password) setTold(answer);
            await refresh();
          }}
        />
      )}
      <Modal open={told !== null} title={t('admin.told')} onCancel={() => setTold(null)} onOk={() => setTold(null)} cancelButtonProps={{ style: { display: 'none' } }} okText={t('do.close')} closable={{ 'aria-label': t('do.close') }}>
        <Typography.Paragraph>{t('admin.told.about', { account: told?.account ?? '' })}</Typography.Paragraph>
        <Typography.Paragraph copyable={{ text: told?.password ?? '' }} style={{ fontSize: 18 }}><code data-testid="first-password">{told?.password}</code></Typography.Paragraph>
      </Modal>
    </Flex>
  );
}

function AddAccount({ onClose, onTold, known }: { onClose: () => void; onTold: (told: { account: string; password: string }) => void; known: string[] }) {
  const { t, name } = useI18n();
  const { message } = App.useApp();
  const pack = usePack().data;
  const [form] = Form.useForm<{ account: string; admin?: boolean }>();
  const people = (pack?.units ?? []).flatMap((unit) => unit.people.filter((one) => !known.includes(one.id)).map((one) => ({ value: one.id, label: `${one.name} · ${name(unit.name)} (${one.id})` })));
  return (
    <ReasonModal
      open
      reason={false}
      title={t('admin.add')}
      onClose={onClose}
      onSend={async () => {
        const values = await form.validateFields();
        const told = await ask<{ account: string; password: string }>('POST', '/v1/accounts', { body: { account: values.account, admin: values.admin ?? false } });
        message.success(t('admin.added', { account: told.account }));
        onTold(told);
      }}
    >
      <Form form={form} layout="vertical" component={false}>
        <Form.Item name="account" label={t('signin.account')} extra={t('admin.add.help')} rules={[{ required: true, message: t('signin.account.need') }]}>
          <AutoComplete options={people} showSearch={{ filterOption: (typed, option) => String(option?.label ?? '').includes(typed) }} />
        </Form.Item>
        <Form.Item name="admin" valuePropName="checked"><Checkbox>{t('admin.asadmin')}</Checkbox></Form.Item>
      </Form>
    </ReasonModal>
  );
}

function SignIns() {
  const { t, word } = useI18n();
  const found = useSignIns(true);
  const bad = new Set(['refused', 'delayed', 'forged']);
  return (
    <Loaded of={found}>
      {(rows) => (
        <Table<SignIn>
          size="small"
          rowKey={(row, at) => `${row.time}${at}`}
          dataSource={rows}
          pagination={{ pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: <Nothing title={t('admin.nosignins')} /> }}
          columns={[
            { title: t('field.time'), dataIndex: 'time', render: (at: string) => <Time at={at} seconds /> },
            { title: t('admin.deed'), dataIndex: 'deed', render: (deed: string) => <Tag color={bad.has(deed) ? 'red' : undefined}>{word('deed', deed)}</Tag> },
            { title: t('signin.account'), dataIndex: 'account' },
            { title: t('workflow.by'), dataIndex: 'by' },
            { title: t('admin.address'), render: (_, row) => row.forwarded ?? row.address ?? '–' },
            { title: t('admin.detail'), dataIndex: 'detail' },
          ]}
        />
      )}
    </Loaded>
  );
}
