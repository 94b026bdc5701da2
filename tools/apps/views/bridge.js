"use strict";
// Texts that agents wrote only ever become text: nothing here makes HTML.
const h = (tag, attributes, ...children) => {
	const e = document.createElement(tag);
	for (const [k, v] of Object.entries(attributes ?? {})) if (v !== undefined) k === "onclick" ? e.addEventListener("click", v) : e.setAttribute(k, v);
	e.append(...children.flat().filter(Boolean));
	return e;
};
const bits = (...parts) => parts.filter(Boolean).map((p) => typeof p === "string" ? h("span", { dir: "auto" }, p) : p);
const text = (v) => typeof v === "string" ? v : typeof v === "number" ? String(v) : "";
const list = (v) => Array.isArray(v) ? v.filter((x) => x && typeof x === "object") : [];
const name = (v) => text(v) || text(v?.username);
const words = (s) => { const t = text(s).replaceAll("_", " "); return t && t[0].toUpperCase() + t.slice(1); };

const host = (() => {
	let id = 0, height = 0, can = {}, render = () => [];
	const waiting = new Map();
	const post = (m) => parent.postMessage({ jsonrpc: "2.0", ...m }, "*");
	const notify = (method, params = {}) => post({ method, params });
	const request = (method, params) => new Promise((resolve, reject) => {
		waiting.set(++id, { resolve, reject });
		post({ id, method, params });
	});
	const app = () => document.querySelector("main");
	const put = (...nodes) => app().replaceChildren(...nodes.flat(3).filter(Boolean));
	const say = (s) => put(h("p", { class: "muted", role: "status" }, s));
	const style = (c = {}) => {
		const root = document.documentElement;
		if (c.theme) root.style.colorScheme = c.theme === "dark" ? "dark" : "light";
		for (const [k, v] of Object.entries(c.styles?.variables ?? {})) if (k.startsWith("--") && v) root.style.setProperty(k, v);
		const i = c.safeAreaInsets;
		if (i) document.body.style.padding = `${i.top}px ${i.right}px ${i.bottom}px ${i.left}px`;
	};
	const dataOf = (r) => {
		if (r?.structuredContent) return r.structuredContent;
		try { return JSON.parse(r.content.find((c) => c.type === "text").text); } catch { return null; }
	};
	const show = (result) => {
		if (result?.isError) return say(text(result.content?.[0]?.text).split("\n")[0] || "The call failed.");
		const data = dataOf(result);
		if (!data || typeof data !== "object") return say("The answer has nothing to show.");
		put(render(data));
	};
	const size = new ResizeObserver(() => {
		const now = Math.ceil(document.body.getBoundingClientRect().height);
		if (now === height) return;
		height = now;
		notify("ui/notifications/size-changed", { width: Math.ceil(document.body.getBoundingClientRect().width), height });
	});
	const receive = (e) => {
		const m = e.data;
		if (e.source !== parent || m?.jsonrpc !== "2.0") return;
		if (m.method === undefined) {
			const w = waiting.get(m.id);
			waiting.delete(m.id);
			if (m.error) w?.reject(new Error(m.error.message)); else w?.resolve(m.result);
			return;
		}
		switch (m.method) {
		case "ui/notifications/tool-result": show(m.params); break;
		case "ui/notifications/tool-cancelled": say("The call was cancelled."); break;
		case "ui/notifications/host-context-changed": style(m.params); break;
		case "ui/resource-teardown":
			size.disconnect();
			post({ id: m.id, result: {} });
			removeEventListener("message", receive);
			break;
		case "ping": post({ id: m.id, result: {} }); break;
		default: if (m.id !== undefined) post({ id: m.id, error: { code: -32601, message: "Method not found" } });
		}
	};
	return {
		// start begins the view, which makes nodes of a tool's data.
		async start(view, name) {
			render = view;
			addEventListener("message", receive);
			const r = await request("ui/initialize", { protocolVersion: "2026-01-26", appInfo: { name, version: "1" }, appCapabilities: { availableDisplayModes: ["inline"] } });
			can = r.hostCapabilities ?? {};
			style(r.hostContext);
			notify("ui/notifications/initialized");
			size.observe(document.body);
		},
		// read calls a tool that reads, and shows its result by a view.
		async read(tool, args, view) {
			const before = [...app().childNodes];
			say("Reading…");
			try {
				const data = dataOf(await request("tools/call", { name: tool, arguments: args }));
				put(view(data), h("div", { class: "acts" }, h("button", { onclick: () => put(before) }, "Back")));
				document.querySelector("main").focus();
			} catch (e) { put(before, h("p", { class: "muted", role: "status" }, `That could not be read: ${e.message}`)); }
		},
		get reads() { return Boolean(can.serverTools); },
		get speaks() { return Boolean(can.message); },
		// ask puts a sentence of ours to the model, as the user's.
		ask: (s) => request("ui/message", { role: "user", content: [{ type: "text", text: s }] }).catch(() => {}),
	};
})();

// validId keeps anything but an id out of what is asked.
const validId = (v) => /^[\w-]{1,64}$/.test(text(v)) ? text(v) : "";
const idOf = (t) => validId(t.id) || validId(t.task_id);
const spanOf = (s) => s < 3600 ? `${Math.floor(s / 60)} min` : s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
const due = (t) => {
	if (!Number.isFinite(t.deadline) || ["completed", "in_review"].includes(t.status)) return;
	const left = t.deadline - Date.now() / 1000;
	return h("span", { class: left < 0 ? "late" : left < 172800 ? "soon" : undefined }, left < 0 ? `overdue by ${spanOf(-left)}` : `due in ${spanOf(left)}`);
};
const tones = { completed: "good", approved: "good", committed: "warn", needs_revision: "warn", rejected: "bad", cancelled: "bad" };
const chip = (s) => text(s) && h("span", { class: `chip ${tones[s] ?? ""}` }, words(s));
const act = (label, sentence) => host.speaks && h("button", { onclick: () => host.ask(sentence) }, label);
