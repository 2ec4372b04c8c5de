package stepfn

import (
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

// statusChange is what is read of EventBridge's event. Its cause and its error are
// left alone: they are for the execution's own page.
type statusChange struct {
	Source string `json:"source"`
	Kind   string `json:"detail-type"`
	Detail struct {
		Machine string                `json:"stateMachineArn"`
		Name    string                `json:"name"`
		Status  types.ExecutionStatus `json:"status"`
	} `json:"detail"`
}

// Ended returns the incident's id that a "Step Functions Execution Status Change" event
// is about: that of an execution of the settings' state machine that ended without
// getting to its end. Any other event is Invalid.
func (s Settings) Ended(event []byte) (id string, err error) {
	var e statusChange
	if json.Unmarshal(event, &e) != nil || e.Source != "aws.states" || e.Kind != "Step Functions Execution Status Change" {
		return "", incident.BadField("", "this is no event of an execution's status")
	}
	switch e.Detail.Status {
	case types.ExecutionStatusFailed, types.ExecutionStatusAborted, types.ExecutionStatusTimedOut:
	default:
		return "", incident.BadField("detail.status", "%q is not how an execution ends that left its incident open", e.Detail.Status)
	}
	switch {
	case e.Detail.Machine != s.StateMachineARN:
		return "", incident.BadField("detail.stateMachineArn", "is not the state machine of incidents")
	case !incident.ValidID(e.Detail.Name):
		return "", incident.BadField("detail.name", "is no incident's id")
	}
	return e.Detail.Name, nil
}
