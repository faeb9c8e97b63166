/** What an LDAP session needs to know. Defaults are stated in the CRD alone, so everything here is already decided. */
import type { Secret } from '../../lib/secret.ts';
import type { ObjectConfig } from '../connector.ts';

export interface LdapConfig {
  /** `ldap://host:port`, `ldaps://host:port`, or `ldapi://` with the percent-encoded path of a socket. */
  readonly url: string;
  readonly tls: LdapTls;
  /** Absent: SASL EXTERNAL over ldapi (the process is who it is), anonymous elsewhere. */
  readonly bind?: { readonly dn: string; readonly password: Secret };
}

export interface LdapTls {
  /** Disabled is plain text and must be asked for. Does not matter to ldapi, which never leaves the machine. */
  readonly mode: 'LDAPS' | 'StartTLS' | 'Disabled';
  /** PEM. Absent: the certificate authorities that Node trusts. */
  readonly ca?: string;
  /** The name that the certificate must carry, where it is not the one in the URL. */
  readonly serverName?: string;
}

export type LdapScope = 'Base' | 'One' | 'Subtree';

export interface LdapObject extends ObjectConfig {
  readonly base: string;
  readonly scope: LdapScope;
  /** RFC 4515. */
  readonly filter: string;
  /** Given to entries that are created without `objectClass`. */
  readonly objectClasses?: readonly string[];
}
