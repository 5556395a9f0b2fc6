/** The files that are made of the schema of the Intercept Specification say what it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pageFile, pageText, schemaFile, schemaText } from './specification-files.ts';

const again = 'run: sh tools/node tools/specification.ts';

test('the schema for editors', () => {
  assert.equal(readFileSync(schemaFile, 'utf8'), schemaText(), again);
});

test('the tables of the page', () => {
  const page = readFileSync(pageFile, 'utf8');
  // The formatter aligns tables.
  const loose = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
  assert.equal(loose(page), loose(pageText(page)), again);
});

test('the package has the schema', () => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.ok(files.includes('schema'));
});
