/** Makes what follows from the schema of the Intercept Specification: its file for editors, and the tables of its page. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pageFile, pageText, schemaFile, schemaText } from './specification-files.ts';

mkdirSync(dirname(schemaFile), { recursive: true });
writeFileSync(schemaFile, schemaText());
writeFileSync(pageFile, pageText(readFileSync(pageFile, 'utf8')));
