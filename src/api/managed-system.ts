// Generated from crds/managedsystems.yaml by `npm run generate`. Do not edit.
import type { Condition } from './conditions.ts';
import type { ObjectMetadata } from './names.ts';

/**
 * A place where objects live (a directory, a file, Rollcall's own repository), how to reach it, which object types it holds, and what may be written there.
 */
export interface ManagedSystem {
  /**
   * Version of this schema: rollcall.dev/v1alpha1.
   */
  apiVersion: 'rollcall.dev/v1alpha1';
  /**
   * Kind of this object: ManagedSystem.
   */
  kind: 'ManagedSystem';
  metadata: ObjectMetadata;
  spec: ManagedSystemSpec;
  status?: ManagedSystemStatus;
}
/**
 * What the system is, how to reach it, and which object types it holds.
 */
export interface ManagedSystemSpec {
  /**
   * What kind of system this is. Exactly the member of that name (csv, ldap or repository) is set. It cannot be changed later, because links and the ids in them would mean something else.
   */
  type: 'CSV' | 'LDAP' | 'Repository';
  csv?: CsvDialect;
  ldap?: LdapConnection;
  /**
   * Objects that Rollcall itself keeps, in its own store. There is nothing to configure; write `{}`.
   */
  repository?: Record<string, never>;
  /**
   * Whether anything may be written to this system. ReadOnly refuses every mapping that asks for a write, whatever its policy says.
   */
  access: 'ReadOnly' | 'ReadWrite';
  /**
   * CEL expressions over `entry`; an entry for which one of them is true is never written, whatever a mapping or an approval says (break-glass and service accounts). An expression that fails protects.
   *
   * @maxItems 64
   *
   * Items: One CEL expression that yields true or false, such as `entry.uid == 'root'`.
   */
  protect?: string[];
  limits: SystemLimits;
  /**
   * The object types that mappings can name.
   *
   * @minItems 1
   * @maxItems 32
   */
  objects: SystemObject[];
}
/**
 * How the files of a CSV system are written. Every member is optional, so `{}` is fine.
 */
export interface CsvDialect {
  /**
   * One character that stands between two columns; "\t" for a tab.
   */
  delimiter: string;
  /**
   * One character around values that contain the delimiter, a line break or the character itself, which is then doubled.
   */
  quote: string;
  /**
   * Character encoding of the files. A byte order mark is accepted and kept.
   */
  encoding: 'UTF-8' | 'ISO-8859-1' | 'Windows-1252' | 'UTF-16LE';
  /**
   * What stands between the values of a multi-valued attribute within one column. Without it every column holds at most one value.
   */
  multiValueDelimiter?: string;
}
/**
 * How to reach an LDAP directory.
 */
export interface LdapConnection {
  /**
   * ldaps://host[:636], ldap://host[:389], or ldapi://%2Fpath%2Fto%2Fsocket. Neither credentials nor a base belong here.
   */
  url: string;
  tls?: LdapTls;
  bind?: LdapBind;
}
/**
 * How the connection is protected. May be left out for ldaps://, which then trusts the machine's certificate authorities, and for ldapi://.
 */
export interface LdapTls {
  /**
   * LDAPS speaks TLS from the first byte, StartTLS upgrades a plain connection before anything else is sent, Disabled sends everything in the clear, passwords included.
   */
  mode: 'LDAPS' | 'StartTLS' | 'Disabled';
  caRef?: CaReference;
  /**
   * The name that the server's certificate must carry, when it is not the host of the url.
   */
  serverName?: string;
}
/**
 * Certificate authorities to trust instead of the machine's own, in PEM.
 */
export interface CaReference {
  /**
   * Kind of the object that holds the certificates.
   */
  kind: 'Secret' | 'ConfigMap';
  /**
   * Its name, in the namespace of this system.
   */
  name: string;
  /**
   * The key in its data.
   */
  key: string;
}
/**
 * Who we are to the directory. Without it we bind as nobody, or by the socket's credentials on ldapi://.
 */
export interface LdapBind {
  /**
   * The Secret with the keys `dn` and `password`. It is read when a run needs it, and is never kept.
   */
  secretRef: {
    /**
     * Its name, in the namespace of this system.
     */
    name: string;
  };
}
/**
 * How hard this system may be worked, by all mappings together.
 */
export interface SystemLimits {
  /**
   * Number of entries that are written at the same time. Fewer are used while the system says that it is busy.
   */
  writesInFlight: number;
  /**
   * Greatest number of writes in one second. Without it there is no limit but the system itself.
   */
  writesPerSecond?: number;
}
/**
 * One object type of the system, where it is found, and what is known of its attributes.
 */
export interface SystemObject {
  /**
   * How mappings call this object type, such as account.
   */
  name: string;
  /**
   * What its objects are, as one word in PascalCase. User, Group, Role and Organization are usual; any other word will do.
   */
  type: string;
  /**
   * The attribute that never changes and is unique (entryUUID, objectGUID, the key column). Links remember objects by it.
   */
  id: string;
  /**
   * What is known of the attributes. Only what differs from the discovered schema has to be declared; for a Repository these attributes are the schema.
   *
   * @minItems 1
   * @maxItems 256
   */
  attributes?: AttributeDeclaration[];
  state?: AccountState;
  csv?: CsvLocation;
  ldap?: LdapLocation;
}
/**
 * What is known of one attribute.
 */
export interface AttributeDeclaration {
  /**
   * The attribute's name in the system (a column's header, an LDAP attribute).
   */
  name: string;
  /**
   * What its values are to expressions. String when the system does not say otherwise.
   */
  type?: 'String' | 'Integer' | 'Boolean' | 'Time' | 'Binary';
  /**
   * When two values are the same. IgnoreSpace disregards leading, trailing and repeated spaces, TelephoneNumber also hyphens. Exact when the system does not say otherwise.
   */
  match?:
    | 'Exact'
    | 'IgnoreCase'
    | 'IgnoreSpace'
    | 'IgnoreCaseAndSpace'
    | 'TelephoneNumber'
    | 'DistinguishedName'
    | 'GeneralizedTime'
    | 'Integer'
    | 'Boolean'
    | 'OctetString';
  /**
   * Whether it may have several values; expressions then see a list.
   */
  multiValued?: boolean;
  /**
   * Whether it can be written but never read (a password). It is compared with what was last written, and by default written on create only.
   */
  writeOnly?: boolean;
  /**
   * Whether its values must appear in no output. Their place is taken by "[secret]".
   */
  sensitive?: boolean;
  /**
   * Whether no two objects may carry the same value. Repository only; other systems have rules of their own.
   */
  unique?: boolean;
}
/**
 * How an account is disabled and enabled. The attribute may not be mapped as well. Without this DisableTarget, EnableTarget and their like are refused.
 */
export interface AccountState {
  /**
   * The attribute that holds the account state.
   */
  attribute: string;
  /**
   * The value that disables an account.
   */
  disabled: string;
  /**
   * The value that enables it. Without it, enabling clears the attribute.
   */
  enabled?: string;
}
/**
 * Where the rows of this object type are. For systems of type CSV.
 */
export interface CsvLocation {
  /**
   * The file, relative to the folder of this manifest; in a cluster, to the operator's data folder for this namespace. It never leads out of that folder.
   */
  path?: string;
  configMapRef?: ConfigMapReference;
  expect?: CsvExpectation;
}
/**
 * A ConfigMap that holds the rows. It can be read, never written.
 */
export interface ConfigMapReference {
  /**
   * Its name, in the namespace of this system.
   */
  name: string;
  /**
   * The key in its data.
   */
  key: string;
}
/**
 * Proof that the file is whole. Without it nobody vouches that a short file is not a broken export, and only budgets and the shrink guard protect the other side.
 */
export interface CsvExpectation {
  /**
   * A file beside it that holds its SHA-256 in hexadecimal, as `sha256sum` prints it. Relative like path.
   */
  checksumFile?: string;
  /**
   * The number of rows it must have, the header not counted.
   */
  rows?: number;
  /**
   * The last line, with `{rows}` where the number of rows stands, such as `END,{rows}`; without `{rows}` the number follows the text, as in `#rows:`. The header and the trailer itself are not counted.
   */
  trailer?: string;
}
/**
 * Where the entries of this object type are. For systems of type LDAP.
 */
export interface LdapLocation {
  /**
   * The distinguished name to search from, such as ou=people,dc=example,dc=org.
   */
  base: string;
  /**
   * How deep to search: the base alone, its direct children, or everything below it. Subtree when left out.
   */
  scope?: 'Base' | 'OneLevel' | 'Subtree';
  /**
   * An LDAP filter in parentheses, such as (objectClass=inetOrgPerson). Every entry that matches belongs to this object type.
   */
  filter?: string;
  /**
   * The object classes that a created entry gets. Needed only where entries are created.
   *
   * @minItems 1
   * @maxItems 32
   *
   * Items: One object class, by name or object identifier.
   */
  objectClasses?: string[];
}
/**
 * What the controller last found. Written by the controller alone.
 */
export interface ManagedSystemStatus {
  /**
   * The generation of the spec that this status describes; -1 until the controller has looked.
   */
  observedGeneration?: number;
  /**
   * Conditions: Ready, Reachable, ResolvedRefs; Reconciling and Stalled only while true.
   *
   * @maxItems 8
   *
   * Items: One aspect of the present state.
   */
  conditions?: Condition[];
  /**
   * Product and version, as the system names itself.
   */
  vendor?: string;
  /**
   * What the connector found that the system can do.
   *
   * @maxItems 32
   *
   * Items: One capability, in PascalCase.
   */
  capabilities?: string[];
  /**
   * Digest of the discovered and declared schema. It changes when the schema does.
   */
  schemaDigest?: string;
  lastProbe?: LastProbe;
  /**
   * Number of mappings that use this system.
   */
  mappings?: number;
}
/**
 * The last attempt to connect, authenticate and read the schema that found something else than the one before.
 */
export interface LastProbe {
  /**
   * When it ended.
   */
  finishedAt: string;
  /**
   * How it ended.
   */
  outcome: 'Succeeded' | 'Failed';
  /**
   * How long it took, in milliseconds.
   */
  durationMilliseconds?: number;
}
