# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An embedded AWS for the demo and the tests: moto's server, made as strict as AWS, with nodes that run commands.

Start it with ``python -m tests.sandbox start``; ``docs/sandbox.md`` says what it offers.
"""
