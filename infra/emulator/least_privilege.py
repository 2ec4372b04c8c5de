"""Takes one permission from each function of the deployed stack, sees the product
fail for exactly that reason, gives it back and sees the product work again. So a
permission that nothing needs is found, and so is an emulator that enforces none.

The emulator does not know dynamodb:LeadingKeys: which partitions a statement is held
to is checked in template.py. Statements are therefore taken whose action no other
statement of the role allows.

least_privilege.py STACK EMULATOR_LOG < what deploy.sh printed
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

import boto3

# Which statement each function loses, and by which way of using the product its
# loss must be felt.
LOSSES = {
    "IngestAlert": ("CountOccurrences", "approve"),
    "Analyze": ("WriteIncidents", "approve"),
    "PlanFix": ("WriteIncidents", "approve"),
    "WaitForApproval": ("ReadSecrets", "approve"),
    "ApproveFix": ("DeliverDecisions", "approve"),
    "CreateTicket": ("WriteIncidents", "escalate"),
    "LogResolution": ("WriteIncidents", "approve"),
    "QueryIncidents": ("ListIncidents", "list"),
    "HourlyHealthCheck": ("StartExecutions", "invoke"),
    "Reconcile": ("ListIncidents", "invoke"),
    "ExecuteFix": ("HoldTargets", "approve"),  # the fix that was begun keeps its target: see free
}
PATIENCE = 30  # seconds until a loss, or a recovery, must have been felt


class Product:
    """The deployed stack, used as people use it."""

    def __init__(self, stack, log, printed):
        self.stack, self.log, self.noted = stack, log, 0
        self.keys = dict(line.strip().split("=", 1) for line in printed if "=" in line)
        self.iam, self.functions, self.logs = boto3.client("iam"), boto3.client("lambda"), boto3.client("logs")
        self.cloudformation = boto3.client("cloudformation")

    def physical(self, logical):
        detail = self.cloudformation.describe_stack_resource(StackName=self.stack, LogicalResourceId=logical)
        return detail["StackResourceDetail"]["PhysicalResourceId"]

    def call(self, method, path, key, body=None):
        request = urllib.request.Request(
            self.keys["API_URL"] + path,
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": "Bearer " + self.keys[key], "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return {"failed": f"{error.code} {error.read().decode()}"}

    def use(self, way, logical):
        """Begins one use; what comes of it is seen in done and in the logs."""
        if way == "invoke":
            out = self.functions.invoke(FunctionName=self.physical(logical + "Function"), Payload=b"{}")
            return {"failed": out["Payload"].read().decode()} if "FunctionError" in out else {"status": "done"}
        if way == "list":
            answer = self.call("GET", "/incidents", "READ_KEY")
            return {"status": "done"} if "incidents" in answer else answer
        alert = {"serverName": "prod-api-01", "errorLogs": "JavaScript heap out of memory", "dedupKey": str(time.time())}
        return self.call("POST", "/ingest-alert", "INGEST_KEY", alert)

    def done(self, way, begun):
        """Carries a use on and reports whether it came to its good end."""
        if way in ("invoke", "list") or "incidentId" not in begun:
            return begun.get("status") == "done"
        incident = self.call("GET", "/incidents/" + begun["incidentId"], "READ_KEY")
        if incident.get("status") == "WAITING_FOR_APPROVAL" and not incident.get("decision"):
            self.call("GET", f"/approve-fix?incidentId={begun['incidentId']}&action={way}", "OPERATE_KEY")
        if way == "escalate":
            return incident.get("status") == "ESCALATED" and bool(incident.get("ticket"))
        return incident.get("status") == "RESOLVED" and bool(incident.get("fix"))

    def denied(self, logical, since, begun, actions):
        """Reports whether the function was told that it may not, in its own log or in
        what it answered instead of starting."""
        group = self.physical(logical + "LogGroup")
        events = self.logs.filter_log_events(logGroupName=group, startTime=int(since * 1000), limit=10000)["events"]
        said = [e["message"] for e in events] + [json.dumps(begun), self.start_failures(logical)]
        # Of a refused delivery the log holds the error's name only: its text may repeat the token.
        marks = [f"not authorized to perform: {a}" for a in actions] + ["resume the execution: AccessDenied"]
        return any(mark in text for mark in marks for text in said)

    def start_failures(self, logical):
        """What the emulator noted, since the last put, of a function that could not start:
        on AWS it would be in the function's log, here it is in the emulator's."""
        with open(self.log) as log:
            log.seek(self.noted)
            return "".join(line for line in log if "cannot start" in line and logical in line)

    def free(self):
        """Gives the only target back. Execute-fix without its permission cannot, and the
        next quarter of an hour every fix would find the target busy."""
        table = self.physical("Table")
        key = {"PK": {"S": "default#TARGET#simulated/prod-api-01"}, "SK": {"S": "TARGET"}}
        boto3.client("dynamodb").delete_item(TableName=table, Key=key)

    def policy(self, logical):
        role = self.physical(logical + "Role")
        name = self.iam.list_role_policies(RoleName=role)["PolicyNames"][0]
        return role, name, self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]

    def put(self, logical, role, name, document):
        self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
        self.noted = os.path.getsize(self.log)
        # A new start, so that what is only asked for at the start is asked for.
        function = self.physical(logical + "Function")
        environment = self.functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        environment["LEAST_PRIVILEGE"] = str(time.time())
        self.functions.update_function_configuration(FunctionName=function, Environment={"Variables": environment})


def until(seen):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if seen():
            return True
        time.sleep(0.2)
    return False


def check(product, logical, sid, way):
    role, name, whole = product.policy(logical)
    taken = [s for s in whole["Statement"] if s.get("Sid") == sid]
    if len(taken) != 1:
        return f"{logical}: has no statement {sid}"
    actions = taken[0]["Action"] if isinstance(taken[0]["Action"], list) else [taken[0]["Action"]]
    since = time.time()
    product.put(logical, role, name, {**whole, "Statement": [s for s in whole["Statement"] if s is not taken[0]]})
    try:
        begun = product.use(way, logical)
        felt = until(lambda: product.denied(logical, since, begun, actions) or product.done(way, begun))
        if not felt or not product.denied(logical, since, begun, actions):
            return f"{logical}: works without {sid}, or fails for another reason"
    finally:
        product.put(logical, role, name, whole)
        product.free()
    begun = product.use(way, logical)
    if not until(lambda: product.done(way, begun)):
        return f"{logical}: does not work again with {sid} given back: {begun}"
    return None


def main():
    product = Product(sys.argv[1], sys.argv[2], sys.stdin)
    failures = 0
    for logical, (sid, way) in LOSSES.items():
        began = time.monotonic()
        wrong = check(product, logical, sid, way)
        failures += wrong is not None
        print(f"{'FAIL' if wrong else 'ok  '} {logical} without {sid} ({time.monotonic() - began:.1f} s) {wrong or ''}", flush=True)
    print(f"{len(LOSSES) - failures} passed, {failures} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
