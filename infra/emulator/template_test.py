"""Shows that template.py finds what it is there for: each case breaks the real
template in one place."""

import json
import pathlib
import re
import unittest

import built
import template
from samcli.yamlhelper import yaml_dump, yaml_parse

TEXT = (pathlib.Path(__file__).parents[2] / "template.yaml").read_text()


class Template(unittest.TestCase):
    def broken(self, old, new):
        self.assertIn(old, TEXT)
        return "\n".join(template.wrong(TEXT.replace(old, new)))

    def test_the_template_has_nothing_wrong(self):
        self.assertEqual([], list(template.wrong(TEXT)))

    def test_the_cycle_that_the_fixed_name_avoids(self):
        arn = "!Sub 'arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-incident'"
        found = self.broken(arn, "!Ref IncidentStateMachine")
        self.assertIn("reference cycle", found)
        self.assertIn("IncidentStateMachine -> ", found)

    def test_the_cycle_through_the_apis_own_address(self):
        found = self.broken("OPSGUARD_PUBLIC_URL: !Ref PublicUrl", "OPSGUARD_PUBLIC_URL: !Sub 'https://${Api}'")
        self.assertIn("reference cycle", found)

    def test_wildcard_action(self):
        found = self.broken("Action: [dynamodb:UpdateItem]", "Action: ['dynamodb:*']")
        self.assertIn("the action dynamodb:* is a wildcard", found)

    def test_wildcard_resource(self):
        self.assertIn("on every resource", self.broken("Resource: !GetAtt Table.Arn", "Resource: '*'"))

    def test_a_delivery_to_any_machine(self):
        machine = "Action: states:SendTaskSuccess, Resource: !Sub 'arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-incident'"
        for wide in ("'*'", "!Sub 'arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:*'"):
            found = self.broken(machine, "Action: states:SendTaskSuccess, Resource: " + wide)
            for role in ("WaitForApprovalRole", "ApproveFixRole", "ReconcileRole"):
                self.assertIn(f"{role}/DeliverDecisions: states:SendTaskSuccess on something else", found)

    def test_a_role_that_a_service_may_use_for_anybody(self):
        account = "              StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}\n              ArnEquals"
        found = self.broken(account, "              ArnEquals")
        for role in ("IncidentStateMachineRole", "HourlyHealthCheckScheduleRole", "ReconcileScheduleRole"):
            self.assertIn(f"{role}: ", found)
        self.assertIn("it lacks aws:SourceAccount", found)
        self.assertIn("it lacks aws:SourceArn", self.broken("ArnEquals: {aws:SourceArn: !GetAtt ScheduleGroup.Arn}", "Bool: {aws:ViaAWSService: 'true'}"))
        self.assertIn("may use it for anybody", self.broken("            RoleArn: !GetAtt ReconcileScheduleRole.Arn\n", ""))

    def test_a_queue_and_a_topic_without_tls(self):
        found = self.broken("Condition: {Bool: {aws:SecureTransport: 'false'}}", "Condition: {Bool: {aws:SecureTransport: 'true'}}")
        for name, body in template.translate(TEXT).items():
            if body["Type"] in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
                self.assertIn(f"{name}: takes calls without TLS", found)
        self.assertIn("DeadLetters: takes calls", self.broken("Queues: [!Ref DeadLetters]", "Queues: [!Ref Other]"))

    def test_a_queue_that_anybodys_rule_may_write_to(self):
        found = self.broken("Condition: {ArnEquals: {aws:SourceArn: !GetAtt ExecutionEndedRule.Arn}}", "Condition: {}")
        self.assertIn("EndedExecutionsPolicy/RuleSends: allows it for anybody", found)
        self.assertIn("DeadLettersPolicy/RuleGivesUp: allows it for anybody", found)

    def test_a_queue_in_clear_text(self):
        found = self.broken("SqsManagedSseEnabled: true", "DelaySeconds: 0")
        self.assertIn("EndedExecutions: is not encrypted", found)
        self.assertIn("DeadLetters: is not encrypted", found)

    def test_a_function_that_could_read_tokens(self):
        found = self.broken("{dynamodb:LeadingKeys: ['default#INC#*', 'default#TICKET*', 'default#FLOW#*']}", "{dynamodb:LeadingKeys: ['default#INC#*', 'default#WAIT#*']}")
        self.assertIn("may read task tokens", found)

    def test_a_delete_that_reads(self):
        self.assertIn("a delete that returns", self.broken("StringEqualsIfExists: {dynamodb:ReturnValues: NONE}", "StringEqualsIfExists: {dynamodb:Select: COUNT}"))

    def test_a_write_in_two_statements(self):
        self.assertIn("stands in two statements", self.broken("Action: [dynamodb:UpdateItem]", "Action: [dynamodb:PutItem]"))

    def test_a_stage_without_limits(self):
        self.assertIn("makes a stage Stage", self.broken("      OpenApiVersion: '3.0.1'", "      #"))

    def test_no_leading_keys(self):
        self.assertIn("is not held to leading keys", self.broken("ForAllValues:StringLike", "StringLike"))


class Ends(unittest.TestCase):
    """What the emulator cannot show, since its executions tell EventBridge nothing."""

    def setUp(self):
        self.resources = template.translate(TEXT)
        self.rule = self.resources["ExecutionEndedRule"]["Properties"]
        self.event = json.loads((pathlib.Path(__file__).parents[1] / "events/execution-ended.json").read_text())

    def test_the_rule_takes_the_recorded_event_of_the_machine_and_no_success(self):
        pattern = self.rule["EventPattern"]
        self.assertEqual([template.MACHINE], pattern["detail"]["stateMachineArn"])
        self.assertEqual(["FAILED", "ABORTED", "TIMED_OUT"], pattern["detail"]["status"])
        self.assertIn(self.event["source"], pattern["source"])
        self.assertIn(self.event["detail-type"], pattern["detail-type"])
        self.assertIn(self.event["detail"]["status"], pattern["detail"]["status"])

    def test_it_leads_to_the_queue_that_calls_reconcile(self):
        queue = {"Fn::GetAtt": ["EndedExecutions", "Arn"]}
        self.assertEqual([queue], [t["Arn"] for t in self.rule["Targets"]])
        mapping = self.resources["ReconcileFunctionEnds"]["Properties"]
        self.assertEqual((queue, {"Ref": "ReconcileFunction"}), (mapping["EventSourceArn"], mapping["FunctionName"]))
        self.assertEqual(["ReportBatchItemFailures"], mapping["FunctionResponseTypes"])

    def test_a_message_is_hidden_for_six_of_the_functions_times_and_kept_after_five(self):
        queue, function = self.resources["EndedExecutions"]["Properties"], self.resources["ReconcileFunction"]["Properties"]
        self.assertGreaterEqual(queue["VisibilityTimeout"], 6 * function["Timeout"])
        self.assertEqual(5, queue["RedrivePolicy"]["maxReceiveCount"])


class Direct(unittest.TestCase):
    """What calls ingest-alert beside the API."""

    RULES = ("CloudWatchRule", "HealthRule", "InspectorRule", "SecurityHubRule")

    def setUp(self):
        self.resources = template.translate(TEXT)

    def test_each_rule_is_off_unless_it_is_asked_for_and_loses_nothing(self):
        queue, function = {"Fn::GetAtt": ["DeadLetters", "Arn"]}, {"Fn::GetAtt": ["IngestAlertFunction", "Arn"]}
        for name in self.RULES:
            rule = self.resources[name]["Properties"]
            self.assertEqual({"Fn::If": ["HasAwsEvents", "ENABLED", "DISABLED"]}, rule["State"], name)
            self.assertEqual([(function, {"Arn": queue})], [(t["Arn"], t["DeadLetterConfig"]) for t in rule["Targets"]], name)
        given_up = [s for s in self.resources["DeadLettersPolicy"]["Properties"]["PolicyDocument"]["Statement"] if s.get("Sid") == "AlertsGiveUp"]
        arns = [{"Fn::GetAtt": [name, "Arn"]} for name in self.RULES]
        self.assertEqual([arns], [s["Condition"]["ArnEquals"]["aws:SourceArn"] for s in given_up])

    def test_each_permission_to_call_a_function_names_who_may(self):
        for name, resource in self.resources.items():
            if resource["Type"] == "AWS::Lambda::Permission":
                self.assertTrue(resource["Properties"].get("SourceArn"), f"{name}: anybody's {resource['Properties']['Principal']} may")
        for rule in self.RULES:
            said = self.resources[rule + "Permission"]["Properties"]
            self.assertEqual(({"Ref": "IngestAlertFunction"}, {"Fn::GetAtt": [rule, "Arn"]}), (said["FunctionName"], said["SourceArn"]))


class Built(unittest.TestCase):
    def test_the_emulator_is_spared_these_two_and_nothing_else(self):
        adapted = yaml_parse(TEXT)
        built.adapt(adapted)
        found = list(template.wrong(yaml_dump(adapted)))
        self.assertTrue(found)
        for finding in found:
            self.assertRegex(finding, "takes calls without TLS$|states:SendTaskSuccess on ")


class Alarms(unittest.TestCase):
    def setUp(self):
        self.resources = template.translate(TEXT)
        self.alarms = {n: r["Properties"] for n, r in self.resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"}

    def watched(self, namespace, name):
        return [a for a in self.alarms.values() if (a["Namespace"], a["MetricName"]) == (namespace, name)]

    def test_every_alarm_tells_the_topic(self):
        for name, alarm in self.alarms.items():
            self.assertEqual([{"Ref": "Alarms"}], alarm["AlarmActions"], name)

    def test_every_functions_errors_and_throttles_are_watched(self):
        functions = sorted(n for n, r in self.resources.items() if r["Type"] == "AWS::Lambda::Function")
        # A fix that waits for its turn is an error to Lambda, so execute-fix's log is watched.
        by_log = {"ExecuteFixFunction"}
        for metric, expected in (("Errors", [f for f in functions if f not in by_log]), ("Throttles", functions)):
            watched = sorted(d["Value"]["Ref"] for m in self.watched("AWS/Lambda", metric) for d in m["Dimensions"])
            self.assertEqual(expected, watched, metric)
        self.assertEqual("ExecuteFixErrors", self.alarms["ExecuteFixErrorsAlarm"]["MetricName"])

    def test_every_way_an_execution_ends_early_and_the_tables_and_its_indexs_throttles_are_watched(self):
        for metric in ("ExecutionsFailed", "ExecutionsAborted", "ExecutionsTimedOut", "ExecutionThrottled"):
            self.assertEqual(1, len(self.watched("AWS/States", metric)), metric)
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
            self.assertEqual([1, 2], sorted(len(m["Dimensions"]) for m in self.watched("AWS/DynamoDB", metric)), metric)

    def test_only_a_reconcile_that_is_not_called_is_told_by_what_is_missing(self):
        missing = {n for n, a in self.alarms.items() if a["TreatMissingData"] == "breaching"}
        self.assertEqual({"ReconcileMissingAlarm"}, missing)

    def test_every_message_that_a_filter_counts_is_one_that_is_logged(self):
        root = pathlib.Path(__file__).parents[2]
        said = "".join(f.read_text() for p in ("pkg/steps", "infra/aws") for f in root.glob(p + "/*.go") if not f.name.endswith("_test.go"))
        counted = set()
        for name, resource in self.resources.items():
            if resource["Type"] == "AWS::Logs::MetricFilter":
                messages = re.findall(r'\$\.msg = "([^"]+)"', resource["Properties"]["FilterPattern"])
                self.assertTrue(messages, name)
                counted.update(messages)
        for message in counted:
            self.assertTrue(f'"{message}"' in said, f"nothing logs {message!r}")


class Dashboard(unittest.TestCase):
    def test_it_shows_every_alarm_and_every_function(self):
        resources = template.translate(TEXT)
        body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        widgets = json.loads(body)["widgets"]
        shown = {name for name in re.findall(r"\$\{(\w+)\.Arn\}", json.dumps(widgets[0]))}
        self.assertEqual(shown, {name for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"})
        for name, resource in resources.items():
            if resource["Type"] == "AWS::Lambda::Function":
                function = resource["Properties"]["FunctionName"]["Fn::Sub"]
                self.assertEqual(2, body.count(f'"{function}"'), f"{name}: its errors and its time")


if __name__ == "__main__":
    unittest.main()
