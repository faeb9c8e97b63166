/** One side of a mapping as its manifest describes it, and what may be assumed of its schema before it is opened. */
import type { ManagedSystem, SystemObject } from '../api/managed-system.ts';
import type { AttributeSchema, ObjectSchema } from '../engine/entry.ts';

export interface SideInput {
  readonly system: ManagedSystem;
  readonly object: SystemObject;
  /** Undefined: the system was not opened, and its schema is not known. */
  readonly schema: ObjectSchema | undefined;
}

export function keyOf(object: {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}): string {
  return `${object.metadata.namespace ?? 'default'}/${object.metadata.name}`;
}

/** What is known of a system's attributes before it was opened: what the manifest declares. */
export function assumedSchema({ system, object }: SideInput): ObjectSchema {
  const isLdap = system.spec.type === 'LDAP';
  const declared = object.attributes ?? [];
  const attributes = declared.map((one) => ({
    ...assumedAttribute(one.name),
    writeOnly: one.writeOnly ?? false,
  }));
  return {
    id: object.id,
    idChosenBy: isLdap ? 'System' : 'Writer',
    name: isLdap ? 'dn' : undefined,
    attributes: new Map(attributes.map((one) => [one.name, one])),
    ignoreCaseInNames: isLdap,
  };
}

export function assumedAttribute(name: string): AttributeSchema {
  const writeOnly = name.toLowerCase() === 'userpassword';
  return {
    name,
    type: 'String',
    match: 'Exact',
    values: 'Either',
    writeOnly,
    sensitive: writeOnly,
    readOnly: false,
  };
}
