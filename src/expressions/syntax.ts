/** Walking the syntax tree of a parsed expression. The node type is the one that the parser gives. */
import type { parse } from '@bufbuild/cel';

export type Node = ReturnType<typeof parse>['expr'];
export type Kind = Node['exprKind'];

/** What a child is to its parent: whether a list is asked for there. */
export interface Child {
  readonly node: Node;
  readonly asList: boolean;
}

const LIST_METHODS: readonly string[] = ['join', 'distinct'];

export function childrenOf({ exprKind }: Node): Child[] {
  switch (exprKind.case) {
    case 'selectExpr':
      return children([exprKind.value.operand], false);
    case 'callExpr':
      return callChildren(exprKind.value);
    case 'listExpr':
      return children(exprKind.value.elements, false);
    case 'structExpr':
      return children(
        exprKind.value.entries.map((entry) => entry.value),
        false,
      );
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
      return [
        ...children([iterRange], true),
        ...children([accuInit, loopCondition, loopStep, result], false),
      ];
    }
    case 'constExpr':
    case 'identExpr':
    case undefined:
      return [];
  }
}

type Call = Extract<Kind, { case: 'callExpr' }>['value'];

function callChildren({ function: name, target, args }: Call): Child[] {
  const onList = LIST_METHODS.includes(name) || (name === 'size' && target !== undefined);
  const own = children([target], onList);
  if (name === '@in') return [...children([args[0]], false), ...children([args[1]], true)];
  if (name === '_[_]') return [...children([args[0]], true), ...children([args[1]], false)];
  return [...own, ...children(args, name === 'size' && target === undefined)];
}

function children(nodes: readonly (Node | undefined)[], asList: boolean): Child[] {
  return nodes.filter((node) => node !== undefined).map((node) => ({ node, asList }));
}

/** `source.mail`, `source['employee-number']`: the variable and the attribute; undefined for anything else. */
export function attributeAccess(
  node: Node,
): { variable: string; attribute: string; asks: boolean } | undefined {
  const { exprKind } = node;
  if (exprKind.case === 'selectExpr') {
    const variable = identifier(exprKind.value.operand);
    if (variable === undefined) return undefined;
    return { variable, attribute: exprKind.value.field, asks: exprKind.value.testOnly };
  }
  if (exprKind.case !== 'callExpr' || exprKind.value.function !== '_[_]') return undefined;
  const [operand, index] = exprKind.value.args;
  const variable = identifier(operand);
  const attribute = text(index);
  return variable === undefined || attribute === undefined ? undefined : { variable, attribute, asks: false };
}

export function identifier(node: Node | undefined): string | undefined {
  return node?.exprKind.case === 'identExpr' ? node.exprKind.value.name : undefined;
}

export function text(node: Node | undefined): string | undefined {
  if (node?.exprKind.case !== 'constExpr') return undefined;
  const constant = node.exprKind.value.constantKind;
  return constant.case === 'stringValue' ? constant.value : undefined;
}

export function callOf(name: string, args: readonly Node[], like: Node): Node {
  return node(like, {
    case: 'callExpr',
    value: { $typeName: 'cel.expr.Expr.Call', function: name, args: [...args] },
  });
}

export function identOf(name: string, like: Node): Node {
  return node(like, { case: 'identExpr', value: { $typeName: 'cel.expr.Expr.Ident', name } });
}

export function nullOf(like: Node): Node {
  const value = { $typeName: 'cel.expr.Constant', constantKind: { case: 'nullValue', value: 0 } } as const;
  return node(like, { case: 'constExpr', value });
}

function node(like: Node, exprKind: Kind): Node {
  return { $typeName: 'cel.expr.Expr', id: like.id, exprKind };
}

/** How deep the tree is, and how deep comprehensions stand within each other. */
export function depthOf(node: Node): { nodes: number; comprehensions: number } {
  const own = node.exprKind.case === 'comprehensionExpr' ? 1 : 0;
  const below = childrenOf(node).map((child) => depthOf(child.node));
  return {
    nodes: 1 + Math.max(0, ...below.map((one) => one.nodes)),
    comprehensions: own + Math.max(0, ...below.map((one) => one.comprehensions)),
  };
}
