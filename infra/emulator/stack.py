"""A stack on the emulator, deployed by deploy.sh and used as people use it."""

import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import boto3

HERE = os.path.dirname(os.path.abspath(__file__))


def parameter(name, value):
    """Stores a secret."""
    boto3.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def run(scenarios):
    """Runs scenarios, of which each is a function and its arguments, prints how each went, and ends the process."""
    failed = 0
    for scenario, *arguments in scenarios:
        began, wrong = time.monotonic(), ""
        try:
            scenario(*arguments)
        except (AssertionError, AttributeError, KeyError, TypeError, OSError) as error:
            failed, wrong = failed + 1, f": {type(error).__name__}: {error}"
        print(f"{'FAIL' if wrong else 'ok  '} {scenario.__name__} ({time.monotonic() - began:.1f} s){wrong}", flush=True)
    print(f"{len(scenarios) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


class Stack:
    """A deployed stack, used as people use it."""

    def __init__(self, name, seconds, *parameters):
        self.name, self.seconds = name, seconds
        self.deploy(*parameters)
        self.since = time.time()

    def deploy(self, *parameters):
        out = subprocess.run(
            [f"{HERE}/deploy.sh", *parameters], env={**os.environ, "OPSGUARD_STACK": self.name, "APPROVAL_SECONDS": str(self.seconds)},
            stdout=subprocess.PIPE, text=True, check=True,
        ).stdout
        self.keys = dict(line.split("=", 1) for line in out.split())

    def call(self, path, key=None, body=None, form=None):
        headers = {"Authorization": "Bearer " + self.keys[key]} if key else {}
        data = json.dumps(body).encode() if body else urllib.parse.urlencode(form).encode() if form else None
        headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        request = urllib.request.Request(path if path.startswith("http") else self.keys["API_URL"] + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read().decode()
        return json.loads(text) if text.startswith("{") else text

    def alert(self, **more):
        body = {"serverName": "prod-api-01", "errorLogs": "JavaScript heap out of memory", "dedupKey": str(time.time_ns()), **more}
        return self.call("/ingest-alert", "INGEST_KEY", body)["incidentId"]

    def becomes(self, incident, status, patience=30):
        return wait(lambda: (seen := self.call(f"/incidents/{incident}", "READ_KEY"))["status"] == status and seen, f"{incident} to become {status}", patience)

    def asks(self, incident):
        try:
            return self.becomes(incident, "WAITING_FOR_APPROVAL", 10)
        except AssertionError:
            return None

    def physical(self, logical):
        detail = boto3.client("cloudformation").describe_stack_resource(StackName=self.name, LogicalResourceId=logical)
        return detail["StackResourceDetail"]["PhysicalResourceId"]

    def environment(self, logical, **changes):
        """Changes a function's environment, and returns what it was."""
        functions, name = boto3.client("lambda"), self.physical(logical + "Function")
        before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**before, **changes}})
        return before


def wait(seen, what, patience):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if value := seen():
            return value
        time.sleep(0.2)
    raise AssertionError(f"waited {patience} s for {what}")


def want(condition, what):
    if not condition:
        raise AssertionError(what)
