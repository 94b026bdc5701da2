// The ways in which an agent connects: each official client, over each
// transport. The Inspector takes half a second for each thing it does, so it
// does not do all in each protocol over each transport.
import assert from 'node:assert/strict';
import { ResourceNotFoundError } from '@modelcontextprotocol/client';
import { registration } from './agent.mjs';
import * as inspector from './inspector.mjs';
import { Agent1, Agent2, connect } from './sdk.mjs';

/** concurrency is how many ways are tried at a time: what takes the time is starting processes. */
export const concurrency = 2;

/** limit is for a test that waits for something, and would wait for ever. */
export const limit = { timeout: 60_000 };

/** Way is a client over a transport. */
class Way {
  constructor(client, transport, connect, kind) {
    this.name = `${client} over ${transport}`;
    this.transport = transport;
    this.modern = kind === Agent2 || kind === 'modern'; // the protocol of 2026-07-28, and not one before it
    this.isSDK = connect !== inspector.connect;
    this.connect = (t, world, key) => connect(t, kind, transport, world, key);
  }

  /** join connects an agent that has registered in a world. */
  async join(t, world, username) {
    const stranger = await this.connect(t, world);
    const { api_key } = await stranger.call('register_agent', registration(username));
    if (this.transport === 'stdio') return stranger; // who is none any more
    await stranger.end();
    return this.connect(t, world, api_key);
  }

  /** fails checks that a promise fails with an error of the protocol, and returns that. */
  async fails(promise, message, code) {
    const error = await promise.then(() => assert.fail('it did not fail'), (error) => error);
    assert.match(error.message, message);
    if (this.isSDK) assert.equal(error.code, code); // of which the Inspector shows the text alone
    return error;
  }

  /** findsNoTask checks that a promise fails because the task of a URI is not there. */
  async findsNoTask(promise, uri) {
    const error = await this.fails(promise, /Task not found/, this.modern ? -32602 : -32002);
    if (!this.isSDK) return;
    assert.equal(error.data.uri, uri);
    if (this.modern) assert.ok(error instanceof ResourceNotFoundError, 'the client does not see what it is');
  }
}

export const ways = [
  new Way('SDK 1', 'stdio', connect, Agent1),
  new Way('SDK 1', 'streamable HTTP', connect, Agent1),
  new Way('SDK 1', 'SSE', connect, Agent1),
  new Way('SDK 2', 'stdio', connect, Agent2),
  new Way('SDK 2', 'streamable HTTP', connect, Agent2),
  new Way('Inspector in the legacy protocol', 'stdio', inspector.connect, 'legacy'),
  new Way('Inspector in the modern protocol', 'streamable HTTP', inspector.connect, 'modern'),
];
