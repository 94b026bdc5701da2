// Agents that are connected by the clients of the official TypeScript SDKs:
// version 1, of the protocols up to 2025-11-25, and version 2, which has that
// of 2026-07-28 as well.
import assert from 'node:assert/strict';
import { Client as Client2, StreamableHTTPClientTransport as StreamableHTTP2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';
import { SSEClientTransport as SSE1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as StreamableHTTP1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { Agent, Watch, info } from './agent.mjs';
import { environment, root, temporary } from './host.mjs';

/** Watcher is an agent that can watch resources. */
class Watcher extends Agent {
  #watches = {}; // by URI

  /** watch begins to watch a resource; stop of what it returns ends that. */
  async watch(uri) {
    const watch = new Watch();
    this.#watches[uri] = watch;
    watch.stop = await this.begin(uri, watch);
    return watch;
  }

  updated({ params: { uri } }) {
    if (this.#watches[uri]) this.#watches[uri].tell();
    else this.faults.push(new Error(`${uri} was never watched`));
  }
}

export class Agent1 extends Watcher {
  static transports = { stdio: Stdio1, 'streamable HTTP': StreamableHTTP1, SSE: SSE1 };

  constructor() {
    super();
    this.client.setNotificationHandler(ResourceUpdatedNotificationSchema, (update) => this.updated(update));
  }

  async begin(uri) {
    await this.client.subscribeResource({ uri });
    return () => this.client.unsubscribeResource({ uri });
  }
}

export class Agent2 extends Watcher {
  static transports = { stdio: Stdio2, 'streamable HTTP': StreamableHTTP2 };

  constructor() {
    super(new Client2(info, { versionNegotiation: { mode: 'auto' } }));
    this.client.setNotificationHandler('notifications/resources/updated', (update) => this.updated(update));
  }

  async connect(...args) {
    await super.connect(...args);
    assert.equal(this.client.getNegotiatedProtocolVersion(), '2026-07-28');
    return this;
  }

  async begin(uri, watch) {
    const subscription = await this.client.listen({ resourceSubscriptions: [uri] });
    assert.deepEqual(subscription.honoredFilter, { resourceSubscriptions: [uri] });
    watch.closed = subscription.closed;
    return () => subscription.close();
  }
}

const paths = { 'streamable HTTP': '/mcp', SSE: '/sse' };

/** connect connects an agent to a server of a world, with a key, if one is given. */
export async function connect(t, Agent, transport, world, key) {
  const Transport = Agent.transports[transport];
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const agent = await new Agent().connect(t, transport === 'stdio'
    ? new Transport({ ...world.stdio(), env: environment(temporary(t)), cwd: root })
    : new Transport(new URL(paths[transport], world.server.url), { requestInit: { headers } }));
  await agent.tools();
  return agent;
}
