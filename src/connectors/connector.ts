/**
 * The port that every kind of system fulfils. A connector turns a configuration into a session on one object
 * type; test/connectors/contract.ts states and checks its promises. It knows nothing of Kubernetes, of
 * mappings or of situations.
 */
import type { AttributeType, Match } from '../engine/entry.ts';
import type { OpenSide } from '../engine/ports.ts';

/** What a manifest declares about an attribute; everything left out comes from the discovered schema. */
export interface AttributeDeclaration {
  readonly name: string;
  readonly type?: AttributeType;
  readonly match?: Match;
  readonly multiValued?: boolean;
  readonly writeOnly?: boolean;
  readonly sensitive?: boolean;
  /** Repository only: no two objects may carry the same value. */
  readonly unique?: boolean;
}

export interface ObjectConfig {
  readonly name: string;
  readonly id: string;
  readonly attributes?: readonly AttributeDeclaration[];
}

export interface Probe {
  /** For people: vendor and version, or the file. No secret, no identity. */
  readonly vendor: string;
  readonly capabilities: readonly string[];
}

/** An open object type. Safe to close twice. Reading never changes the system. */
export interface Session extends OpenSide, AsyncDisposable {
  /** Declared attributes that the system does not have: in the schema, but never with a value. */
  readonly missingAttributes?: readonly string[];
  probe(signal: AbortSignal): Promise<Probe>;
}

export interface OpenOptions {
  /** Whether `access: ReadWrite`; without it the session has no writer. */
  readonly writable: boolean;
  /** Awaited before every request of a write but its first, which whoever asks for the write has waited for. */
  readonly turn?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** Opens sessions on one kind of system. Throws ConnectorError: Unreachable, AuthenticationFailed, InvalidConfiguration, InvalidData. */
export type OpenSession = (signal: AbortSignal) => Promise<Session>;
