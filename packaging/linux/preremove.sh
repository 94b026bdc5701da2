#!/bin/sh
set -e
case "$1" in
remove | 0) # deb and rpm; an upgrade says upgrade or 1
	if [ -d /run/systemd/system ]; then
		systemctl disable --now polt-mcp.service
	fi
	;;
esac
