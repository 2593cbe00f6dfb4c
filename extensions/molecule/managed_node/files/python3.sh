#!/bin/sh
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The sandbox's own Python, on a machine that may have none.
LD_LIBRARY_PATH=/opt/python/lib exec /opt/python/bin/python3 "$@"
