// A bar chart, with what it shows also as text for who does not see it.

import { BarChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';

import { useLook } from './theme';

echarts.use([BarChart, GridComponent, LegendComponent, TooltipComponent, AriaComponent, SVGRenderer]);

export default function Chart({ rows, series, label, height = 220 }: { rows: { name: string; values: number[] }[]; series: string[]; label: string; height?: number }) {
  const place = useRef<HTMLDivElement>(null);
  const { dark } = useLook();
  useEffect(() => {
    if (!place.current) return undefined;
    const chart = echarts.init(place.current, dark ? 'dark' : undefined, { renderer: 'svg' });
    const observer = new ResizeObserver(() => chart.resize());
    observer.observe(place.current);
    chart.setOption({
      backgroundColor: 'transparent',
      aria: { enabled: true },
      animation: false,
      color: ['#0f8f7b', '#8aa0b5', '#d48806'],
      grid: { left: 8, right: 8, top: 36, bottom: 8, containLabel: true },
      legend: { top: 0 },
      // As text and not as markup: names come from outside.
      tooltip: { trigger: 'axis', renderMode: 'richText' },
      xAxis: { type: 'category', data: rows.map((row) => row.name), axisLabel: { hideOverlap: true } },
      yAxis: { type: 'value', minInterval: 1 },
      series: series.map((name, at) => ({ name, type: 'bar', stack: 'all', barMaxWidth: 40, data: rows.map((row) => row.values[at] ?? 0) })),
    });
    return () => {
      observer.disconnect();
      chart.dispose();
    };
  }, [rows, series, dark]);
  const said = rows.map((row) => `${row.name}: ${series.map((name, at) => `${name} ${row.values[at] ?? 0}`).join(', ')}`).join('; ');
  return <div ref={place} role="img" aria-label={`${label}. ${said}`} style={{ width: '100%', height }} />;
}
