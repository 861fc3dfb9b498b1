// The fields of a form, as a schema and the case at hand have them.

import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons';
import { AutoComplete, Button, Checkbox, DatePicker, Flex, Form, Input, InputNumber, Select } from 'antd';

import { useI18n } from '../i18n';
import type { Field } from './schema';

export interface Option {
  value: string;
  label: string;
}

/** What is offered for a field by name, such as the units of the pack for `to`. */
export type Offers = Record<string, Option[] | undefined>;

type Path = (string | number)[];

export function SchemaFields({ fields, offers, path = [], command }: { fields: Field[]; offers: Offers; path?: Path; command: string }) {
  return (
    <>
      {fields.map((field) => (
        <SchemaField key={field.name} field={field} offers={offers} path={path} command={command} />
      ))}
    </>
  );
}

function useLabels(field: Field, command: string) {
  const { lang, t, word } = useI18n();
  const general = word('field', field.name, field.name);
  const label = word(`field.${command}`, field.name, general);
  // The host's own description is English; in Chinese the label has to do where the dictionary has no help.
  const help = word('help', field.name, lang === 'en' ? (field.description ?? '') : '');
  return { label, help: help === '' ? undefined : help, required: t('form.required', { label }) };
}

function SchemaField({ field, offers, path, command }: { field: Field; offers: Offers; path: Path; command: string }) {
  const { t, word } = useI18n();
  const { label, help, required } = useLabels(field, command);
  const rules = field.required && field.kind !== 'flag' ? [{ required: true, message: required }] : undefined;
  const offered = offers[field.name];
  const choices = field.choices?.map((value) => ({ value, label: word(`value.${field.name}`, value, word('value', value, value)) }));
  const name = [...path, field.name];

  if (field.kind === 'groups') {
    return (
      <Form.Item label={label} extra={help} required={field.required}>
        <Form.List name={name}>
          {(items, { add, remove }) => (
            <Flex vertical gap={8}>
              {items.map((item) => (
                <Flex key={item.key} gap={8} align="flex-start" style={{ borderInlineStart: '3px solid rgba(128,128,128,.25)', paddingInlineStart: 12 }}>
                  <div style={{ flex: 1, minWidth: 0 }}>
                    <SchemaFields fields={field.fields ?? []} offers={offers} path={[item.name]} command={command} />
                  </div>
                  <Button type="text" aria-label={t('form.remove', { label })} icon={<MinusCircleOutlined />} onClick={() => remove(item.name)} />
                </Flex>
              ))}
              <Button type="dashed" icon={<PlusOutlined />} onClick={() => add({})}>{t('form.add', { label })}</Button>
            </Flex>
          )}
        </Form.List>
      </Form.Item>
    );
  }
  if (field.kind === 'group') {
    return (
      <Form.Item label={label} extra={help} style={{ marginBottom: 0 }}>
        <div style={{ borderInlineStart: '3px solid rgba(128,128,128,.25)', paddingInlineStart: 12 }}>
          <SchemaFields fields={field.fields ?? []} offers={offers} path={name} command={command} />
        </div>
      </Form.Item>
    );
  }
  if (field.kind === 'texts' && !choices && !offered) {
    return (
      <Form.Item label={label} extra={help} required={field.required}>
        <Form.List name={name} initialValue={field.required ? [''] : undefined}>
          {(items, { add, remove }) => (
            <Flex vertical gap={8}>
              {items.map((item, at) => (
                <Flex key={item.key} gap={8} align="flex-start">
                  <Form.Item name={item.name} noStyle rules={rules && at === 0 ? rules : undefined}>
                    <Input.TextArea autoSize={{ minRows: 1, maxRows: 8 }} aria-label={`${label} ${at + 1}`} />
                  </Form.Item>
                  <Button type="text" aria-label={t('form.remove', { label })} icon={<MinusCircleOutlined />} onClick={() => remove(item.name)} />
                </Flex>
              ))}
              <Button type="dashed" icon={<PlusOutlined />} onClick={() => add('')}>{t('form.add', { label })}</Button>
            </Flex>
          )}
        </Form.List>
      </Form.Item>
    );
  }
  return (
    <Form.Item
      name={name}
      label={field.kind === 'flag' ? undefined : label}
      extra={help}
      rules={rules}
      valuePropName={field.kind === 'flag' ? 'checked' : 'value'}
    >
      {control(field, label, choices, offered, t('form.now'))}
    </Form.Item>
  );
}

function control(field: Field, label: string, choices: Option[] | undefined, offered: Option[] | undefined, now: string) {
  switch (field.kind) {
    case 'choice':
      return <Select options={choices} allowClear={!field.required} />;
    case 'texts':
      return <Select mode={choices ? 'multiple' : 'tags'} options={choices ?? offered} />;
    case 'flag':
      return <Checkbox>{label}</Checkbox>;
    case 'number':
      return <InputNumber style={{ width: '100%' }} />;
    case 'time':
      return <DatePicker showTime={{ format: 'HH:mm' }} format="YYYY-MM-DD HH:mm" style={{ width: '100%' }} placeholder={field.required ? undefined : now} />;
    case 'long':
      return <Input.TextArea autoSize={{ minRows: 3, maxRows: 14 }} />;
    case 'json':
      return <Input.TextArea autoSize={{ minRows: 3, maxRows: 14 }} style={{ fontFamily: 'monospace' }} placeholder="{}" />;
    default:
      if (offered && offered.length > 0) {
        return (
          <AutoComplete
            options={offered}
            allowClear={!field.required}
            showSearch={{ filterOption: (typed, option) => `${option?.value ?? ''} ${String(option?.label ?? '')}`.includes(typed) }}
          />
        );
      }
      return <Input />;
  }
}
