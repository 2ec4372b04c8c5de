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
    r"|logs:((Create|Get|Update|Delete)LogDelivery|ListLogDeliveries|PutResourcePolicy|DescribeResourcePolicies|DescribeLogGroups)"
    r"|states:SendTaskSuccess)$"
)

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
        if any(a.startswith("dynamodb:") for a in as_list(statement["Action"])):
            yield from tokens(name, who, statement)
    for name, body in resources.items():
        if body["Type"] == "AWS::IAM::Role" and body["Properties"].get("ManagedPolicyArns") and "Schedule" not in name:
            yield f"{name}: has a managed policy, whose wildcards nobody here has read"


def tokens(name, who, statement):
    keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    if not keys:
        yield f"{who}: is not held to leading keys"
        return
    for key in as_list(keys):
        if not re.match(r"^default#(INC|DEDUP|TARGET|WAIT|OPEN|DONE)#\*$|^default#TICKET$", key):
            yield f"{who}: the leading key {key} is none of the table's"
        if "#WAIT#" not in key or name in TOKEN_READERS:
            continue
        if name not in TOKEN_FORGETTERS or as_list(statement["Action"]) != ["dynamodb:DeleteItem"]:
            yield f"{who}: may read task tokens"
        elif statement["Condition"].get("StringEqualsIfExists", {}).get("dynamodb:ReturnValues") != "NONE":
            yield f"{who}: a delete that returns what it deleted reads the task token"


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
    yield from split(resources)
    yield from unlimited(resources)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        findings = list(wrong(file.read()))
    for finding in findings:
        print(f"{sys.argv[1]}: {finding}", file=sys.stderr)
    sys.exit(1 if findings else 0)
