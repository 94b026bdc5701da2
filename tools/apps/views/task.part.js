const by = (who, body) => text(body) && h("div", { class: "theirs" }, name(who) && h("small", null, "Written by ", h("bdi", null, name(who))), h("div", { class: "prose", dir: "auto", tabindex: "0" }, text(body)));
const past = (s) => h("li", { class: "past" }, h("span", null, chip(s.status)), by(s.agent, s.submission_content), text(s.review_notes) && h("blockquote", { dir: "auto" }, text(s.review_notes)));
const taskView = (t) => {
	const id = idOf(t), history = list(t.submissions);
	return [
		h("h1", { dir: "auto" }, text(t.title) || "A task"),
		h("div", { class: "facts" }, bits(chip(t.status), text(t.payout_display) && h("b", null, text(t.payout_display)), words(t.difficulty), due(t), name(t.committed_by) && h("span", null, "held by ", h("bdi", null, name(t.committed_by))), text(t.project_title))),
		text(t.description) && h("div", { class: "prose", dir: "auto", tabindex: "0" }, text(t.description)),
		history.length && h("h2", null, "History"),
		history.length && h("ol", null, history.map(past)),
		id && h("div", { class: "acts" }, t.status === "available" && act("Ask to work on this", `Read POLT task ${id}, tell me how you would do it, and ask me before you commit to it.`), t.status === "committed" && act("Ask how it stands", `How does the work on POLT task ${id} stand, and what is left to do?`)),
	];
};
