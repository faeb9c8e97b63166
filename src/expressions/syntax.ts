/** Walking and changing the syntax tree of a parsed expression. The node type is the one that the parser gives. */
import type { parse } from '@bufbuild/cel';

export type Node = ReturnType<typeof parse>['expr'];
export type Kind = Node['exprKind'];

/** What a child is to its parent. */
export interface Child {
  readonly node: Node;
  /** A list is asked for there. */
  readonly asList: boolean;
  /** Names that the parent introduces there. */
  readonly locals: readonly string[];
}

const LIST_METHODS: readonly string[] = ['join', 'distinct'];

export function childrenOf({ exprKind }: Node): Child[] {
  switch (exprKind.case) {
    case 'selectExpr':
      return children([exprKind.value.operand]);
    case 'callExpr':
      return callChildren(exprKind.value);
    case 'listExpr':
      return children(exprKind.value.elements);
    case 'structExpr':
      return children(exprKind.value.entries.flatMap((entry) => [keyOf(entry), entry.value]));
    case 'comprehensionExpr':
      return comprehensionChildren(exprKind.value);
    case 'constExpr':
    case 'identExpr':
    case undefined:
      return [];
  }
}

type Call = Extract<Kind, { case: 'callExpr' }>['value'];
type Comprehension = Extract<Kind, { case: 'comprehensionExpr' }>['value'];
type MapEntry = Extract<Kind, { case: 'structExpr' }>['value']['entries'][number];

function keyOf({ keyKind }: MapEntry): Node | undefined {
  return keyKind.case === 'mapKey' ? keyKind.value : undefined;
}

function callChildren({ function: name, target, args }: Call): Child[] {
  if (name === '@in') return [...children([args[0]]), ...lists([args[1]])];
  if (name === '_[_]') return [...lists([args[0]]), ...children([args[1]])];
  if (name === 'size') return lists([target, ...args]);
  return [...(LIST_METHODS.includes(name) ? lists([target]) : children([target])), ...children(args)];
}

/** The range and the first value are outside of what the macro names. */
function comprehensionChildren(macro: Comprehension): Child[] {
  const locals = [macro.iterVar, macro.iterVar2, macro.accuVar].filter((name) => name !== '');
  return [
    ...lists([macro.iterRange]),
    ...children([macro.accuInit]),
    ...children([macro.loopCondition, macro.loopStep, macro.result], locals),
  ];
}

function children(nodes: readonly (Node | undefined)[], locals: readonly string[] = []): Child[] {
  return nodes.filter((node) => node !== undefined).map((node) => ({ node, asList: false, locals }));
}

function lists(nodes: readonly (Node | undefined)[]): Child[] {
  return children(nodes).map((child) => ({ ...child, asList: true }));
}

type Swap = (node: Node) => Node;

/** In place. Comprehensions then run over `@bounded(range)`, which counts their work. */
export function replaceChildren({ exprKind }: Node, swap: Swap): void {
  switch (exprKind.case) {
    case 'selectExpr':
      if (exprKind.value.operand) exprKind.value.operand = swap(exprKind.value.operand);
      return;
    case 'callExpr':
      replaceInCall(exprKind.value, swap);
      return;
    case 'listExpr':
      exprKind.value.elements = exprKind.value.elements.map(swap);
      return;
    case 'structExpr':
      exprKind.value.entries.forEach((entry) => replaceInEntry(entry, swap));
      return;
    case 'comprehensionExpr':
      replaceInMacro(exprKind.value, swap);
      return;
    case 'constExpr':
    case 'identExpr':
    case undefined:
  }
}

function replaceInCall(call: Call, swap: Swap): void {
  if (call.target) call.target = swap(call.target);
  call.args = call.args.map(swap);
}

function replaceInEntry(entry: MapEntry, swap: Swap): void {
  if (entry.keyKind.case === 'mapKey') entry.keyKind.value = swap(entry.keyKind.value);
  if (entry.value) entry.value = swap(entry.value);
}

function replaceInMacro(macro: Comprehension, swap: Swap): void {
  if (macro.iterRange) macro.iterRange = callOf('@bounded', [swap(macro.iterRange)], macro.iterRange);
  for (const part of ['accuInit', 'loopCondition', 'loopStep', 'result'] as const) {
    const node = macro[part];
    if (node) macro[part] = swap(node);
  }
}

export function callOf(name: string, args: readonly Node[], like: Node): Node {
  const $typeName = 'cel.expr.Expr.Call';
  return node(like, { case: 'callExpr', value: { $typeName, function: name, args: [...args] } });
}

export function identOf(name: string, like: Node): Node {
  return node(like, { case: 'identExpr', value: { $typeName: 'cel.expr.Expr.Ident', name } });
}

export function nullOf(like: Node): Node {
  const value = { $typeName: 'cel.expr.Constant', constantKind: { case: 'nullValue', value: 0 } } as const;
  return node(like, { case: 'constExpr', value });
}

export function emptyListOf(like: Node): Node {
  const $typeName = 'cel.expr.Expr.CreateList';
  return node(like, { case: 'listExpr', value: { $typeName, elements: [], optionalIndices: [] } });
}

function node(like: Node, exprKind: Kind): Node {
  return { $typeName: 'cel.expr.Expr', id: like.id, exprKind };
}

/** How deep the tree is, and how deep macros stand within each other; one after the other is not within. */
export function depthOf(node: Node): { nodes: number; comprehensions: number } {
  let nodes = 0;
  let comprehensions = 0;
  for (const child of childrenOf(node)) {
    const below = depthOf(child.node);
    nodes = Math.max(nodes, below.nodes);
    comprehensions = Math.max(comprehensions, below.comprehensions + (child.locals.length > 0 ? 1 : 0));
  }
  return { nodes: nodes + 1, comprehensions };
}
