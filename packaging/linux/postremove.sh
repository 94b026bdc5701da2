#!/bin/sh
set -e
case "$1" in
purge)
	# What the service kept, and its settings.
	rm -rf /var/lib/private/polt-mcp /var/lib/polt-mcp /etc/polt-mcp
	;;
esac
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
