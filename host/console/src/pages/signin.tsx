// Coming in: signing in, the first admin, another password.

import { LockOutlined, TranslationOutlined, UserOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Card, Flex, Form, type FormInstance, Input, Typography, theme } from 'antd';
import { type ReactNode, useState } from 'react';
import { useNavigate } from 'react-router';

import { ProblemError, ask, post } from '../api/client';
import type { SessionAnswer } from '../api/types';
import { useI18n } from '../i18n';
import { PageHead, problemText } from '../ui/bits';

const MIN = 12;
const MAX = 128;

function Outside({ title, about, children }: { title: string; about: ReactNode; children: ReactNode }) {
  const { t, lang, setLang } = useI18n();
  const { token } = theme.useToken();
  return (
    <Flex vertical align="center" justify="center" style={{ minHeight: '100vh', padding: 16, background: token.colorBgLayout }}>
      <main style={{ width: '100%', maxWidth: 400 }}>
        <Flex vertical align="center" gap={4} style={{ marginBottom: 20 }}>
          <img src="/huiyin.svg" alt="" width={56} height={56} />
          <Typography.Title level={1} style={{ fontSize: 24, margin: '8px 0 0' }}>{t('app.name')}</Typography.Title>
          <Typography.Text type="secondary">{t('app.motto')}</Typography.Text>
        </Flex>
        <Card>
          <Typography.Title level={2} style={{ fontSize: 18, marginTop: 0 }}>{title}</Typography.Title>
          <Typography.Paragraph type="secondary">{about}</Typography.Paragraph>
          {children}
        </Card>
        <Flex justify="center" style={{ marginTop: 12 }}>
          <Button type="text" icon={<TranslationOutlined />} onClick={() => setLang(lang === 'zh' ? 'en' : 'zh')} title={t('lang.switch')}>{t('lang.other')}</Button>
        </Flex>
      </main>
    </Flex>
  );
}

/** Sends a form that needs nobody signed in; what is wrong is told at its field. */
function useSend<T>(form: FormInstance<T>) {
  const i18n = useI18n();
  const [error, setError] = useState<{ title: string; detail: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const send = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (failed) {
      const field = failed instanceof ProblemError ? failed.problem.pointer?.slice(1) : undefined;
      if (field && failed instanceof ProblemError && form.getFieldInstance(field as never)) {
        form.setFields([{ name: field as never, errors: [failed.problem.detail] }]);
      } else {
        setError(problemText(failed, i18n));
      }
    } finally {
      setBusy(false);
    }
  };
  const alert = error && <Alert type="error" showIcon title={error.title} description={error.detail} style={{ marginBottom: 16 }} data-testid="refused" />;
  return { send, busy, alert };
}

export function SignInPage() {
  const { t } = useI18n();
  const client = useQueryClient();
  const [form] = Form.useForm<{ account: string; password: string }>();
  const { send, busy, alert } = useSend(form);
  return (
    <Outside title={t('signin')} about={t('signin.about')}>
      <Form
        form={form}
        layout="vertical"
        requiredMark={false}
        onFinish={(values) =>
          void send(async () => {
            const answer = await ask<SessionAnswer>('POST', '/v1/session', { body: values, quiet: true });
            client.setQueryData(['session'], answer);
          })
        }
      >
        {alert}
        <Form.Item name="account" label={t('signin.account')} rules={[{ required: true, message: t('signin.account.need') }]}>
          <Input prefix={<UserOutlined />} autoComplete="username" autoCapitalize="none" autoFocus />
        </Form.Item>
        <Form.Item name="password" label={t('signin.password')} rules={[{ required: true, message: t('signin.password.need') }]}>
          <Input.Password prefix={<LockOutlined />} autoComplete="current-password" maxLength={MAX} />
        </Form.Item>
        <Button type="primary" htmlType="submit" block loading={busy}>{t('signin')}</Button>
      </Form>
    </Outside>
  );
}

function NewPassword({ again }: { again: boolean }) {
  const { t } = useI18n();
  return (
    <>
      <Form.Item
        name={again ? 'new' : 'password'}
        label={t('password.new')}
        extra={t('password.rule', { min: MIN })}
        rules={[{ required: true, message: t('signin.password.need') }, { min: MIN, max: MAX, message: t('password.rule', { min: MIN }) }]}
      >
        <Input.Password autoComplete="new-password" maxLength={MAX} />
      </Form.Item>
      <Form.Item
        name="repeat"
        label={t('password.repeat')}
        dependencies={[again ? 'new' : 'password']}
        rules={[
          ({ getFieldValue }) => ({
            validator: (_, value) =>
              value === getFieldValue(again ? 'new' : 'password') ? Promise.resolve() : Promise.reject(new Error(t('password.differs'))),
          }),
        ]}
      >
        <Input.Password autoComplete="new-password" maxLength={MAX} />
      </Form.Item>
    </>
  );
}

export function FirstAdmin() {
  const { t } = useI18n();
  const client = useQueryClient();
  const [form] = Form.useForm<{ code: string; account: string; password: string }>();
  const { send, busy, alert } = useSend(form);
  return (
    <Outside title={t('first')} about={t('first.about')}>
      <Form
        form={form}
        layout="vertical"
        requiredMark={false}
        onFinish={({ code, account, password }) =>
          void send(async () => {
            await ask('POST', '/v1/session/first', { body: { code, account, password }, quiet: true });
            const answer = await ask<SessionAnswer>('POST', '/v1/session', { body: { account, password }, quiet: true });
            client.setQueryData(['session'], answer);
          })
        }
      >
        {alert}
        <Form.Item name="code" label={t('first.code')} extra={t('first.code.help')} rules={[{ required: true, message: t('first.code.need') }]}>
          <Input autoComplete="one-time-code" autoCapitalize="none" autoFocus />
        </Form.Item>
        <Form.Item name="account" label={t('first.account')} initialValue="admin" rules={[{ required: true, message: t('signin.account.need') }]}>
          <Input autoComplete="username" autoCapitalize="none" />
        </Form.Item>
        <NewPassword again={false} />
        <Button type="primary" htmlType="submit" block loading={busy}>{t('first.make')}</Button>
      </Form>
    </Outside>
  );
}

export function ChangePassword({ forced = false }: { forced?: boolean }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { message } = App.useApp();
  const [form] = Form.useForm<{ old: string; new: string }>();
  const { send, busy, alert } = useSend(form);
  const fields = (
    <Form
      form={form}
      layout="vertical"
      requiredMark={false}
      style={{ maxWidth: 400 }}
      onFinish={(values) =>
        void send(async () => {
          const answer = await post<SessionAnswer>('/v1/session/password', { old: values.old, new: values.new });
          client.setQueryData(['session'], answer);
          message.success(t('password.done'));
          void navigate('/today');
        })
      }
    >
      {alert}
      <Form.Item name="old" label={t(forced ? 'password.first' : 'password.old')} rules={[{ required: true, message: t('signin.password.need') }]}>
        <Input.Password autoComplete="current-password" maxLength={MAX} autoFocus />
      </Form.Item>
      <NewPassword again />
      <Button type="primary" htmlType="submit" block={forced} loading={busy}>{t('password.change')}</Button>
    </Form>
  );
  if (forced) return <Outside title={t('password.change')} about={t('password.forced')}>{fields}</Outside>;
  return (
    <>
      <PageHead title={t('password.change')} about={t('password.about')} />
      <Card>{fields}</Card>
    </>
  );
}
