"""Searches template.yaml, as CloudFormation will see it, for what neither
`sam validate --lint` nor the emulator finds: reference cycles, which CloudFormation
refuses, and permissions that are wider than they have to be.

template.py FILE     prints what is wrong and exits 1 if anything is
"""

import logging
import re
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

logging.disable(logging.CRITICAL)  # the translator warns of metrics that nobody publishes

# Actions for which AWS knows no resource, so that '*' is all there is.
UNSCOPED = re.compile(
    r"^(xray:(PutTraceSegments|PutTelemetryRecords|GetSamplingRules|GetSamplingTargets)"
    r"|logs:((Create|Get|Update|Delete)LogDelivery|ListLogDeliveries|PutResourcePolicy|DescribeResourcePolicies|DescribeLogGroups))$"
)

# The state machine's ARN. AWS's service authorization reference names no resource for
# SendTaskSuccess, but AWS checks the machine's ARN: what it denies names it, and AWS's
# CDK grants it on nothing else.
MACHINE = {"Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-incident"}

# Services that take a role for whoever asks them to, unless the role says for what.
DEPUTIES = {"scheduler.amazonaws.com", "states.amazonaws.com"}

# Who may touch a task token, and how: the rest must not see that partition.
TOKEN_READERS = {"WaitForApprovalRole", "ApproveFixRole", "ReconcileRole"}
TOKEN_FORGETTERS = {"LogResolutionRole"}  # deletes it when the incident ends


class NoManagedPolicies:
    """The translator asks for AWS's managed policies; this template uses none."""

    def load(self):
        return {}


def translate(text):
    """Returns the resources that SAM's transform makes of a template."""
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        properties = resource.setdefault("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = "s3://bucket/code"  # what packaging would write
        if resource["Type"] == "AWS::Serverless::StateMachine":
            properties["DefinitionUri"] = "s3://bucket/definition"
    defaults = {name: p.get("Default", "") for name, p in template.get("Parameters", {}).items()}
    return transform(template, defaults, NoManagedPolicies())["Resources"]


def references(value):
    """Yields the names that a value refers to, by Ref, GetAtt, Sub or DependsOn."""
    if isinstance(value, list):
        for part in value:
            yield from references(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name == "Ref":
                yield part
            elif name == "Fn::GetAtt":
                yield part[0] if isinstance(part, list) else part.split(".")[0]
            elif name == "DependsOn":
                yield from [part] if isinstance(part, str) else part
            elif name == "Fn::Sub":
                text, given = (part, {}) if isinstance(part, str) else part
                yield from (n.split(".")[0] for n in re.findall(r"\$\{([^!}]+)\}", text) if n not in given)
                yield from references(given)
            else:
                yield from references(part)


def cycles(resources):
    """Returns one cycle a strongly connected part, as a list of names."""
    graph = {name: sorted({r for r in references(body) if r in resources}) for name, body in resources.items()}
    state, found = {}, []

    def visit(name, path):
        state[name] = "open"
        for following in graph[name]:
            if state.get(following) == "open":
                found.append(path[path.index(following) :] + [following])
            elif following not in state:
                visit(following, path + [following])
        state[name] = "done"

    for name in graph:
        if name not in state:
            visit(name, [name])
    return found


def statements(resources):
    for name, body in resources.items():
        for policy in body.get("Properties", {}).get("Policies", []) if body["Type"] == "AWS::IAM::Role" else []:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement.get("Fn::If", [None, statement])[1] if "Fn::If" in statement else statement


def as_list(value):
    return value if isinstance(value, list) else [value]


def too_wide(resources):
    """Returns a sentence for each permission that says more than it must."""
    for name, statement in statements(resources):
        who = f"{name}/{statement.get('Sid')}"
        for action in as_list(statement["Action"]):
            if "*" in action:
                yield f"{who}: the action {action} is a wildcard"
            if "*" in as_list(statement["Resource"]) and not UNSCOPED.match(action):
                yield f"{who}: {action} on every resource; AWS can name one"
            if action == "states:SendTaskSuccess" and as_list(statement["Resource"]) != [MACHINE]:
                yield f"{who}: {action} on something else than the state machine"
        if any(a.startswith("dynamodb:") for a in as_list(statement["Action"])):
            yield from tokens(name, who, statement)
    for name, body in resources.items():
        if body["Type"] == "AWS::IAM::Role" and body["Properties"].get("ManagedPolicyArns"):
            yield f"{name}: has a managed policy, whose wildcards nobody here has read"


def tokens(name, who, statement):
    keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    if not keys:
        yield f"{who}: is not held to leading keys"
        return
    for key in as_list(keys):
        if not re.match(r"^default#(INC|DEDUP|FLOW|HEALTH|TARGET|WAIT|OPEN|DONE|GROUP|FIXES)#\*$|^default#BRAKE$|^default#TICKET\*$|^default#UNTOLD$", key):
            yield f"{who}: the leading key {key} is none of the table's"
        if "#WAIT#" not in key or name in TOKEN_READERS:
            continue
        if name not in TOKEN_FORGETTERS or as_list(statement["Action"]) != ["dynamodb:DeleteItem"]:
            yield f"{who}: may read task tokens"
        elif statement["Condition"].get("StringEqualsIfExists", {}).get("dynamodb:ReturnValues") != "NONE":
            yield f"{who}: a delete that returns what it deleted reads the task token"


def conditions(statement):
    """Returns the condition keys that a statement names, whatever the operator."""
    return {key for operands in statement.get("Condition", {}).values() for key in operands}


def confused(resources):
    """Returns a sentence for each role that a service may use for somebody else."""
    for name, body in resources.items():
        if body["Type"] != "AWS::IAM::Role":
            continue
        for statement in body["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            service = set(as_list(statement["Principal"].get("Service", [])))
            missing = {"aws:SourceAccount", "aws:SourceArn"} - conditions(statement)
            if service & DEPUTIES and missing:
                yield f"{name}: {', '.join(sorted(service))} may use it for anybody; it lacks {', '.join(sorted(missing))}"


def anybody_sends(resources):
    """Returns a sentence for each service that may write to a queue or a topic for
    somebody else, and for each queue that is not encrypted."""
    for name, body in resources.items():
        if body["Type"] in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            for statement in body["Properties"]["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow" and not {"aws:SourceArn"} <= conditions(statement):
                    yield f"{name}/{statement.get('Sid')}: allows it for anybody; it lacks aws:SourceArn"
        if body["Type"] == "AWS::SQS::Queue" and body["Properties"].get("SqsManagedSseEnabled") is not True:
            yield f"{name}: is not encrypted"


POLICIES = {"AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues"), "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics")}


def in_clear(resources):
    """Returns a sentence for each queue and topic that takes calls without TLS."""
    for name, body in resources.items():
        kind, field = POLICIES.get(body["Type"], (None, None))
        policies = [p["Properties"] for p in resources.values() if p["Type"] == kind and {"Ref": name} in p["Properties"][field]]
        said = [s for p in policies for s in p["PolicyDocument"]["Statement"] if s["Effect"] == "Deny" and s["Principal"] == "*"]
        if kind and not any(s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}} for s in said):
            yield f"{name}: takes calls without TLS"


WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}


def split(resources):
    """Returns a sentence for each write that a role is allowed by two statements: a
    transaction that needs both may be allowed by neither."""
    seen = set()
    for name, statement in statements(resources):
        for action in WRITES.intersection(as_list(statement["Action"])):
            if (name, action) in seen:
                yield f"{name}: {action} stands in two statements; a transaction that writes to the partitions of both may be refused"
            seen.add((name, action))


def unlimited(resources):
    """Returns a sentence for each stage that a deployment makes by itself, beside the
    one that has limits and logs."""
    for name, body in resources.items():
        if body["Type"] == "AWS::ApiGateway::Deployment" and "StageName" in body["Properties"]:
            yield f"{name}: makes a stage {body['Properties']['StageName']}, which has no limits"


def wrong(text):
    resources = translate(text)
    yield from ("reference cycle: " + " -> ".join(c) for c in cycles(resources))
    yield from too_wide(resources)
    yield from confused(resources)
    yield from anybody_sends(resources)
    yield from in_clear(resources)
    yield from split(resources)
    yield from unlimited(resources)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        findings = list(wrong(file.read()))
    for finding in findings:
        print(f"{sys.argv[1]}: {finding}", file=sys.stderr)
    sys.exit(1 if findings else 0)
