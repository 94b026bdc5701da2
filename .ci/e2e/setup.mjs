// What the tests start with: the command, built once for all of their files.
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { build } from './server.mjs';

export function globalSetup() {
  process.env.E2E_COMMAND = build();
}

export function globalTeardown() {
  rmSync(dirname(process.env.E2E_COMMAND), { recursive: true, force: true });
}
