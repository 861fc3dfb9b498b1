// Commands that are about no one case, such as lending one's approvals: whatever the host has of them.

import { MoreOutlined } from '@ant-design/icons';
import { Button, Dropdown } from 'antd';
import { useState } from 'react';

import { useCommands, useSession } from '../api/hooks';
import { useI18n } from '../i18n';
import { type Asked, CommandDrawer } from './command';

/** These have a place of their own. */
const PLACED = new Set(['open-case', 'record-assessment']);

export function OtherCommands() {
  const { t, word } = useI18n();
  const session = useSession().data?.session;
  const commands = useCommands().data ?? [];
  const [asked, setAsked] = useState<Asked | null>(null);
  const rest = commands.filter((one) => !one.schema.properties?.['case'] && !PLACED.has(one.command));
  if (rest.length === 0 || !session?.unit) return null;
  return (
    <>
      <Dropdown
        trigger={['click']}
        menu={{
          style: { maxHeight: 480, overflow: 'auto' },
          items: rest.map((one) => ({ key: one.command, label: word('command', one.command), onClick: () => setAsked({ command: one.command, unit: session.unit }) })),
        }}
      >
        <Button icon={<MoreOutlined />}>{t('case.more')}</Button>
      </Dropdown>
      <CommandDrawer asked={asked} onClose={() => setAsked(null)} />
    </>
  );
}
