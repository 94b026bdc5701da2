// The skill of the server, as the Inspector finds, checks and reads it, in each
// protocol over each transport.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './host.mjs';
import { connect } from './inspector.mjs';
import { World } from './server.mjs';
import { concurrency, limit } from './ways.mjs';

const uri = 'skill://polt/SKILL.md';

test('the skill', { concurrency }, async (t) => {
  const world = await World.start(t);
  const all = ['legacy', 'modern'].flatMap((era) => ['stdio', 'streamable HTTP'].map((transport) => ({ era, transport })));
  await Promise.all(all.map(({ era, transport }) => (
    t.test(`is good in the ${era} protocol over ${transport}`, limit, async (t) => {
      const inspector = connect(t, era, transport, world);
      // With --verify, 7 would say that the skill is not as the specification
      // wants it, or not as its digest says, and 8 that not all was checked.
      const { status, lines, stderr } = await inspector.run('skills/list', '--verify');
      assert.equal(status, 0, stderr);
      assert.deepEqual(lines.map(({ uri, outcome }) => [uri, outcome]), [[uri, 'verified']]);
      assert.deepEqual(lines[0].files.map(({ uri, status }) => [uri, status]), [[uri, 'verified']]);

      const { skill } = await inspector.get('skills/get', '--uri', uri);
      assert.equal(skill.frontmatter.name, 'polt');
      assert.equal(skill.resources[0].digest, lines[0].files[0].actualDigest);
      await assert.rejects(inspector.get('skills/get', '--uri', 'skill://none/SKILL.md'), /There is no skill/);
      assert.equal((await inspector.read(uri)).text, readFileSync(join(root, 'skills/polt/SKILL.md'), 'utf8'));
    })
  )));
  await world.end();
});
