package local

import (
	"strings"
	"testing"
)

// The build of the functions asks for AWS; what runs on one machine does not.
func TestServicesCheckRefusesTargetsOnOneMachineOnlyForAWS(t *testing.T) {
	s := Settings{ServicesFile: "../services.example.yaml"}
	if said, err := s.CheckServices(false); err != nil || !strings.Contains(said, "is right: 8 services") {
		t.Errorf("%s, %v", said, err)
	}
	_, err := s.CheckServices(true)
	for _, name := range []string{"shop-batch", "shop-web"} {
		if err == nil || !strings.Contains(err.Error(), "services."+name+".target: ") {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}
