"""What deploy.sh does to the account beside the stack: secrets in, outputs out.

account.py secret NAME < value     stores a SecureString parameter
account.py secrets PREFIX < JSON   stores one for each name of an object, below the prefix
account.py holds NAME KEY...       fails unless the parameter has the entries of these operator keys
account.py output STACK KEY        prints one of the stack's outputs
account.py timeout ARN SECONDS     see below
account.py api STACK TEMPLATE      see below
"""

import hashlib
import json
import sys

import boto3
from samcli.yamlhelper import yaml_parse


def secret(name):
    boto3.client("ssm").put_parameter(Name=name, Value=sys.stdin.read().strip(), Type="SecureString", Overwrite=True)


def secrets(prefix):
    for name, value in json.load(sys.stdin).items():
        boto3.client("ssm").put_parameter(Name=f"{prefix}/{name}", Value=value, Type="SecureString", Overwrite=True)


def holds(name, *keys):
    client = boto3.client("ssm")
    try:
        entries = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except client.exceptions.ParameterNotFound:
        sys.exit(1)
    sys.exit(0 if all(hashlib.sha256(key.encode()).hexdigest() in entries for key in keys) else 1)


def output(stack, key):
    outputs = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    print(next(o["OutputValue"] for o in outputs if o["OutputKey"] == key))


def timeout(arn, seconds):
    """Writes the approval timeout into the deployed definition as a number.

    The emulator ignores TimeoutSecondsPath in a task that waits for its token, and
    would wait for a day; AWS follows it. Everything else of the definition stays.
    """
    states = boto3.client("stepfunctions")
    definition = json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"])
    for state in definition["States"].values():
        if state.pop("TimeoutSecondsPath", None):
            state["TimeoutSeconds"] = int(seconds)
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))


def api(stack, template):
    """Gives the deployed API the ANY methods of template.yaml's routes, which the
    emulator leaves out when it reads the API's definition. AWS has them already.
    """
    gateway = boto3.client("apigateway")
    api_id = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Api")[
        "StackResourceDetail"
    ]["PhysicalResourceId"]
    paths = {r["path"]: r["id"] for r in gateway.get_resources(restApiId=api_id)["items"]}
    for logical, resource in yaml_parse(open(template).read())["Resources"].items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "Api" and event["Properties"]["Method"] == "any":
                route(gateway, api_id, paths[event["Properties"]["Path"]], stack, logical)


def route(gateway, api_id, resource_id, stack, logical):
    where = {"restApiId": api_id, "resourceId": resource_id, "httpMethod": "ANY"}
    name = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical)[
        "StackResourceDetail"
    ]["PhysicalResourceId"]
    arn = boto3.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)


if __name__ == "__main__":
    {"secret": secret, "secrets": secrets, "holds": holds, "output": output, "timeout": timeout, "api": api}[sys.argv[1]](*sys.argv[2:])
