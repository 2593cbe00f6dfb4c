#!/bin/sh
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
### BEGIN INIT INFO
# Provides:          amazon-ssm-agent
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: The SSM Agent
### END INIT INFO
#
# The agent's init script, on a machine without an init: it only keeps in mind whether the agent runs.
running=/run/amazon-ssm-agent
case $1 in
  start) touch "$running" ;;
  stop) rm -f "$running" ;;
  status)
    if [ -e "$running" ]; then
      echo 'amazon-ssm-agent is running'
    else
      echo 'amazon-ssm-agent is stopped'
      exit 3
    fi
    ;;
esac
