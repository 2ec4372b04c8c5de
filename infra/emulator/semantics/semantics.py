"""Runs cases.json on the emulator's Step Functions: see doc.go.

semantics.py CASES     prints a line a case, exits 1 if one is not as the table says
"""

import io
import json
import sys
import time
import uuid
import zipfile

import boto3

# A custom runtime in a few lines: the emulator's own for Python gives every error one
# name. What is in {handle} makes the answer of the event, or fails with a name.
BOOTSTRAP = """#!%s
import json, os, urllib.request

class Failed(Exception):
    pass

{handle}
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as call:
        run, event = call.headers["Lambda-Runtime-Aws-Request-Id"], json.load(call)
    try:
        path, body = "/response", handle(event)
    except Failed as failed:
        path, body = "/error", {{"errorType": str(failed), "errorMessage": "the stub was told to fail"}}
    urllib.request.urlopen(urllib.request.Request(api + run + path, data=json.dumps(body).encode(), method="POST")).close()
""" % sys.executable
STUB = """
def handle(event):
    if event.get("retryCount", 0) < event.get("failUntil", 0):
        raise Failed(event["error"])
    if "callback" in event:
        import boto3
        boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output=json.dumps(event["callback"]))
    return event.get("return")
"""
REPORT = """
def handle(event):
    return event
"""
PATIENCE = 15  # seconds that a case may take


def role(name, service, action):
    iam = boto3.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=json.dumps(allow))
    return arn


def function(name, handle, role_arn):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, BOOTSTRAP.format(handle=handle))
    return boto3.client("lambda").create_function(
        FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role=role_arn, Timeout=30, Code={"ZipFile": packed.getvalue()}
    )["FunctionArn"]


def begin(states, case, functions, role_arn):
    report = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "End": True,
        "Parameters": {"FunctionName": "Report", "Payload.$": "$"},
        "ResultSelector": {"data.$": "$.Payload"},
    }
    definition = json.dumps({"StartAt": case["startAt"], "States": {**case["states"], "Report": report}})
    for name, arn in functions.items():
        definition = definition.replace(f'"FunctionName": "{name}"', f'"FunctionName": "{arn}"')
    machine = states.create_state_machine(name="s-" + uuid.uuid4().hex, definition=definition, roleArn=role_arn)["stateMachineArn"]
    return states.start_execution(stateMachineArn=machine, input=json.dumps(case["input"]))["executionArn"]


def outcome(states, execution, deadline):
    while True:
        seen = states.describe_execution(executionArn=execution)
        if seen["status"] != "RUNNING" or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    got = {"status": seen["status"]}
    if seen["status"] == "SUCCEEDED":
        got["data"] = json.loads(seen["output"])["data"]
    elif seen["status"] == "FAILED":
        got["error"] = seen.get("error")
    else:
        states.stop_execution(executionArn=execution)
    return got


def main():
    tag = uuid.uuid4().hex[:8]
    states = boto3.client("stepfunctions")
    runs = role(f"semantics-{tag}-functions", "lambda.amazonaws.com", "states:SendTaskSuccess")
    machines = role(f"semantics-{tag}-machines", "states.amazonaws.com", "lambda:InvokeFunction")
    functions = {"Stub": function(f"semantics-{tag}-stub", STUB, runs), "Report": function(f"semantics-{tag}-report", REPORT, runs)}
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    deadline = time.monotonic() + PATIENCE  # all run at once
    executions = [begin(states, case, functions, machines) for case in cases]
    failed = 0
    for case, execution in zip(cases, executions):
        want = case.get("emulator", case)["want"]
        got = outcome(states, execution, deadline)
        failed += got != want
        note = f" (differs: {case['emulator']['because']})" if "emulator" in case else ""
        print(f"{'ok  ' if got == want else 'FAIL'} {case['name']}{note}" + ("" if got == want else f": got {got}, want {want}"))
    print(f"{len(cases) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
