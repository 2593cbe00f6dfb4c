# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print the last message that a topic wrote to the queue that is named."""

from __future__ import annotations

import sys

import boto3

sqs = boto3.client("sqs")
url = sqs.get_queue_url(QueueName=sys.argv[1])["QueueUrl"]
told: list[str] = []
received = True
while received or not told:
    received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", [])
    for message in received:
        told.append(message["Body"])
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
print(told[-1])
