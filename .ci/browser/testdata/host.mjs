// An MCP host with the official host side of MCP Apps: it shows a view in a
// sandboxed frame, as the specification says, and notes what the view does.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

globalThis.seen = { sizes: [], messages: [], calls: [], errors: [] };

globalThis.show = async ({ uri, theme, variables, input, result, cancelled, mute }) => {
	globalThis.bridge?.close();
	const frame = document.querySelector("iframe");
	const capabilities = mute ? {} : { serverTools: {}, message: { text: {} } };
	const bridge = new AppBridge(null, { name: "test-host", version: "1" }, capabilities, {
		hostContext: { theme, styles: { variables }, displayMode: "inline", locale: "en-GB" },
	});
	globalThis.bridge = bridge;
	seen.sizes = [];
	bridge.onerror = (e) => seen.errors.push(String(e));
	bridge.onsizechange = ({ height }) => { seen.sizes.push(height); frame.style.height = `${height}px`; };
	bridge.onmessage = async (m) => { seen.messages.push(m); return {}; };
	bridge.oncalltool = async (params) => {
		seen.calls.push(params);
		return (await fetch("/call", { method: "POST", body: JSON.stringify(params) })).json();
	};
	const ready = new Promise((resolve) => { bridge.oninitialized = resolve; });
	// The frame is empty until the bridge listens, so that it misses nothing.
	await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
	frame.src = `/view?uri=${encodeURIComponent(uri)}`;
	await ready;
	await bridge.sendToolInput({ arguments: input });
	if (cancelled) await bridge.sendToolCancelled({ reason: "user action" });
	else await bridge.sendToolResult(result);
};

globalThis.end = () => bridge.teardownResource({});
