// An act that needs a reason, and is refused with the host's own words.

import { App, Form, Input, Modal } from 'antd';
import { type ReactNode, useState } from 'react';

import { useI18n } from '../i18n';
import { ProblemAlert } from './bits';

export function ReasonModal({ open, title, about, danger, reason = true, children, onClose, onSend }: {
  open: boolean;
  title: string;
  about?: ReactNode;
  danger?: boolean;
  /** Whether a reason is asked for. */
  reason?: boolean;
  children?: ReactNode;
  onClose: () => void;
  onSend: (reason: string) => Promise<unknown>;
}) {
  const { t } = useI18n();
  const { message } = App.useApp();
  const [form] = Form.useForm<{ reason: string }>();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const close = () => {
    setError(null);
    form.resetFields();
    onClose();
  };
  const send = async (given: string) => {
    setBusy(true);
    setError(null);
    try {
      await onSend(given);
      message.success(t('form.done', { what: title }));
      close();
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      open={open}
      title={title}
      onCancel={close}
      okText={title}
      cancelText={t('do.cancel')}
      confirmLoading={busy}
      okButtonProps={{ danger }}
      onOk={() => form.submit()}
      destroyOnHidden
      closable={{ 'aria-label': t('do.close') }}
    >
      {about}
      <Form form={form} layout="vertical" onFinish={(values) => void send(values.reason ?? '')}>
        {children}
        {reason && (
          <Form.Item name="reason" label={t('field.reason')} rules={[{ required: true, whitespace: true, message: t('form.required', { label: t('field.reason') }) }]}>
            <Input.TextArea autoSize={{ minRows: 2 }} maxLength={600} autoFocus />
          </Form.Item>
        )}
      </Form>
      {error !== null && <ProblemAlert error={error} />}
    </Modal>
  );
}
