/** What the pages point to is there: files, and headings within them. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const pages = ['README.md', ...pagesBelow('docs'), ...pagesBelow('examples')];

function pagesBelow(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

/** As the usual renderers name them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

it.each(pages)('%s points to what is there', (page) => {
  const text = readFileSync(join(root, page), 'utf8');
  for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (link.includes('://')) continue;
    const [file = '', anchor] = link.split('#');
    const path = file === '' ? join(root, page) : join(root, dirname(page), file);
    expect(existsSync(path), `${page}: ${link}`).toBe(true);
    if (anchor === undefined || statSync(path).isDirectory()) continue;
    expect(anchorsOf(readFileSync(path, 'utf8')), `${page}: ${link}`).toContain(anchor);
  }
});

it('the README lists every page of docs/', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  for (const page of pagesBelow('docs')) expect(readme).toContain(`(${page})`);
});
