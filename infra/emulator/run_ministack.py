"""Starts MiniStack with one mistake of its IAM put right: it asks for the right to write a
function's reserved concurrency where the call only reads it. AWS has a right for each, and
so do the policies of infra/target-role.yaml.
"""

import sys

from ministack import app
from ministack.core import iam_actions

guessed = iam_actions._lambda_action


def lambda_action(method, path):
    if path.rstrip("/").endswith("/concurrency") and method == "GET":
        return "GetFunctionConcurrency"
    return guessed(method, path)


if not callable(guessed):
    sys.exit("MiniStack has changed; is run_ministack.py still needed?")
iam_actions._lambda_action = lambda_action
sys.exit(app.main())
