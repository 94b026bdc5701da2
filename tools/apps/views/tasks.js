host.start((data) => {
	const tasks = list(data.tasks ?? Object.values(data).find(Array.isArray));
	const count = tasks.length === 1 ? "1 task" : `${tasks.length} tasks`;
	return [h("h1", null, Number(data.total) > tasks.length ? `${count} of ${Number(data.total)}` : count), tasks.length ? rows(tasks) : h("p", { class: "muted" }, "No task fits.")];
}, "polt-tasks");
