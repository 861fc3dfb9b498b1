// Coming in: signing in, the first admin, another password.

import { LockOutlined, TranslationOutlined, UserOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Card, Flex, Form, type FormInstance, Input, Typography, theme } from 'antd';
import { type ReactNode, useState } from 'react';
import { useNavigate } from 'react-router';

import { ProblemError, ask, post } from '../api/client';
import type { SessionAnswer } from '../api/types';
import { useSession } from '../api/hooks';
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
  const [form] = Form.useForm<{ account: string; password: string; code?: string }>();
  const [coded, setCoded] = useState(false);
  const { send, busy, alert } = useSend(form);
  return (
    <Outside title={t('signin')} about={t('signin.about')}>
      <Form
        form={form}
        layout="vertical"
        requiredMark={false}
        onFinish={(values) =>
          void send(async () => {
            try {
              const answer = await ask<SessionAnswer>('POST', '/v1/session', { body: values, quiet: true });
              client.setQueryData(['session'], answer);
            } catch (failed) {
              // The password is right: the same again, with a code.
              if (!(failed instanceof ProblemError) || failed.kind !== 'code-needed') throw failed;
              setCoded(true);
            }
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
        {coded && (
          <Form.Item name="code" label={t('second.code')} extra={t('second.code.help')} rules={[{ required: true, message: t('second.code.need') }]}>
            <Input autoComplete="one-time-code" autoCapitalize="none" maxLength={40} autoFocus />
          </Form.Item>
        )}
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

/** Two-step sign-in: set up with the phone, or taken away with a code. */
export function SecondFactor() {
  const { t } = useI18n();
  const client = useQueryClient();
  const on = useSession().data?.session?.second ?? false;
  const [form] = Form.useForm<{ password: string; code: string }>();
  const { send, busy, alert } = useSend(form);
  const [offered, setOffered] = useState<{ secret: string; uri: string } | null>(null);
  const [recovery, setRecovery] = useState<string[] | null>(null);
  const begun = (answer: SessionAnswer) => client.setQueryData(['session'], answer);
  const finish = ({ password, code }: { password: string; code: string }) =>
    void send(async () => {
      if (on) {
        begun(await post<SessionAnswer>('/v1/session/second/remove', { password, code }));
        setRecovery(null);
      } else if (!offered) {
        setOffered(await post<{ secret: string; uri: string }>('/v1/session/second', { password }));
      } else {
        const answer = await post<SessionAnswer & { recovery: string[] }>('/v1/session/second/confirm', { code });
        setRecovery(answer.recovery);
        setOffered(null);
        begun({ session: answer.session });
      }
      form.resetFields();
    });
  return (
    <>
      <PageHead title={t('second')} about={t(on ? 'second.on' : 'second.about')} />
      {recovery && (
        <Card title={t('second.recovery')} style={{ marginBottom: 16 }}>
          <Typography.Paragraph>{t('second.recovery.about')}</Typography.Paragraph>
          <Typography.Paragraph copyable={{ text: recovery.join('\n') }}><code data-testid="recovery" style={{ whiteSpace: 'pre-line' }}>{recovery.join('\n')}</code></Typography.Paragraph>
        </Card>
      )}
      <Card>
        {offered && (
          <>
            <Typography.Paragraph>{t('second.secret.about')}</Typography.Paragraph>
            <Typography.Paragraph copyable={{ text: offered.secret }}><code data-testid="second-secret">{offered.secret}</code></Typography.Paragraph>
            <Typography.Paragraph copyable={{ text: offered.uri }}><a href={offered.uri}>{t('second.open')}</a></Typography.Paragraph>
          </>
        )}
        <Form form={form} layout="vertical" requiredMark={false} style={{ maxWidth: 400 }} onFinish={finish}>
          {alert}
          {!offered && (
            <Form.Item name="password" label={t('signin.password')} rules={[{ required: true, message: t('signin.password.need') }]}>
              <Input.Password autoComplete="current-password" maxLength={MAX} />
            </Form.Item>
          )}
          {(on || offered) && (
            <Form.Item name="code" label={t('second.code')} extra={on ? t('second.code.help') : undefined} rules={[{ required: true, message: t('second.code.need') }]}>
              <Input autoComplete="one-time-code" autoCapitalize="none" maxLength={40} />
            </Form.Item>
          )}
          <Button type="primary" danger={on} htmlType="submit" loading={busy}>{t(on ? 'second.remove' : offered ? 'second.confirm' : 'second.begin')}</Button>
        </Form>
      </Card>
    </>
  );
}
