// A workflow's graph, to be looked at and moved about in; with the state of each step where a run is shown.

import { Background, Controls, Handle, MarkerType, type Node, type NodeProps, Position, ReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { theme } from 'antd';
import { memo, useMemo } from 'react';

import { useI18n } from '../../i18n';
import { Nothing } from '../../ui/bits';
import { useLook } from '../../ui/theme';
import { type Graph, type GraphNode, NODE_HEIGHT, NODE_WIDTH, graphOf } from './graph';

export type StepState = 'done' | 'active' | 'failed';

type StepNode = Node<{ step: GraphNode; state?: StepState; chosen: boolean }, 'step'>;

const Step = memo(function Step({ data }: NodeProps<StepNode>) {
  const { token } = theme.useToken();
  const { word } = useI18n();
  const { step, state, chosen } = data;
  if (step.type === 'start' || step.type === 'end') {
    return (
      <div style={{ width: 28, height: 28, borderRadius: 14, background: step.type === 'start' ? token.colorPrimary : token.colorTextSecondary }}>
        <Handle type="target" position={Position.Top} style={{ opacity: 0 }} />
        <Handle type="source" position={Position.Bottom} style={{ opacity: 0 }} />
      </div>
    );
  }
  const colour = state === 'failed' ? token.colorError : state === 'active' ? token.colorWarning : state === 'done' ? token.colorSuccess : token.colorBorder;
  return (
    <div
      style={{
        width: NODE_WIDTH, height: NODE_HEIGHT, boxSizing: 'border-box', padding: '6px 10px', overflow: 'hidden',
        background: token.colorBgContainer, color: token.colorText, borderRadius: token.borderRadius,
        border: `${chosen ? 3 : state ? 2 : 1}px solid ${chosen ? token.colorPrimary : colour}`,
      }}
    >
      <Handle type="target" position={Position.Top} style={{ opacity: 0 }} />
      <div style={{ fontWeight: 600, whiteSpace: 'nowrap', overflow: 'hidden', textOverflow: 'ellipsis' }}>{step.name}</div>
      <div style={{ fontSize: 12, color: token.colorTextSecondary, whiteSpace: 'nowrap', overflow: 'hidden', textOverflow: 'ellipsis' }}>
        {word('task', step.type, step.type)}{step.detail ? ` · ${step.detail}` : ''}
      </div>
      <Handle type="source" position={Position.Bottom} style={{ opacity: 0 }} />
    </div>
  );
});

const nodeTypes = { step: Step };

export default function Diagram({ text, states, chosen, onChoose, height = 520 }: { text: string; states?: Map<string, StepState>; chosen?: string; onChoose?: (step: GraphNode) => void; height?: number }) {
  const { t } = useI18n();
  const { dark } = useLook();
  const { token } = theme.useToken();
  const graph = useMemo<Graph | null>(() => {
    try {
      return graphOf(text);
    } catch {
      return null;
    }
  }, [text]);
  if (!graph) return <Nothing title={t('workflow.nograph')} help={t('workflow.nograph.help')} />;
  const nodes: StepNode[] = graph.nodes.map((step) => ({
    id: step.id, type: 'step', position: { x: step.x, y: step.y }, data: { step, state: states?.get(step.id), chosen: step.id === chosen },
    ariaLabel: step.name || t(step.type === 'start' ? 'workflow.start' : 'workflow.end'), draggable: false, connectable: false,
  }));
  const edges = graph.edges.map((edge) => ({
    id: edge.id, source: edge.from, target: edge.to, label: edge.label, markerEnd: { type: MarkerType.ArrowClosed }, focusable: false,
    labelStyle: { fill: token.colorText }, labelBgStyle: { fill: token.colorBgLayout },
  }));
  return (
    <div style={{ height, border: `1px solid ${token.colorBorderSecondary}`, borderRadius: token.borderRadius }} data-testid="diagram">
      <ReactFlow<StepNode>
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        colorMode={dark ? 'dark' : 'light'}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.15 }}
        minZoom={0.1}
        nodesConnectable={false}
        onNodeClick={(_, node) => onChoose?.(node.data.step)}
        zoomOnScroll={false}
        preventScrolling={false}
        ariaLabelConfig={{
          'controls.zoomIn.ariaLabel': t('graph.in'),
          'controls.zoomOut.ariaLabel': t('graph.out'),
          'controls.fitView.ariaLabel': t('graph.fit'),
          'controls.ariaLabel': t('graph.controls'),
        }}
      >
        <Background />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}
