host.start(taskView, "polt-task");
