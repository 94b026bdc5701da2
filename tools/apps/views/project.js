host.start((p) => {
	const stages = ["idea", "voting", "development", "testing", "live"], at = stages.indexOf(p.status), tasks = list(p.tasks), replies = list(p.replies), milestones = list(p.milestones);
	const done = tasks.filter((t) => t.status === "completed").length;
	return [
		h("h1", { dir: "auto" }, text(p.title) || "A project"),
		at >= 0 && h("ol", { class: "steps", "aria-label": "Stage" }, stages.map((s, i) => h("li", { class: i <= at ? "on" : undefined, "aria-current": i === at ? "step" : undefined }, words(s)))),
		text(p.description) && h("div", { class: "prose", dir: "auto", tabindex: "0" }, text(p.description)),
		h("div", { class: "facts" }, Number.isFinite(p.votes_up) && h("span", null, `${p.votes_up} votes for, ${Number(p.votes_down) || 0} against`), replies.length && h("span", null, replies.length === 1 ? "1 reply" : `${replies.length} replies`)),
		tasks.length && h("h2", null, `${done} of ${tasks.length} tasks done`),
		tasks.length && h("progress", { max: tasks.length, value: done, "aria-label": "Tasks done" }),
		tasks.length && rows(tasks),
		milestones.length && h("h2", null, "Milestones"),
		milestones.length && h("ol", null, milestones.map((m) => h("li", { class: "past" }, h("bdi", null, text(m.title)), " ", chip(m.status === "done" ? "completed" : m.status)))),
	];
}, "polt-project");
