import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadContract } from '../../src/api/validation.ts';
import { locateProblem, readManifests, type Manifests } from '../../src/local/manifests.ts';

const contract = loadContract();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-manifests-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function* streamOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  }
}

async function read(files: Readonly<Record<string, string | Uint8Array>>): Promise<Manifests> {
  await write(files);
  return readManifests(folder, { contract, standardInput: streamOf('') });
}

/** `file:line path message` of everything wrong. */
function problemsOf(manifests: Manifests): string[] {
  return manifests.problems.map(
    ({ file, line, path, message }) => `${relative(folder, file)}:${line} ${path}: ${message}`,
  );
}

const policy = `apiVersion: rollcall.dev/v1alpha1
kind: SituationPolicy
metadata: { name: policy }
spec: { rules: [] }
`;
const system = `apiVersion: rollcall.dev/v1alpha1
kind: ManagedSystem
metadata: { name: people, namespace: hr }
spec:
  type: CSV
  csv: {}
  objects:
    - name: person
      type: User
      id: uid
      csv: { path: people.csv }
`;

describe('what is read', () => {
  it('all YAML below the folder, several documents a file, in the order of names; not dot-folders, not other files', async () => {
    const manifests = await read({
      'b/two.yml': `${policy}---\n${system}`,
      'a.yaml': policy.replace('policy }', 'first }'),
      'people.csv': 'uid\n',
      '.rollcall/status.yaml': 'broken: [',
      'b/.hidden/x.yaml': 'broken: [',
    });
    expect(problemsOf(manifests)).toEqual([]);
    expect(manifests.policies.map(({ object }) => object.metadata)).toEqual([
      { name: 'first', namespace: 'default' },
      { name: 'policy', namespace: 'default' },
    ]);
    expect(manifests.systems.map((each) => [each.object.metadata.namespace, each.folder])).toEqual([
      ['hr', join(folder, 'b')],
    ]);
  });

  it('one file, when DIR is a file', async () => {
    await write({ 'a.yaml': policy, 'b.yaml': 'broken: [' });
    const manifests = await readManifests(join(folder, 'a.yaml'), { contract, standardInput: streamOf('') });
    expect([manifests.policies.length, manifests.problems]).toEqual([1, []]);
  });

  it('standard input, when DIR is a hyphen', async () => {
    const manifests = await readManifests('-', { contract, standardInput: streamOf(policy) });
    expect(manifests.policies.map((each) => [each.file, each.folder])).toEqual([['<standard input>', '.']]);
  });

  it('the items of a List, as kubectl get prints them, with their places', async () => {
    const item = policy.replaceAll('\n', '\n    ').replace('rules: []', 'rulez: []');
    const manifests = await read({ 'list.yaml': `apiVersion: v1\nkind: List\nitems:\n  - ${item}` });
    expect(problemsOf(manifests)).toEqual([
      'list.yaml:7 spec.rules: is missing: Rules in order',
      'list.yaml:7 spec.rulez: is not a field; did you mean rules?',
    ]);
  });

  it('a file behind a link, but no folder behind a link, which may lead in a circle', async () => {
    await write({ 'data/policy.txt': policy });
    await symlink(join(folder, 'data/policy.txt'), join(folder, 'linked.yaml'));
    await symlink(folder, join(folder, 'circle'));
    expect((await read({})).policies.map(({ file }) => relative(folder, file))).toEqual(['linked.yaml']);
  });

  it('defaults where the definitions have them', async () => {
    const { systems } = await read({ 'a.yaml': system });
    expect(systems[0]?.object.spec).toMatchObject({
      access: 'ReadOnly',
      limits: { writesInFlight: 8 },
      csv: { delimiter: ',', quote: '"', encoding: 'UTF-8' },
    });
  });

  it('words as YAML 1.2 has them: on, yes and dates are text; a note says what kubectl makes of them', async () => {
    const dates = '{ rollcall.dev/since: 2026-01-01, rollcall.dev/tested: yes }';
    const manifests = await read({
      'a.yaml': policy.replace('name: policy', `name: policy, annotations: ${dates}`),
    });
    expect(problemsOf(manifests)).toEqual([]);
    expect(manifests.notes.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '3 kubectl reads a plain yes as a boolean: put it in quotes',
    ]);
  });

  it('a plain on as the name of a field, with a note, because kubectl refuses it', async () => {
    const mapping = `apiVersion: rollcall.dev/v1alpha1
kind: ReconMapping
metadata: { name: m }
spec:
  source: { systemRef: { name: a }, object: x }
  target: { systemRef: { name: b }, object: x }
  attributes:
    - { target: mail, from: mail, on: [Create] }
`;
    const manifests = await read({ 'a.yaml': mapping });
    expect(manifests.mappings[0]?.object.spec.attributes).toEqual([
      { target: 'mail', from: 'mail', on: ['Create'] },
    ]);
    expect(manifests.notes.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '8 kubectl reads a plain on as a boolean: put it in quotes',
    ]);
  });

  it('an octal number and an unknown tag, with a note', async () => {
    const annotations = '{ a: "x", b: !money y1 }';
    const text = system.replace('name: people,', `name: people, annotations: ${annotations},`);
    const manifests = await read({
      'a.yaml': text.replace('csv: {}', 'csv: {}\n  limits: { writesInFlight: 010 }'),
    });
    expect(manifests.notes.map(({ message }) => message)).toEqual([
      'Unresolved tag; a value with such characters belongs in quotes',
      'kubectl reads a plain number that begins with 0 as an octal number: put it in quotes',
    ]);
  });

  it.each(['!S3cret', '*S3cret', '|S3cret', '"\\qS3cret"', '07777', '!S3cret!x y', '>S3cret', 'x\nS3cret'])(
    'a password that somebody has written without quotes (%j) is in no message',
    async (password) => {
      const text = `${system}---\napiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData:\n  password: ${password}\n`;
      const { problems, notes } = await read({ 'a.yaml': text });
      expect(problems.length + notes.length).toBeGreaterThan(0);
      expect(JSON.stringify([problems, notes])).not.toMatch(/S3cret|7777/);
    },
  );

  it('the line of every field, and of what is around a field that is not there', async () => {
    const { systems } = await read({ 'a.yaml': system });
    const lineOf = systems[0]?.lineOf ?? (() => 0);
    const paths = [
      ['spec', 'objects', 0, 'csv', 'path'],
      ['spec', 'objects', 0, 'ldap', 'base'],
      ['spec', 'type'],
      [],
    ];
    expect(paths.map((path) => lineOf(path))).toEqual([11, 8, 5, 1]);
  });
});

it('a problem that somebody else finds in an object gets its place too', async () => {
  const { systems } = await read({ 'a.yaml': system });
  const [people] = systems;
  const problem = {
    path: ['spec', 'objects', 0, 'id'],
    rule: 'attribute',
    message: 'is no column',
    value: undefined,
  };
  expect(people === undefined ? undefined : locateProblem(people, problem)).toMatchObject({
    file: join(folder, 'a.yaml'),
    line: 10,
    path: 'spec.objects[0].id',
  });
});

describe('Secrets and ConfigMaps', () => {
  const secret = `apiVersion: v1
kind: Secret
metadata: { name: bind, namespace: hr }
`;

  it('values of data are decoded, those of stringData win, and none of them prints', async () => {
    const { secrets } = await read({
      'a.yaml': `${secret}data: { dn: Y249YWRtaW4=, password: b2xk }\nstringData: { password: sword-fish }\n`,
    });
    const values = secrets.get('hr/bind');
    expect([values?.get('dn')?.reveal(), values?.get('password')?.reveal()]).toEqual([
      'cn=admin',
      'sword-fish',
    ]);
    expect(inspect(secrets, { depth: 9 }) + JSON.stringify([...(values ?? [])])).not.toMatch(
      /sword-fish|cn=admin/,
    );
  });

  it('ConfigMaps hold text and bytes', async () => {
    const { configMaps } = await read({
      'a.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ca }\ndata: { ca.crt: PEM }\nbinaryData: { raw: /w== }\n`,
    });
    expect([...(configMaps.get('default/ca') ?? [])]).toEqual([
      ['ca.crt', 'PEM'],
      ['raw', Buffer.from([255])],
    ]);
  });

  it.each([
    {
      what: 'plain text in data',
      yaml: 'data: { password: "sword-fish" }',
      problem: '4 data.password: is not base64: use stringData for plain text',
    },
    {
      what: 'a number',
      yaml: 'stringData: { password: 12345 }',
      problem:
        '4 stringData: the value of key 1 must be a string: write a colon and a space before it, and put it in quotes',
    },
    { what: 'a list', yaml: 'data: [sword-fish]', problem: '4 data: must be a map of strings' },
    {
      what: 'a key twice',
      yaml: 'stringData: { password: sword-fish, password: sword-fish }',
      problem: '4 : map keys must be unique',
    },
  ])('$what in a Secret is refused without showing it', async ({ yaml, problem }) => {
    const manifests = await read({ 'a.yaml': `${secret}${yaml}\n` });
    expect(problemsOf(manifests)).toEqual([`a.yaml:${problem}`]);
    expect(inspect(manifests, { depth: 9 })).not.toMatch(/sword-fish|12345/);
  });

  it('bytes that are no text are left out with a note', async () => {
    const manifests = await read({ 'a.yaml': `${secret}data: { keystore: /w== }\n` });
    expect(manifests.secrets.get('hr/bind')?.size).toBe(0);
    expect(manifests.notes.map(({ message }) => message)).toEqual([
      'data.keystore is not text and cannot be used',
    ]);
  });
});

describe('what is wrong, all at once, with its place', () => {
  it.each([
    { what: 'broken YAML', text: `${policy}  - [\n`, problem: /^a\.yaml:5 : / },
    {
      what: 'a key twice',
      text: `${policy}kind: SituationPolicy\n`,
      problem: /^a\.yaml:5 : map keys must be unique$/,
    },
    {
      what: 'an unknown field',
      text: policy.replace('rules: []', 'rules: [], rule: x'),
      problem: /^a\.yaml:4 spec\.rule: is not a field; did you mean rules\?$/,
    },
    {
      what: 'a missing field',
      text: policy.replace('rules: []', ''),
      problem: /^a\.yaml:4 spec\.rules: is missing/,
    },
    {
      what: 'an unknown version',
      text: policy.replace('v1alpha1', 'v9'),
      problem: /^a\.yaml:1 apiVersion: must be rollcall\.dev\/v1alpha1$/,
    },
    {
      what: 'one of our kinds in another group',
      text: policy.replace('rollcall.dev/', 'example.org/'),
      problem: /^a\.yaml:1 apiVersion: must be/,
    },
    {
      what: 'an unknown kind of our group',
      text: policy.replace('SituationPolicy', 'SituationPolice'),
      problem:
        /^a\.yaml:2 kind: is not a kind of rollcall\.dev\/v1alpha1; there are ManagedSystem, ReconMapping, SituationPolicy; did you mean SituationPolicy\?$/,
    },
    {
      what: 'no kind at all in our group',
      text: 'apiVersion: rollcall.dev/v1alpha1\n',
      problem: /^a\.yaml:1 kind: is not a kind/,
    },
    {
      what: 'a rule of the definition',
      text: system.replace('people.csv', '../people.csv'),
      problem: /^a\.yaml:11 spec\.objects\[0\]\.csv\.path: the path must be relative/,
    },
    { what: 'an alias bomb', text: bomb(), problem: /^a\.yaml:1 : has aliases/ },
    { what: 'nesting without end', text: `${policy}x: ${'['.repeat(100_000)}`, problem: /^a\.yaml:\d+ : / },
  ])('$what', async ({ text, problem }) => {
    const problems = problemsOf(await read({ 'a.yaml': text }));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(problem);
  });

  it('a file that is not UTF-8, and one that is no manifest but data', async () => {
    const manifests = await read({
      'a.yaml': Uint8Array.of(0xff, 0xfe),
      'b.yaml': 'x'.repeat(9 * 1024 * 1024),
      'c.yaml': policy,
    });
    expect(problemsOf(manifests)).toEqual([
      'a.yaml:1 : is not UTF-8: save it in that encoding',
      'b.yaml:1 : is larger than 8 MiB: manifests are short texts; is this a data file?',
    ]);
    expect(manifests.policies.length).toBe(1);
  });

  it('a link that leads nowhere, and a DIR that is neither file nor folder', async () => {
    await symlink(join(folder, 'gone'), join(folder, 'gone.yaml'));
    expect(problemsOf(await read({}))).toEqual(['gone.yaml:1 : does not exist']);
    const device = await readManifests('/dev/null', { contract, standardInput: streamOf('') });
    expect(device.problems.map(({ message }) => message)).toEqual(['is neither a file nor a folder']);
  });

  it('a Secret without a name, and a Secret twice', async () => {
    const secret = 'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n';
    const manifests = await read({
      'a.yaml': secret.replace('name: s', ''),
      'b.yaml': `${secret}---\n${secret}`,
    });
    expect(problemsOf(manifests).map((problem) => problem.replace(folder, ''))).toEqual([
      'a.yaml:3 metadata.name: is missing: every object needs a name',
      'b.yaml:7 metadata.name: Secret default/s is already defined in /b.yaml:3: rename or remove one of them',
    ]);
  });

  it('a field with an alias behind it is found where it is written', async () => {
    const text = system.replace('csv: {}', 'csv: &dialect { quotes: "x" }');
    expect(problemsOf(await read({ 'a.yaml': text }))).toEqual([
      'a.yaml:6 spec.csv.quotes: is not a field; did you mean quote?',
    ]);
    const aliased = text
      .replace('metadata: {', 'metadata: { labels: *none,')
      .replace('apiVersion', 'x: &none {}\napiVersion');
    expect(problemsOf(await read({ 'a.yaml': aliased }))[0]).toMatch(/^a\.yaml:1 x: is not a field/);
  });

  it('a circle of aliases', async () => {
    const circle = policy.replace('rules: []', 'rules: &rules [*rules]');
    expect(problemsOf(await read({ 'a.yaml': circle })).length).toBeGreaterThan(0);
  });

  it('a byte order mark is forgiven', async () => {
    expect((await read({ 'a.yaml': `\uFEFF${policy}` })).policies.length).toBe(1);
  });

  it('the same object twice, naming both places', async () => {
    const manifests = await read({ 'a.yaml': `---\n${policy}`, 'b.yaml': policy });
    expect(problemsOf(manifests)).toEqual([
      `b.yaml:3 metadata.name: SituationPolicy default/policy is already defined in ${join(folder, 'a.yaml')}:4: rename or remove one of them`,
    ]);
  });

  it('a folder without manifests, and one that is not there', async () => {
    expect(problemsOf(await read({}))[0]).toMatch(/holds no \*\.yaml or \*\.yml file/);
    const missing = await readManifests(join(folder, 'nowhere'), { contract, standardInput: streamOf('') });
    expect(problemsOf(missing)).toEqual(['nowhere:1 : does not exist']);
  });
});

it('other kinds and other YAML are ignored with a note', async () => {
  const manifests = await read({
    'a.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: x }\n---\nreplicas: 1\n---\n',
  });
  expect(manifests.problems).toEqual([]);
  expect(manifests.notes.map(({ line, message }) => `${line} ${message}`)).toEqual([
    '1 apps/v1 Deployment: not a kind that Rollcall reads, ignored',
    '5 no apiVersion and kind: not a kind that Rollcall reads, ignored',
  ]);
});

it('what tells kubectl which files to apply is passed over in silence', async () => {
  const manifests = await read({
    'kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n',
  });
  expect([manifests.problems, manifests.notes]).toEqual([[], []]);
});

function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const inner = level === 0 ? 'x' : `*l${level - 1}`;
    return `l${level}: &l${level} [${Array.from({ length: 9 }, () => inner).join(', ')}]`;
  });
  return `${levels.join('\n')}\n`;
}
