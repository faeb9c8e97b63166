/** What a node of the syntax tree names: an identifier, a constant text, an attribute of something. */
import type { Node } from './syntax.ts';

export interface AttributeAccess {
  readonly variable: string;
  readonly attribute: string;
  /** `has(source.mail)`: only whether there is a value. */
  readonly asks: boolean;
}

/** `source.mail`, `source['employee-number']`: the variable and the attribute; undefined for anything else. */
export function attributeAccess({ exprKind }: Node): AttributeAccess | undefined {
  if (exprKind.case === 'selectExpr') {
    const { operand, field, testOnly } = exprKind.value;
    const variable = identifier(operand);
    return variable === undefined ? undefined : { variable, attribute: field, asks: testOnly };
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
