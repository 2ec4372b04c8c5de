"""What can be seen only on the deployed stack: Gemini and Discord (played by servers
here), a link's decision, the approval deadline, a function's error caught, the
schedules firing, the dead-letter queue receiving what fails, and a deployment while
incidents wait, and what AWS itself hands to a function. Deploys a stack of its own with short times, and one with long ones
twice.

scenarios.py
"""

import http.server
import json
import re
import threading
import time
import urllib.error
import urllib.parse

import boto3

from stack import HERE, Stack, parameter, run, wait, want

STACK = "opsguard-scenarios"
SECONDS = 16  # the wait for approval; decisions are taken for three quarters of it
PLAYED = ("127.0.0.1", 4599)
LOGS = "/shop/scenario-orders"  # a log group whose errors are alerts
posted, edited, asked = [], [], []
limit = {"begin": 0, "over": 0.0, "refused": 0}  # seconds from the next message on; when it is over; messages that were refused


class Played(http.server.BaseHTTPRequestHandler):
    """Gemini, which always proposes a restart, and a Discord webhook."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if urllib.parse.urlsplit(self.path).path.endswith(":generateContent"):
            asked.append(body)
            said = {"cause": "the played model's cause", "evidence": [], "confidence": 0.9, "fixId": "restart-service", "parameters": {}}
            content = {"parts": [{"text": json.dumps(said)}], "role": "model"}
            return self.answer({"candidates": [{"content": content, "finishReason": "STOP"}]})
        if self.command == "POST" and limit["begin"]:
            limit.update(begin=0, over=time.monotonic() + limit["begin"])
        left = limit["over"] - time.monotonic()
        if self.command == "POST" and left > 0:
            limit["refused"] += 1
            return self.answer({"message": "You are being rate limited.", "retry_after": left, "global": False}, 429)
        (edited if self.command == "PATCH" else posted).append(body)
        self.answer({"id": "1234567890"})

    do_PATCH = do_POST

    def answer(self, value, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_):
        pass


def gemini_discord_and_a_link(stack):
    before = len(posted)
    incident = stack.alert()
    seen = stack.becomes(incident, "WAITING_FOR_APPROVAL")
    want(seen["analysis"]["analyzedBy"] == "gemini" and "played model" in seen["analysis"]["cause"], seen)
    message = wait(lambda: next((m for m in posted[before:] if incident in m), None), "Discord's message", 10)
    link = re.search(r"http://[^\s\"\\)>]*action=approve[^\s\"\\)>]*", message.replace("\\u0026", "&")).group(0)
    page = stack.call(link)
    want("<form" in page and stack.call(f"/incidents/{incident}", "READ_KEY")["decision"] is None, "opening the link decided, or showed no form")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(link).query))
    form = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    stack.call(link.split("?")[0], form={**query, **form})
    seen = stack.becomes(incident, "RESOLVED")
    want(seen["decision"]["by"] == "link:discord", seen)
    shown = wait(lambda: len(seen := [m for m in edited if incident in m]) > 1 and seen, "Discord's message to be edited twice", 10)
    want(r"approved by link\\:discord" in shown[0] and "RESOLVED" not in shown[0], f"the decision is not shown at once: {shown[0]}")
    want("RESOLVED" in shown[-1], f"the end is not shown: {shown[-1]}")


def a_critical_message_is_out_soon_after_its_channels_limit(stack):
    limit.update(begin=7, refused=0)  # more than a call waits by itself, less than decisions are taken for
    incident = stack.alert(severity="critical")
    wait(lambda: any(incident in m for m in posted), "Discord's message", 19)
    late = time.monotonic() - limit["over"]
    want(0 <= late < 10 and limit["refused"], f"told {late:.1f} s after the limit, {limit['refused']} refused before")
    wait(lambda: any(e["action"] == "notified" for e in stack.call(f"/incidents/{incident}/audit", "READ_KEY")["events"]), "the record of it", 5)


def what_belongs_together_is_one_message(stack):
    before = stack.environment("WaitForApproval", OPSGUARD_GROUP_WINDOW="5m")
    try:
        sent, shown = len(posted), len(edited)
        first = stack.alert()
        wait(lambda: any(first in m for m in posted[sent:]), "the first message", 10)
        second = stack.alert()
        message = wait(lambda: next((m for m in edited[shown:] if first in m and second in m), None), "the message to show both", 10)
        want(len(posted) == sent + 1, f"{len(posted) - sent} messages")
        for incident in (first, second):
            want(re.search("action=approve[^)]*", message) and f"incidentId={incident}" in message.replace("\\u0026", "&"), "it has no link to decide on " + incident)
        stack.call(f"/approve-fix?incidentId={first}&action=resolve", "OPERATE_KEY")
        message = wait(lambda: next((m for m in edited[shown:] if "resolved; being closed" in m), None), "the message to show the decision at once", 10)
        want(f"incidentId={second}&action=approve" in message.replace("\\u0026", "&"), "the other can no longer be decided on")
        stack.call(f"/approve-fix?incidentId={second}&action=resolve", "OPERATE_KEY")
        for incident in (first, second):
            stack.becomes(incident, "RESOLVED")
        wait(lambda: edited[-1].count("RESOLVED") >= 2, "the message to show both ends, after reconcile", 90)
        want(len(posted) == sent + 1, f"{len(posted) - sent} messages at the end")
    finally:
        stack.environment("WaitForApproval", **before)


def the_approval_deadline(stack):
    seen = stack.becomes(stack.alert(), "ESCALATED", SECONDS + 15)
    want(seen["escalationReason"] == "approval_timeout" and seen["ticket"], seen)


def a_functions_error_caught(stack):
    before = stack.environment("Analyze", OPSGUARD_TABLE="there-is-no-such-table")
    try:
        incident = stack.alert()
        seen = stack.becomes(incident, "WAITING_FOR_APPROVAL")
        want(seen["plan"] is None and seen["analysis"]["analyzedBy"] == "none", seen)
    finally:
        stack.environment("Analyze", **before)
    stack.call(f"/approve-fix?incidentId={incident}&action=resolve", "OPERATE_KEY")
    stack.becomes(incident, "RESOLVED")


def sample(name):
    """An event that a service of AWS hands to ingest-alert."""
    with open(f"{HERE}/../events/direct/{name}.json") as recorded:
        return json.load(recorded)


def opened(stack, service):
    found = wait(lambda: stack.call(f"/incidents?service={urllib.parse.quote(service)}", "READ_KEY")["incidents"], f"an incident of {service}", 30)
    want(len(found) == 1, found)
    return stack.call(f"/incidents/{found[0]['incidentId']}", "READ_KEY")


def the_rules_let_the_right_events_through(stack):
    """The emulator takes no event in the name of a service, and neither does AWS. So it is
    asked what each rule would let through."""
    events = boto3.client("events")

    def lets_through(rule, event):
        described = events.describe_rule(Name=stack.physical(rule).split("|")[-1])
        want(described["State"] == "ENABLED", described)
        return events.test_event_pattern(EventPattern=described["EventPattern"], Event=json.dumps(event))["Result"]

    names = {"CloudWatchRule": "cloudwatch-event", "HealthRule": "aws-health", "InspectorRule": "inspector2", "SecurityHubRule": "securityhub"}
    for rule in names:
        for name in names.values():
            want(lets_through(rule, sample(name)) == (names[rule] == name), f"{rule} and {name}")
    alarm, finding = sample("cloudwatch-event"), sample("securityhub")
    alarm["resources"] = [f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{stack.name}-IngestAlertErrorsAlarm-1"]
    want(not lets_through("CloudWatchRule", alarm), "OpsGuard's own alarm becomes an alert")
    begun = sample("cloudwatch-event")
    begun["detail"]["state"]["value"] = "INSUFFICIENT_DATA"
    want(not lets_through("CloudWatchRule", begun), "an alarm that begins becomes an alert")
    finding["detail"]["findings"][0]["Severity"]["Label"] = "INFORMATIONAL"
    want(not lets_through("SecurityHubRule", finding), "a low finding becomes an alert")
    finding["detail"]["findings"][0]["Compliance"]["Status"] = "PASSED"
    want(lets_through("SecurityHubRule", finding), "a control that passes resolves nothing")


def an_event_is_taken_without_the_api(stack):
    functions = boto3.client("lambda")
    for name in ("cloudwatch-event", "aws-health", "inspector2", "securityhub"):
        answer = functions.invoke(FunctionName=stack.physical("IngestAlertFunction"), Payload=json.dumps(sample(name)))
        want("FunctionError" not in answer and json.load(answer["Payload"]) == {"taken": 1, "refused": 0}, f"{name}: {answer}")
    seen = stack.call("/incidents?service=shop-api", "READ_KEY")["incidents"]
    want(len(seen) == 3, f"an alarm, an event and a finding about one service are {seen}")
    opened(stack, "shop/api")


def an_alarm_reaches_the_function_through_its_topic(stack):
    alarms = boto3.client("cloudwatch")
    alarms.put_metric_alarm(
        AlarmName="scenario-queue", Namespace="AWS/SQS", MetricName="ApproximateAgeOfOldestMessage", Statistic="Maximum", Period=60, EvaluationPeriods=1,
        Threshold=300, ComparisonOperator="GreaterThanThreshold", Dimensions=[{"Name": "QueueName", "Value": "scenario-queue"}],
        AlarmActions=[topic()], OKActions=[topic()],
    )
    alarms.set_alarm_state(AlarmName="scenario-queue", StateValue="ALARM", StateReason="The oldest message is 420 s old")
    opened(stack, "scenario-queue")


def log_lines_reach_the_function_through_their_filter(stack):
    logs = boto3.client("logs")
    logs.create_log_stream(logGroupName=LOGS, logStreamName="one")
    now = int(time.time() * 1000)
    lines = ["INFO began", "ERROR connection refused to 10.0.0.7:5432", "INFO ended"]
    logs.put_log_events(logGroupName=LOGS, logStreamName="one", logEvents=[{"timestamp": now, "message": line} for line in lines])
    opened(stack, "scenario-orders")


def topic():
    """The topic whose messages are alerts; the same each time it is asked for."""
    return boto3.client("sns").create_topic(Name="scenario-alerts")["TopicArn"]


def the_schedules_fire(stack):
    logs = boto3.client("logs")
    for logical in ("HourlyHealthCheck", "Reconcile"):
        group = stack.physical(logical + "LogGroup")
        wait(lambda: logs.filter_log_events(logGroupName=group, startTime=int(stack.since * 1000))["events"], f"{logical} to run by its schedule", 90)


def ends(stack, incident):
    """Stops an execution and tells the queue of it, as EventBridge does on AWS: the
    emulator's executions tell it nothing. The event is the recorded one.
    """
    states, machine = boto3.client("stepfunctions"), stack.physical("IncidentStateMachine")
    execution = machine.replace(":stateMachine:", ":execution:") + ":" + incident
    states.stop_execution(executionArn=execution)
    with open(f"{HERE}/../events/execution-ended.json") as recorded:
        event = json.load(recorded)
    event["detail"].update(executionArn=execution, stateMachineArn=machine, name=incident, status="ABORTED")
    boto3.client("sqs").send_message(QueueUrl=stack.physical("EndedExecutions"), MessageBody=json.dumps(event))


def an_ended_execution_leaves_nothing_open(stack):
    incident = stack.alert()
    stack.becomes(incident, "WAITING_FOR_APPROVAL")
    ends(stack, incident)
    seen = stack.becomes(incident, "ESCALATED")
    want(seen["escalationReason"] == "step_failed" and seen["ticket"], seen)


def the_dead_letter_queue_receives_what_fails(stack):
    before = stack.environment("HourlyHealthCheck", OPSGUARD_TABLE="there-is-no-such-table")
    try:
        boto3.client("lambda").invoke(FunctionName=stack.physical("HourlyHealthCheckFunction"), InvocationType="Event", Payload=b"{}")
        sqs, queue = boto3.client("sqs"), stack.physical("DeadLetters")
        wait(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"), "a dead letter", 100)
    finally:
        stack.environment("HourlyHealthCheck", **before)


def cuts():
    """How many calls of wait-for-approval the emulator has ended by updating the function."""
    with open(f"{HERE}/../../.tools/emulator/log") as log:
        return log.read().count("opsguard-wait-for-approval: Runtime exited before returning a response")


def cut_off(stack, incident):
    """The emulator ends a function's running calls when it is updated and lets the state
    wait on; AWS lets the call finish. So its execution is ended, as its deadline would.
    """
    ends(stack, incident)
    want(stack.becomes(incident, "ESCALATED")["ticket"], incident)


def a_deployment_while_incidents_wait(_):
    """Every function is replaced, and the state machine, while incidents wait and alerts come in."""
    stack = Stack("opsguard", 4 * 3600)
    waiting = [stack.alert() for _ in range(4)]
    for incident in waiting:
        stack.becomes(incident, "WAITING_FOR_APPROVAL")
    accepted, enough, before = [], threading.Event(), cuts()

    def send():
        while not enough.wait(0.5):
            try:
                accepted.append(stack.alert())
            except urllib.error.URLError:
                pass  # a sender that is told so repeats; only what was accepted may not be lost

    sender = threading.Thread(target=send)
    sender.start()
    try:
        stack.deploy("LogLevel=debug")
    finally:
        enough.set()
        sender.join()
    want(len(accepted) > 4, f"only {len(accepted)} alerts were accepted during the deployment")
    hang = [i for i in accepted if not stack.asks(i)]
    want(len(hang) <= cuts() - before, f"{hang} hang, and {cuts() - before} calls were cut off")
    for incident in hang:
        accepted.remove(incident)
        cut_off(stack, incident)
    for incident in waiting[:2]:
        stack.call(f"/approve-fix?incidentId={incident}&action=approve", "OPERATE_KEY")
        want(stack.becomes(incident, "RESOLVED")["fix"]["outcome"] == "simulated", incident)
    for incident in waiting[2:] + accepted:
        stack.call(f"/approve-fix?incidentId={incident}&action=escalate", "OPERATE_KEY")
    for incident in waiting[2:] + accepted:
        want(stack.becomes(incident, "ESCALATED")["escalationReason"] == "chosen", incident)


def played():
    """The stack with short times, whose Gemini and Discord are played here."""
    for name, value in (("gemini", "played"), ("discord", "http://%s:%d/api/webhooks/1/tok" % PLAYED)):
        parameter(f"/{STACK}/{name}", value)
    boto3.client("logs").create_log_group(logGroupName=LOGS)
    return Stack(
        STACK, SECONDS, f"GeminiKeyParameter=/{STACK}/gemini", "GeminiEndpoint=http://%s:%d" % PLAYED, f"DiscordWebhookParameter=/{STACK}/discord",
        'HealthCheckSchedule="rate(1 minute)"', 'ReconcileSchedule="rate(1 minute)"', "AwsEvents=yes", f"AlertTopic={topic()}", f"AlertLogGroup={LOGS}",
        "AlertLogPattern=ERROR",  # the emulator knows no alternatives
    )


def main():
    server = http.server.ThreadingHTTPServer(PLAYED, Played)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack = played()
    scenarios = [
        the_rules_let_the_right_events_through, an_event_is_taken_without_the_api, an_alarm_reaches_the_function_through_its_topic,
        log_lines_reach_the_function_through_their_filter, gemini_discord_and_a_link, a_critical_message_is_out_soon_after_its_channels_limit, what_belongs_together_is_one_message,
        the_approval_deadline, a_functions_error_caught, an_ended_execution_leaves_nothing_open,
        the_dead_letter_queue_receives_what_fails, the_schedules_fire, a_deployment_while_incidents_wait,
    ]
    run([(scenario, stack) for scenario in scenarios])


if __name__ == "__main__":
    main()
