"""Makes the role that the workflow's contract test runs its state machines as.

The emulator, like AWS, refuses a state machine whose role does not exist. This one
may send the task token to the test's queue, nothing else.
"""

import json

import boto3

iam = boto3.client("iam")
name = "opsguard-test"
trust = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
try:
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
except iam.exceptions.EntityAlreadyExistsException:
    pass
iam.put_role_policy(
    RoleName=name,
    PolicyName="tokens",
    PolicyDocument=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:opsguard-test-*"}
            ],
        }
    ),
)
