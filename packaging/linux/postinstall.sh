#!/bin/sh
# The service is not enabled: most install this for `polt-mcp stdio`, which an
# MCP host starts. Where it runs already, it goes on with the new version.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart polt-mcp.service
fi
