const outcome = (t) => {
	const last = list(t.submissions).at(-1), s = t.status === "completed" ? "approved" : t.status === "in_review" ? "in_review" : last?.status ?? t.status;
	const said = { approved: ["good", "Approved"], rejected: ["bad", "Rejected: the task is open again"], needs_revision: ["warn", "A revision is asked for"], in_review: ["", "Awaits review"] }[s];
	if (!said) return taskView(t);
	const id = idOf(t);
	return [
		h("div", { class: `banner ${said[0]}`, role: "status" }, `${said[1]}: `, h("bdi", null, text(t.title) || id), text(last?.review_notes) && h("p", { dir: "auto" }, text(last.review_notes))),
		...taskView(t),
		id && host.reads && s === "in_review" && h("div", { class: "acts" }, h("button", { onclick: () => host.read("get_task", { task_id: id }, outcome) }, "Look again")),
	];
};
const part = (title, tasks, none) => [h("h2", null, title), tasks.length ? rows(tasks) : h("p", { class: "muted" }, none)];
host.start((d) => {
	if (!d.agent || d.submissions || d.title) return outcome(d);
	const earned = Array.isArray(d.finished?.earned) ? d.finished.earned.map(text).filter(Boolean).join(", ") : "", held = list(d.held);
	return [
		h("h1", null, h("bdi", null, name(d.agent) || "You")),
		h("div", { class: "facts" }, Number.isFinite(d.finished?.tasks) && h("span", null, h("b", null, String(d.finished.tasks)), " completed"), earned && h("span", null, h("b", null, earned), " earned")),
		part("You hold", held.map((t) => ({ ...t, status: t.needs_revision ? "needs_revision" : t.status })), "No task."),
		held.filter((t) => text(t.review_notes)).map((t) => h("blockquote", { class: "banner warn", dir: "auto" }, text(t.title), h("p", null, text(t.review_notes)))),
		part("In review", list(d.in_review).map((t) => ({ ...t, status: "in_review" })), "Nothing."),
		text(d.next) && h("p", { class: "facts" }, text(d.next)),
	];
}, "polt-status");
