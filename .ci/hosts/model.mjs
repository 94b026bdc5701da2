// A model on loopback, as hosts reach one over four APIs. It calls one tool, and
// ends when it has the result.
import { createServer } from 'node:http';
import { once } from 'node:events';

/** Model answers hosts. It calls the tool whose name ends as given. */
export class Model {
  /** offered has the names of the tools that the host offered, as the host calls them. */
  offered = [];
  /** result is what the tool answered, as the host passed it on. */
  result = '';
  requests = [];

  constructor(tool, input = {}) {
    this.tool = tool;
    this.input = input;
  }

  async start(t) {
    this.server = createServer((request, response) => this.answer(request, response));
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    t.after(() => { this.server.closeAllConnections(); this.server.close(); });
    return this;
  }

  async answer(request, response) {
    let text = '';
    for await (const chunk of request) text += chunk;
    this.requests.push(`${request.method} ${request.url}`);
    const path = new URL(request.url, this.url).pathname;
    const body = text.startsWith('{') ? JSON.parse(text) : {};
    const api = path.endsWith('/messages') ? anthropic : path.endsWith('/responses') ? responses : path.endsWith('/chat/completions') ? chat : /:(stream)?[gG]enerateContent$/.test(path) ? gemini : null;
    if (!api || request.method !== 'POST') {
      response.writeHead(request.method === 'HEAD' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    const names = api.tools(body);
    if (names.length > this.offered.length) this.offered = names;
    const result = api.result(body);
    if (result) this.result = result;
    const name = names.find((name) => name.endsWith(this.tool));
    const call = name && !this.result ? { name, input: this.input } : null;
    const stream = body.stream || path.includes('streamGenerateContent');
    api.send(response, call, stream);
  }
}

const events = (response, list) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const [event, data] of list) {
    response.write((event ? `event: ${event}\n` : '') + `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  }
  response.end();
};

const flat = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

const anthropic = {
  tools: (body) => (body.tools ?? []).map((tool) => tool.name),
  result: (body) => {
    const results = (body.messages ?? []).flatMap((m) => (Array.isArray(m.content) ? m.content : [])).filter((c) => c.type === 'tool_result');
    return results.length ? flat(results.at(-1).content) : '';
  },
  send: (response, call, stream) => {
    const content = call ? { type: 'tool_use', id: 'toolu_1', name: call.name, input: call.input } : { type: 'text', text: 'Done.' };
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'loopback', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } };
    const stop = call ? 'tool_use' : 'end_turn';
    if (!stream) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...message, content: [content], stop_reason: stop }));
      return;
    }
    events(response, [
      ['message_start', { type: 'message_start', message: { ...message, content: [], stop_reason: null } }],
      ['content_block_start', { type: 'content_block_start', index: 0, content_block: call ? { ...content, input: {} } : { type: 'text', text: '' } }],
      ['content_block_delta', { type: 'content_block_delta', index: 0, delta: call ? { type: 'input_json_delta', partial_json: JSON.stringify(call.input) } : { type: 'text_delta', text: 'Done.' } }],
      ['content_block_stop', { type: 'content_block_stop', index: 0 }],
      ['message_delta', { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 1 } }],
      ['message_stop', { type: 'message_stop' }],
    ]);
  },
};

const responses = {
  // Tools of a server come as a namespace with its functions in it.
  tools: (body) => (body.tools ?? []).flatMap((tool) => (tool.tools ? tool.tools.map((inner) => ({ ...inner, space: tool.name })) : [tool])).map((tool) => (tool.space ? `${tool.space}/${tool.name}` : tool.name ?? '')),
  result: (body) => {
    const results = (Array.isArray(body.input) ? body.input : []).filter((item) => item.type === 'function_call_output');
    return results.length ? flat(results.at(-1).output) : '';
  },
  send: (response, call) => {
    const [space, name] = call?.name.includes('/') ? call.name.split('/') : [undefined, call?.name];
    const item = call
      ? { type: 'function_call', id: 'fc_1', call_id: 'call_1', name, ...(space && { namespace: space }), arguments: JSON.stringify(call.input), status: 'completed' }
      : { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Done.', annotations: [] }] };
    const whole = { id: 'resp_1', object: 'response', status: 'completed', output: [item], usage: { input_tokens: 1, input_tokens_details: null, output_tokens: 1, output_tokens_details: null, total_tokens: 2 } };
    events(response, [
      ['response.created', { type: 'response.created', response: { ...whole, status: 'in_progress', output: [] } }],
      ['response.output_item.done', { type: 'response.output_item.done', output_index: 0, item }],
      ['response.completed', { type: 'response.completed', response: whole }],
    ]);
  },
};

const chat = {
  tools: (body) => (body.tools ?? []).map((tool) => tool.function.name),
  result: (body) => {
    const results = (body.messages ?? []).filter((m) => m.role === 'tool');
    return results.length ? flat(results.at(-1).content) : '';
  },
  send: (response, call, stream) => {
    const tools = call && [{ index: 0, id: 'call_1', type: 'function', function: { name: call.name, arguments: JSON.stringify(call.input) } }];
    const base = { id: 'chatcmpl-1', created: 1, model: 'loopback' };
    const message = call ? { role: 'assistant', content: null, tool_calls: tools } : { role: 'assistant', content: 'Done.' };
    const finish = call ? 'tool_calls' : 'stop';
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    if (!stream) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finish }], usage }));
      return;
    }
    events(response, [
      ['', { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta: message, finish_reason: null }] }],
      ['', { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: finish }], usage }],
      ['', '[DONE]'],
    ]);
  },
};

const gemini = {
  tools: (body) => (body.tools ?? []).flatMap((tool) => (tool.functionDeclarations ?? []).map((f) => f.name)),
  result: (body) => {
    const results = (body.contents ?? []).flatMap((c) => c.parts ?? []).filter((p) => p.functionResponse);
    return results.length ? flat(results.at(-1).functionResponse.response) : '';
  },
  send: (response, call, stream) => {
    const part = call ? { functionCall: { name: call.name, args: call.input } } : { text: 'Done.' };
    const whole = { candidates: [{ index: 0, content: { role: 'model', parts: [part] }, finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 } };
    if (stream) events(response, [['', whole]]);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(whole));
  },
};
