// Writes the table in docs/hosts.md, of what tests have recorded in a file.
//   node table.mjs FILE
import { readFileSync } from 'node:fs';
import { write } from '../versions.mjs';

const lines = readFileSync(process.argv[2], 'utf8').trim().split('\n').filter(Boolean);
write(new Map(lines.map((line) => JSON.parse(line))));
