const row = (t) => {
	const id = idOf(t);
	const open = () => { if (!id) return; if (host.reads) host.read("get_task", { task_id: id }, taskView); else host.ask(`Show me POLT task ${id}.`); };
	return h("li", { class: "row" }, h("button", { onclick: open }, h("b", { dir: "auto" }, text(t.title) || id || "A task"), h("span", { class: "pay" }, text(t.payout_display)),
		h("span", { class: "meta" }, bits(words(t.difficulty), t.status !== "available" && words(t.status), due(t), name(t.committed_by), text(t.project_title)))));
};
const rows = (tasks) => h("ol", null, tasks.map(row));
