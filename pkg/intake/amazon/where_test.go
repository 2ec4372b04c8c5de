package amazon_test

import (
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
)

func TestAResourceIsNamedAsPeopleNameIt(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:lambda:eu-central-1:111122223333:function:checkout":                        "checkout",
		"arn:aws:lambda:eu-central-1:111122223333:function:checkout:$LATEST":                "checkout",
		"arn:aws:ecr:eu-central-1:111122223333:repository/shop/api/sha256:ab12":             "shop/api",
		"arn:aws:ecr:eu-central-1:111122223333:repository/shop/api":                         "shop/api",
		"arn:aws:ec2:eu-central-1:111122223333:instance/i-0abc":                             "i-0abc",
		"arn:aws:ecs:eu-central-1:111122223333:service/prod/shop-api":                       "shop-api",
		"arn:aws:rds:eu-central-1:111122223333:db:orders":                                   "orders",
		"arn:aws:s3:::shop-bucket":                                                          "shop-bucket",
		"arn:aws:iam::111122223333:user/anna":                                               "anna",
		"arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/shop/50dc": "shop",
		"arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/shop-tg/73e2":   "shop-tg",
		"arn:aws:states:eu-central-1:111122223333:stateMachine:orders":                      "orders",
		"arn:aws:cloudwatch:eu-central-1:111122223333:alarm:shop: 5xx/min":                  "shop",
		"i-0abc": "i-0abc", "AWS::::Account:111122223333": "AWS::::Account:111122223333", "": "",
	} {
		if got := amazon.Name(arn); got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}

func TestTheConsoleIsThePartitions(t *testing.T) {
	for want, at := range map[string][2]string{
		"https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#x":         {"aws", "eu-central-1"},
		"https://cn-north-1.console.amazonaws.cn/cloudwatch/home?region=cn-north-1#x":               {"aws-cn", "cn-north-1"},
		"https://us-gov-west-1.console.amazonaws-us-gov.com/cloudwatch/home?region=us-gov-west-1#x": {"aws-us-gov", "us-gov-west-1"},
	} {
		if got := amazon.Console(at[0], at[1], "cloudwatch/home", "x"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, region := range []string{"", "evil.example/", "EU (Ireland)", "a@evil.example", "eu-central-1#"} {
		if got := amazon.Console("aws", region, "cloudwatch/home", "x"); got != "" {
			t.Errorf("%q leads to %s", region, got)
		}
	}
}

func TestTimesAreReadAsEachServiceWritesThem(t *testing.T) {
	for text, want := range map[string]time.Time{
		`"2026-11-24T09:58:30Z"`:             time.Date(2026, 11, 24, 9, 58, 30, 0, time.UTC),
		`"2026-11-24T09:58:30.401+0000"`:     time.Date(2026, 11, 24, 9, 58, 30, 401e6, time.UTC),
		`"2026-11-24T10:58:30.045000+01:00"`: time.Date(2026, 11, 24, 9, 58, 30, 45e6, time.UTC),
		`"Tue, 24 Nov 2026 09:58:30 GMT"`:    time.Date(2026, 11, 24, 9, 58, 30, 0, time.UTC),
		`"Tue, 3 Nov 2026 09:58:30 GMT"`:     time.Date(2026, 11, 3, 9, 58, 30, 0, time.UTC),
		`"Tue Nov 24 09:58:30.356 UTC 2026"`: time.Date(2026, 11, 24, 9, 58, 30, 356e6, time.UTC),
		`"Nov 24, 2026, 9:58:30 AM"`:         time.Date(2026, 11, 24, 9, 58, 30, 0, time.UTC),
		`"yesterday"`:                        {}, `7`: {}, `null`: {}, `"0001-01-01T00:00:00Z"`: {},
	} {
		v, err := intake.ReadJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := amazon.Time(v); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
