"""Real fixes on the deployed stack: functions of AWS Lambda on the emulator, whose reserved
concurrency OpsGuard lowers with the roles of infra/target-role.yaml. One helps, one does not
and is undone, and the calls that acted are made again.

targets.py
"""

import http.server
import io
import json
import os
import threading
import zipfile

import boto3

from stack import HERE, Stack, run, wait, want

STACK = "opsguard-targets"
ROLE = "opsguard-target"
ROLES = f"arn:aws:iam::000000000000:role/{ROLE}"
EXTERNAL_ID = "an-external-id-of-the-emulator"
HEALTH = ("127.0.0.1", 4597)
SERVICES = ("shop-well", "shop-unwell", "shop-drift")
BEFORE, AFTER = 8, 4
unwell = {"shop-unwell"}


class Health(http.server.BaseHTTPRequestHandler):
    """The services' own health."""

    def do_GET(self):
        self.send_response(503 if self.path.strip("/") in unwell else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


def services():
    target = {"type": "lambda", "role": ROLES, "readRole": ROLES + "-read", "externalId": EXTERNAL_ID, "region": "us-east-1"}
    return {"services": {
        name: {
            "owner": "shop", "target": {**target, "function": name}, "fixes": ["reduce-concurrency"],
            "health": {"url": "http://%s:%d/%s" % (*HEALTH, name)},
        } for name in SERVICES
    }}


def functions():
    """Makes the targets, tagged as docs/targets-aws.md says."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return {}\n")
    for name in SERVICES:
        boto3.client("lambda").create_function(
            FunctionName=name, Runtime="python3.12", Handler="index.handler", Role="arn:aws:iam::000000000000:role/opsguard-test",
            Code={"ZipFile": code.getvalue()}, Tags={"opsguard:allowed": "true"},
        )
        reserve(name, BEFORE)


def reserve(name, n):
    boto3.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=n)


def reserved(name):
    return boto3.client("lambda").get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")


def roles(stack):
    """Deploys infra/target-role.yaml. The emulator knows no sts:SourceIdentity in a trust."""
    cloudformation = boto3.client("cloudformation")
    outputs = {o["OutputKey"]: o["OutputValue"] for o in cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]["Outputs"]}
    with open(f"{HERE}/../target-role.yaml") as template:
        text = template.read()
    unknown = ", 'sts:SourceIdentity': '?*'"
    want(unknown in text, "the template does not ask for an approver any more")
    cloudformation.create_stack(
        StackName=ROLE, TemplateBody=text.replace(unknown, ""), Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in {
            "ActRoleArns": outputs["ActRoleArns"], "LookRoleArns": outputs["LookRoleArns"], "ExternalId": EXTERNAL_ID, "RoleName": ROLE, "OpsGuardStack": STACK,
        }.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=ROLE, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    for name in (ROLE, ROLE + "-read"):  # the emulator's CloudFormation forgets it
        boto3.client("iam").put_role_permissions_boundary(RoleName=name, PermissionsBoundary=f"arn:aws:iam::000000000000:policy/{ROLE}-boundary")


def approved(stack, service):
    """An alert, its plan held against what is to be done, and its approval."""
    incident = stack.alert(serverName=service, errorLogs="Error: 429 too many requests")
    plan = stack.becomes(incident, "WAITING_FOR_APPROVAL")["plan"]
    want(plan and plan["fixId"] == "reduce-concurrency", plan)
    want(plan["present"] == {"reservedConcurrency": str(BEFORE)} and plan["wanted"] == {"reservedConcurrency": str(AFTER)}, plan)
    return incident


def approve(stack, incident):
    stack.call(f"/approve-fix?incidentId={incident}&action=approve", "OPERATE_KEY")


def again(stack, incident, *steps):
    """Delivers calls of steps once more, as AWS may: nothing may be done twice."""
    for step in steps:
        boto3.client("lambda").invoke(
            FunctionName=stack.physical(step + "Function"), Payload=json.dumps({"tenant": "default", "incidentId": incident}))


def actions(stack, incident):
    return [e["action"] for e in stack.call(f"/incidents/{incident}/audit", "READ_KEY")["events"]]


def a_fix_that_helps_is_done_once(stack):
    incident = approved(stack, "shop-well")
    want(reserved("shop-well") == BEFORE, "it was changed before anybody approved")
    approve(stack, incident)
    seen = stack.becomes(incident, "RESOLVED", 60)
    want(seen["fix"]["outcome"] == "fixed" and seen["fix"]["verified"], seen["fix"])
    want(reserved("shop-well") == AFTER, reserved("shop-well"))
    reserve("shop-well", BEFORE)  # somebody sets it back: what was done must not be done again
    again(stack, incident, "ExecuteFix", "VerifyFix", "UndoFix")
    want(reserved("shop-well") == BEFORE, "the fix was done a second time")


def a_target_that_was_changed_is_left_alone(stack):
    incident = approved(stack, "shop-drift")
    reserve("shop-drift", 6)
    approve(stack, incident)
    seen = stack.becomes(incident, "ESCALATED", 60)
    want(seen["escalationReason"] == "plan_stale" and reserved("shop-drift") == 6, seen)


def a_target_without_the_tag_is_refused(stack):
    functions, arn = boto3.client("lambda"), "arn:aws:lambda:us-east-1:000000000000:function:shop-drift"
    reserve("shop-drift", BEFORE)
    functions.untag_resource(Resource=arn, TagKeys=["opsguard:allowed"])
    incident = approved(stack, "shop-drift")
    approve(stack, incident)
    seen = stack.becomes(incident, "ESCALATED", 60)
    want(seen["escalationReason"] == "fix_failed" and reserved("shop-drift") == BEFORE, seen)


def a_fix_that_does_not_help_is_undone_once(stack, incident):
    seen = stack.becomes(incident, "ESCALATED", 420)
    want(seen["escalationReason"] == "fix_unverified" and seen["fix"]["outcome"] == "applied" and not seen["fix"]["verified"], seen)
    want(reserved("shop-unwell") == BEFORE, reserved("shop-unwell"))
    done = actions(stack, incident)
    want(done.count("undo-started") == 1 and done.count("undo-finished") == 1, done)
    reserve("shop-unwell", AFTER)
    again(stack, incident, "ExecuteFix", "VerifyFix", "UndoFix")
    want(reserved("shop-unwell") == AFTER, "it was undone a second time")


def main():
    server = http.server.ThreadingHTTPServer(HEALTH, Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    built_in = f"{HERE}/../../.tools/emulator/targets.yaml"
    with open(built_in, "w") as file:
        json.dump(services(), file)
    os.environ["OPSGUARD_BUILT_IN"] = os.path.abspath(built_in)
    functions()
    stack = Stack(STACK, 600, f"TargetRoleArns={ROLES}", f"TargetReadRoleArns={ROLES}-read")
    roles(stack)
    slow = approved(stack, "shop-unwell")
    approve(stack, slow)
    wait(lambda: reserved("shop-unwell") == AFTER, "the fix that will not help", 60)
    run([
        (a_fix_that_helps_is_done_once, stack), (a_target_that_was_changed_is_left_alone, stack), (a_target_without_the_tag_is_refused, stack),
        (a_fix_that_does_not_help_is_undone_once, stack, slow),
    ])


if __name__ == "__main__":
    main()
