# shellcheck shell=sh disable=SC2329 # functions are handed to others by name
# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Remove what the other documents made for a record. Files that something else made at the paths of the record stay.

# shellcheck source=common.sh
. "${0%/*}/common.sh"

handle() {
  settings "$@"
  if [ ! -e "$home" ]; then
    report kept
  elif [ -n "$dry_run" ]; then
    report removed
  else
    need_tools
    lock_record
    each_link remove_link
    try "remove $home" rm -rf "$home"
    report removed
  fi
}

remove_link() { ! is_linked "$@" || try "remove $2" rm -f "$2"; }

main
