// What the vendors' own packages make of this server, as an agent that is
// written with one of them sees it. Each has the tools that its model is offered,
// with their arguments in the vendor's own form, and what its model sees of a
// call.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { info } from './agent.mjs';
import { environment, root, temporary } from './host.mjs';

/** stdio returns what a server over stdio is started with, for the time of the test t. */
const stdio = (t, world) => ({ ...world.stdio(), env: environment(temporary(t)), cwd: root });

/** client returns an official client over stdio, which some vendors are given. */
async function client(t, world) {
  const client = new Client(info);
  t.after(() => client.close());
  await client.connect(new StdioClientTransport(stdio(t, world)));
  return client;
}

/** argument returns an argument in the terms of JSON Schema; an enum is of strings. */
const argument = ({ type, enum: values, description }) => ({ type: type ?? (values && 'string'), enum: values, description });

/** tool returns a tool of a schema of its arguments. */
const tool = (name, description, { properties, required }) => ({
  name,
  description,
  arguments: Object.fromEntries(Object.entries(properties ?? {}).map(([name, schema]) => [name, argument(schema)])),
  required: required ?? [],
});

/** anthropic gives a model what mcpTools makes of a client. */
async function anthropic(t, world) {
  const { mcpTools } = await import('@anthropic-ai/sdk/helpers/beta/mcp');
  const mcp = await client(t, world);
  const all = mcpTools((await mcp.listTools()).tools, mcp);
  return {
    tools: all.map(({ name, description, input_schema }) => tool(name, description, input_schema)),
    call: (name, args) => all.find((tool) => tool.name === name).run(args).catch(({ content }) => content),
  };
}

/** anthropicStrict has schemas go through what Anthropic makes of them for strict tools. */
async function anthropicStrict(t, world) {
  const { transformJSONSchema } = await import('@anthropic-ai/sdk/lib/transform-json-schema');
  const { tools } = await (await client(t, world)).listTools();
  return {
    tools: tools.map(({ name, description, inputSchema }) => tool(name, description, transformJSONSchema(inputSchema))),
    outputs: tools.flatMap(({ outputSchema }) => (outputSchema ? [transformJSONSchema(outputSchema)] : [])),
  };
}

/** genai gives Gemini what mcpToTool makes of a client. */
async function genai(t, world) {
  const { mcpToTool } = await import('@google/genai');
  const callable = mcpToTool(await client(t, world));
  const { functionDeclarations } = await callable.tool();
  return {
    tools: functionDeclarations.map(({ name, description, parametersJsonSchema }) => tool(name, description, parametersJsonSchema)),
    outputs: functionDeclarations.map(({ responseJsonSchema }) => responseJsonSchema).filter(Boolean),
    call: async (name, args) => (await callable.callTool([{ name, args }]))[0].functionResponse.response,
  };
}

/** json returns a schema of Gemini's API, whose types are in capitals, as JSON Schema. */
const json = (schema) => JSON.parse(JSON.stringify(schema), (name, value) => (name === 'type' && typeof value === 'string' ? value.toLowerCase() : value));

/** adk gives an agent of Google's Agent Development Kit a set of tools, over a way to reach the server. */
async function adk(connection) {
  const { MCPToolset, setLogger } = await import('@google/adk');
  const ignore = () => {};
  setLogger({
    log: ignore, debug: ignore, info: ignore, setLogLevel: ignore, warn: console.warn,
    // It closes a session while that still asks for a stream.
    error: (...text) => text.join(' ').includes('This operation was aborted') || console.error(...text),
  });
  const all = await new MCPToolset(connection).getTools();
  const declarations = all.map((tool) => json(tool._getDeclaration()));
  return {
    tools: declarations.map(({ name, description, parameters }) => tool(name, description, parameters)),
    outputs: declarations.map(({ response }) => response).filter(Boolean),
    call: (name, args) => all.find((tool) => tool.name === name).runAsync({ args, toolContext: {} }),
  };
}

const adkOverStdio = (t, world) => adk({ type: 'StdioConnectionParams', serverParams: stdio(t, world) });
const adkOverHTTP = (t, world) => adk({ type: 'StreamableHTTPConnectionParams', url: `${world.server.url}/mcp` });

/** openai gives an agent of OpenAI's SDK the tools of a server. */
async function openai(t, server, strict) {
  const { RunContext, getAllMcpTools } = await import('@openai/agents');
  await server.connect();
  t.after(() => server.close());
  const all = await getAllMcpTools({ mcpServers: [server], convertSchemasToStrict: strict });
  return {
    strict: strict && all.map((tool) => tool.strict),
    // What may be left out is null in a strict schema.
    tools: all.map(({ name, description, parameters: { properties, required } }) => tool(name, description, {
      properties: Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, nonNull(schema)])),
      required: required.filter((name) => nonNull(properties[name]) === properties[name]),
    })),
    call: (name, args) => all.find((tool) => tool.name === name).invoke(new RunContext(), JSON.stringify(args)),
  };
}

/** nonNull returns a schema without null, or itself where it has none. */
function nonNull(schema) {
  if (Array.isArray(schema.type)) {
    return { ...schema, type: schema.type.find((type) => type !== 'null'), enum: schema.enum?.filter((value) => value !== null) };
  }
  const other = schema.anyOf?.find(({ type }) => type !== 'null');
  return other ? { ...schema, ...other, description: schema.description ?? other.description } : schema;
}

async function openaiOverStdio(t, world) {
  const { MCPServerStdio } = await import('@openai/agents');
  return openai(t, new MCPServerStdio(stdio(t, world)), true);
}

async function openaiOverHTTP(t, world) {
  const { MCPServerStreamableHttp } = await import('@openai/agents');
  return openai(t, new MCPServerStreamableHttp({ url: `${world.server.url}/mcp` }), false);
}

/** vercel has a model of the AI SDK make a call, and returns what it is given. */
async function vercel(t, transport) {
  const [{ createMCPClient }, { generateText, isStepCount }, { MockLanguageModelV4 }] = await Promise.all([import('@ai-sdk/mcp'), import('ai'), import('ai/test')]);
  const mcp = await createMCPClient({ transport });
  t.after(() => mcp.close());
  const tools = await mcp.tools();
  const usage = { inputTokens: {}, outputTokens: {} };
  const run = async (content) => {
    const model = new MockLanguageModelV4({
      doGenerate: async ({ prompt }) => (prompt.some(({ role }) => role === 'tool')
        ? { content: [{ type: 'text', text: 'Done.' }], finishReason: { unified: 'stop' }, usage, warnings: [] }
        : { content, finishReason: { unified: content[0].type === 'text' ? 'stop' : 'tool-calls' }, usage, warnings: [] }),
    });
    await generateText({ model, tools, prompt: 'Call it.', stopWhen: isStepCount(2) });
    return model.doGenerateCalls;
  };
  const [{ tools: offered }] = await run([{ type: 'text', text: 'Done.' }]);
  return {
    tools: offered.map(({ name, description, inputSchema }) => tool(name, description, inputSchema)),
    call: async (toolName, args) => {
      const [, { prompt }] = await run([{ type: 'tool-call', toolCallId: '1', toolName, input: JSON.stringify(args) }]);
      return prompt.find(({ role }) => role === 'tool').content[0].output;
    },
  };
}

async function vercelOverStdio(t, world) {
  const { Experimental_StdioMCPTransport: Stdio } = await import('@ai-sdk/mcp/mcp-stdio');
  return vercel(t, new Stdio(stdio(t, world)));
}

const vercelOverHTTP = (t, world) => vercel(t, { type: 'http', url: `${world.server.url}/mcp` });

/** vendors are the packages, with how often a model sees a result: those that show both forms show it twice, unless the server knows them. */
export const vendors = [
  { name: '@anthropic-ai/sdk', open: anthropic, seen: 1 },
  { name: '@anthropic-ai/sdk, strict', open: anthropicStrict },
  { name: '@google/genai, whose client has no name of its own', open: genai, seen: 2 },
  { name: '@google/adk over stdio', open: adkOverStdio, seen: 1, twice: true },
  { name: '@google/adk over streamable HTTP', open: adkOverHTTP, seen: 1, twice: true },
  { name: '@openai/agents over stdio, strict', open: openaiOverStdio, seen: 1 },
  { name: '@openai/agents over streamable HTTP', open: openaiOverHTTP, seen: 1 },
  { name: 'ai over stdio', open: vercelOverStdio, seen: 1 },
  { name: 'ai over streamable HTTP', open: vercelOverHTTP, seen: 1 },
];
