// Pausing a schedule, and letting it go on: with a reason, which stays on record.

import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';

import { post } from '../../api/client';
import type { Schedule } from '../../api/hooks';
import { useI18n } from '../../i18n';
import { ReasonModal } from '../../ui/reason';

export function PauseButton({ schedule }: { schedule: Schedule }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const paused = Boolean(schedule.paused);
  const title = t(paused ? 'schedule.resume' : 'schedule.pause');
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)}>{title}</Button>
      <ReasonModal
        open={open}
        title={title}
        onClose={() => setOpen(false)}
        onSend={async (reason) => {
          await post(`/v1/schedules/${paused ? 'resume' : 'pause'}`, { workflow: schedule.workflow, unit: schedule.unit ?? undefined, reason });
          await client.invalidateQueries({ queryKey: ['schedules'] });
        }}
      />
    </>
  );
}
