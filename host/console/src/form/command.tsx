// One command of the desk as a form: made of the host's own schema, sent in the person's own name, and refused with the
// host's words at the field that they are about.

import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Drawer, Flex, Form, Select, Typography } from 'antd';
import { useMemo, useRef, useState } from 'react';

import { ProblemError, freshKey, post } from '../api/client';
import { useCommands, usePack, useSession } from '../api/hooks';
import { useI18n } from '../i18n';
import { Loaded, ProblemAlert, problemText } from '../ui/bits';
import { type Offers, SchemaFields } from './fields';
import { type Field, NotJson, fieldsOf, filledIn, pathOf } from './schema';

export interface Asked {
  command: string;
  /** What is filled in already; fields named in `fixed` are not shown. */
  initial?: Record<string, unknown>;
  fixed?: string[];
  offers?: Offers;
  /** In whose name, where the person acts for several units. */
  unit?: string;
  /** What the person should know first. */
  note?: string;
}

/** A command in a drawer at the side; on a phone it fills the screen. */
export function CommandDrawer({ asked, onClose, onDone }: { asked: Asked | null; onClose: () => void; onDone?: (answer: Record<string, unknown>) => void }) {
  const { t, word } = useI18n();
  const commands = useCommands();
  return (
    <Drawer
      open={asked !== null}
      onClose={onClose}
      size={typeof window !== 'undefined' && window.innerWidth < 640 ? window.innerWidth : 560}
      title={asked ? word('command', asked.command, asked.command) : ''}
      destroyOnHidden
      closable={{ 'aria-label': t('do.close') }}
    >
      {asked && (
        <Loaded of={commands}>
          {(all) => {
            const form = all.find((one) => one.command === asked.command);
            if (!form) return <Alert type="warning" showIcon title={t('form.unknown', { command: asked.command })} />;
            return <CommandForm key={asked.command} asked={asked} fields={fieldsOf(form.schema)} onClose={onClose} onDone={onDone} />;
          }}
        </Loaded>
      )}
    </Drawer>
  );
}

function CommandForm({ asked, fields, onClose, onDone }: { asked: Asked; fields: Field[]; onClose: () => void; onDone?: (answer: Record<string, unknown>) => void }) {
  const i18n = useI18n();
  const { t, word, name } = i18n;
  const { message } = App.useApp();
  const client = useQueryClient();
  const session = useSession().data?.session;
  const pack = usePack().data;
  const [form] = Form.useForm();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  // What is sent again after no answer is the same act; what was changed is another.
  const key = useRef(freshKey());

  const units = session?.units ?? [];
  const first = asked.unit && units.includes(asked.unit) ? asked.unit : (session?.unit ?? asked.unit ?? '');
  const [unit, setUnit] = useState(first);
  const fixed = new Set(asked.fixed ?? []);
  const shown = fields.filter((field) => !fixed.has(field.name));
  const offers = useMemo<Offers>(() => {
    const unitOptions = pack?.units.map((one) => ({ value: one.code, label: `${name(one.name)} (${one.code})` }));
    return {
      to: unitOptions,
      unit: unitOptions,
      rule: pack?.clocks.map((rule) => ({ value: rule.id, label: `${name(rule.name)} (${rule.id})` })),
      duty: pack?.units.flatMap((one) => one.duties ?? []).map((duty) => ({ value: duty, label: duty })),
      units: unitOptions,
      ...(asked.command === 'assign-task' ? { with: unitOptions } : {}),
      // Approvals are lent to a person, not to a unit.
      ...(asked.command === 'delegate' ? { to: pack?.units.flatMap((one) => one.people.map((person) => ({ value: person.id, label: `${person.name} (${person.id})` }))) } : {}),
      ...asked.offers,
    };
  }, [pack, asked, name]);

  const send = async () => {
    setError(null);
    let values: Record<string, unknown>;
    try {
      values = filledIn(fields, { ...asked.initial, ...(form.getFieldsValue(true) as Record<string, unknown>) });
    } catch (wrong) {
      if (wrong instanceof NotJson) form.setFields([{ name: [wrong.field], errors: [t('form.notjson')] }]);
      return;
    }
    setBusy(true);
    try {
      const answer = await post<Record<string, unknown>>(`/v1/units/${encodeURIComponent(unit)}/commands`, { command: asked.command, ...values }, { key: key.current });
      await Promise.all(['cases', 'case', 'tasks', 'items'].map((one) => client.invalidateQueries({ queryKey: [one] })));
      const pending = (answer as { pending?: unknown }).pending;
      if (pending) message.info(t('form.pending'), 6);
      else message.success(t('form.done', { what: word('command', asked.command, asked.command) }));
      onDone?.(answer);
      onClose();
    } catch (failed) {
      setError(failed);
      if (failed instanceof ProblemError) {
        // Refused: nothing happened, and the next try is another act.
        key.current = freshKey();
        const path = pathOf(failed.problem.pointer, shown);
        if (path) {
          form.setFields([{ name: path, errors: [failed.problem.detail] }]);
          form.scrollToField(path, { block: 'center', focus: true });
        }
      }
    } finally {
      setBusy(false);
    }
  };

  const told = error instanceof ProblemError && pathOf(error.problem.pointer, shown) ? problemText(error, i18n).title : null;
  return (
    <Form
      form={form}
      layout="vertical"
      initialValues={asked.initial}
      onFinish={() => void send()}
      onValuesChange={() => (key.current = freshKey())}
      requiredMark
      scrollToFirstError
    >
      <Typography.Paragraph type="secondary">{word('commandhelp', asked.command, '')}</Typography.Paragraph>
      {asked.note && <Alert type="info" showIcon title={asked.note} style={{ marginBottom: 16 }} />}
      {units.length > 1 && (
        <Form.Item label={t('form.for')} htmlFor="form-for">
          <Select
            id="form-for"
            value={unit}
            onChange={setUnit}
            options={units.map((code) => ({ value: code, label: name(pack?.units.find((one) => one.code === code)?.name, code) }))}
          />
        </Form.Item>
      )}
      <SchemaFields fields={shown} offers={offers} command={asked.command} />
      {error !== null && (told ? <Alert type="error" showIcon title={told} /> : <ProblemAlert error={error} />)}
      <Flex gap={8} style={{ marginTop: 16 }} justify="flex-end">
        <Button onClick={onClose}>{t('do.cancel')}</Button>
        <Button type="primary" htmlType="submit" loading={busy}>{word('command', asked.command, t('do.send'))}</Button>
      </Flex>
    </Form>
  );
}
