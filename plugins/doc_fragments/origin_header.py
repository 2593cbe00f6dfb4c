# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Which header, who sends it, who demands it, and how the origin can be asked.
    DOCUMENTATION = r"""
options:
  secret_name:
    description: Name or ARN of the secret in AWS Secrets Manager that holds the header's value.
    type: str
    required: true
  header_name:
    description:
      - Name of the HTTP header that CloudFront adds to its requests for the origin.
      - CloudFront refuses some names, such as C(Cookie), C(X-Amz-*) and C(X-Edge-*). AWS WAF takes at most 64 characters,
        a listener rule 40.
    type: str
    default: X-Origin-Verify
  distributions:
    description: The CloudFront distributions that send the header.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: The id of the distribution.
        type: str
        required: true
      origins:
        description:
          - The ids of the origins that are sent the header.
          - When it is not given, all custom origins are, that is, those that are no S3 buckets. Name them where some
            belong to somebody else, who would learn the value.
        type: list
        elements: str
  web_acls:
    description:
      - ARNs of the C(REGIONAL) web ACLs of AWS WAF that demand the header.
      - At least one of O(web_acls), O(rule_groups) and O(listener_rules) is needed. What they name may be in other Regions.
    type: list
    elements: str
    default: []
  rule_groups:
    description: ARNs of the C(REGIONAL) rule groups of AWS WAF that demand the header.
    type: list
    elements: str
    default: []
  listener_rules:
    description:
      - ARNs of the listener rules of Application Load Balancers that demand the header, by a condition C(http-header).
      - What does not meet the rule goes on to the listener's other rules, at last to its default action; that should
        refuse it.
    type: list
    elements: str
    default: []
  rule_name:
    description:
      - Name of the rule in each web ACL and rule group.
      - An existing rule of that name is used as it is, apart from the values that it accepts. It must compare the header
        in one place, with one byte match or an OR of byte matches.
    type: str
    default: OriginVerify
  test_urls:
    description:
      - URLs that reach the origin directly, not through CloudFront. With them the origin is asked, after each change,
        until it answers as it should.
      - A C(GET) request is sent. It counts as let in when it is answered with a status below 400 that is not in
        O(test_refused_status), or with one of O(test_accepted_status).
    type: list
    elements: str
    aliases: [test_url]
    default: []
  test_refused_status:
    description: HTTP status codes with which the origin refuses a request.
    type: list
    elements: int
    default: [403]
  test_accepted_status:
    description: HTTP status codes of 400 and above with which the application answers a request that was let in.
    type: list
    elements: int
    default: []
  test_ca_path:
    description: File with the CA certificates to trust instead of the system's, for O(test_urls) with C(https).
    type: path
"""
