/** The proposals as commented YAML. Nothing in here is secret but what `secretsYaml` returns. */
import type { ProposedAttribute } from './attributes.ts';
import type { Proposal } from './proposal.ts';

const MAPPING = 'hr-to-directory';

/** A scalar that every YAML reader takes for this text. */
function text(value: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(value) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(value)
    ? value
    : JSON.stringify(value);
}

/** What stands in a comment stays in it. */
function remark(words: string): string {
  return words.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

export function systemsYaml({ csv, id, ldap, classes, ca }: Proposal): string {
  const tls =
    ca === undefined
      ? `{ mode: ${ldap.tls} }`
      : `{ mode: ${ldap.tls}, caRef: { kind: ConfigMap, name: directory-ca, key: ca.crt } }`;
  const tlsLine = ldap.url.startsWith('ldapi:') ? '' : `    tls: ${tls}\n`;
  const bindLine =
    ldap.bindDn === undefined ? '' : '    bind: { secretRef: { name: directory-bind } } # in secrets.yaml\n';
  const protect =
    ldap.protectedDn === undefined
      ? ''
      : `  protect: [${text(`entry.dn == '${ldap.protectedDn.replaceAll(/['\\]/g, '\\$&')}'`)}] # never written, whatever a mapping says: the account that binds\n`;
  return `# Where people and accounts are. Proposed by rollcall init; every field is explained in the reference of ManagedSystem.
apiVersion: rollcall.dev/v1alpha1
kind: ManagedSystem
metadata:
  name: hr
spec:
  type: CSV
  csv: { delimiter: ${JSON.stringify(csv.delimiter)}, encoding: ${csv.encoding} }
  objects:
    - name: person
      type: User
      id: ${text(id.name)} # ${remark(`the column that never changes; ${id.distinct} different values in ${id.values.length} rows`)}
      csv:
        path: ${text(csv.path)}
        # What proves that the file is whole: a checksum beside it, a trailer line, or a number of rows.
        # expect: { checksumFile: ${text(`${csv.path}.sha256`)} }
---
apiVersion: rollcall.dev/v1alpha1
kind: ManagedSystem
metadata:
  name: directory
spec:
  type: LDAP
  ldap:
    url: ${text(ldap.url)}
${tlsLine}${bindLine}  access: ReadOnly # ReadWrite, once the plan is what you want
${protect}  objects:
    - name: account
      type: User
      id: ${text(ldap.id)}
      ldap:
        base: ${text(ldap.base)}
        filter: ${text(ldap.filter)}
        objectClasses: [${classes.map(text).join(', ')}] # what new accounts are
      # How an account is disabled. Responses such as DisableTarget need it.
      # state: { attribute: employeeType, disabled: disabled, enabled: active }
${ca === undefined ? '' : caYaml(ca)}`;
}

function caYaml(ca: string): string {
  return `---
apiVersion: v1
kind: ConfigMap
metadata:
  name: directory-ca
data:
  ca.crt: |
${ca.trimEnd().replaceAll(/^/gm, '    ')}
`;
}

export function mappingsYaml(proposal: Proposal): string {
  const { name, attributes, missing, ldap } = proposal;
  const gaps = missing.map(
    (one) =>
      `    # New accounts must have ${remark(one)}, and no column holds it: give it a value.\n    # - { target: ${text(one)}, value: "…" }\n`,
  );
  return `# How people correspond to accounts. Proposed by rollcall init from what both sides hold; read it, and correct it.
apiVersion: rollcall.dev/v1alpha1
kind: ReconMapping
metadata:
  name: ${MAPPING}
spec:
  source: { systemRef: { name: hr }, object: person }
  # To leave accounts out that no person stands behind: filter: "(!(employeeType=service))"
  target: { systemRef: { name: directory }, object: account }
  policyRef: { name: ${MAPPING} }
  mode: Observe # plans only. Enforce, once the plan is what you want
${correlateYaml(proposal)}  # What an account gets. An attribute without a line here is left alone.
  attributes:
    # ${remark(name.reason)}. Existing accounts keep name and place; without 'on' they are renamed.
    - target: dn
      rdn: { attribute: ${text(name.attribute)}, expression: ${text(name.expression)} }
      parent: ${text(`'${name.parent.replaceAll(/['\\]/g, '\\$&')}'`)}
      "on": [Create]
${attributes.map(attributeYaml).join('')}${gaps.join('')}  # How much a run may change before it holds, and asks; these are the defaults.
  # guards: { maxShrinkPercent: 10, budgets: [{ effect: Update, maxPercent: 50 }, { effect: Delete, maxPercent: 5 }] }
${ldap.whole ? '' : '  # The directory was too large to look at all of it: check the rules above on entries that you know.\n'}`;
}

function correlateYaml({ correlation, rows }: Proposal): string {
  if (correlation.rules.length === 0)
    return `  # No column shares its values with an attribute of the accounts, so nobody can be matched: every person would get a
  # new account. Name a column and an attribute that hold the same, or settle pairs with rollcall link.
  correlate: []
`;
  const lines = correlation.rules.map(({ attribute, column, expression, hits }) => {
    const from = column === undefined ? `expression: ${text(expression)}` : `source: ${text(column)}`;
    return `    - { ${from}, target: ${text(attribute)} } # finds exactly one account for ${hits} of ${rows} people\n`;
  });
  return `  # How the account of a person without a link is found: in order, the first rule that finds one decides.
  correlate:
${lines.join('')}`;
}

function attributeYaml({ target, origin, onCreateOnly, adds, reason, isOff }: ProposedAttribute): string {
  const [[kind, value] = ['value', '']] = Object.entries(origin);
  const more = `${adds ? ', merge: Add' : ''}${onCreateOnly ? ', "on": [Create]' : ''}`;
  const why = `${reason}${adds ? '; accounts have several values, and keep them' : ''}${isOff ? '; accounts hold something else' : ''}`;
  return `    ${isOff ? '# ' : ''}- { target: ${text(target)}, ${kind}: ${text(value)}${more} } # ${remark(why)}\n`;
}

export function policyYaml(): string {
  return `# What to do about each situation that a run finds. What no rule answers has a default, and no default takes anything away
# from an account: it is only reported.
apiVersion: rollcall.dev/v1alpha1
kind: SituationPolicy
metadata:
  name: ${MAPPING}
spec:
  rules:
    # People who have left. DisableTarget in place of Report disables their accounts; it needs a state in systems.yaml.
    - { name: leavers, situations: [SourceMissing, SourceDeleted, Unqualified], response: Report }
    # People without an account get one. Report in place of CreateTarget only names them.
    - { name: joiners, situations: [Absent], response: CreateTarget }
    # Accounts that belong to nobody.
    - { name: strangers, situations: [Unassigned], response: Report }
`;
}

export function secretsYaml(bind: { readonly dn: string; readonly password: string }): string {
  return `# Keep this file out of Git; .gitignore names it.
apiVersion: v1
kind: Secret
metadata:
  name: directory-bind
stringData:
  dn: ${JSON.stringify(bind.dn)}
  password: ${JSON.stringify(bind.password)}
`;
}
