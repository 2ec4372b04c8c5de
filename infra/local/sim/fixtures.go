package sim

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/statemachine"
)

// Fixtures is what every world is made of and none changes: parsed once, it may
// be shared by any number of runs.
type Fixtures struct {
	inventories [2][][]*inventory.Inventory // without and with a group; by timeouts, then by variant; variant 0 is the usual one
	definitions []*asl.Definition           // the real one first
	keys        link.Keys
	url         link.PublicURL
}

// The services of a simulated world. api and shop share one target.
const (
	serviceAPI   = "api"   // a real target
	serviceShop  = "shop"  // named approvers
	serviceWeb   = "web"   // simulated
	serviceGhost = "ghost" // not in services.yaml
)

// targetSimulated is the type of target that is only walked through; the other
// type here, cluster, is really changed.
const targetSimulated = "simulated"

// timeouts are how long people may take: so short that the margin is all there
// is, ordinary, and so long that an approval can grow stale before it is acted on.
var timeouts = [...][3]time.Duration{
	{4 * time.Second, 30 * time.Second, 8 * time.Second},
	{10 * time.Minute, 5 * time.Minute, 2 * time.Minute},
	{time.Hour, 45 * time.Minute, time.Hour},
}

// servicesDoc writes a services.yaml; variants are what a deployment may change.
func servicesDoc(variant int, wait [3]time.Duration, grouped bool) string {
	cluster, listed := "a", true
	apiFixes, apiQuorum := "restart-service, scale-out", 1
	shopFixes, shopQuorum, approvers := "restart-service, scale-out, rollback-deployment", 2, "anna, ben, carla"
	switch variant {
	case 1:
		apiFixes, shopFixes = "scale-out", "rollback-deployment"
	case 2:
		cluster = "b"
	case 3:
		apiQuorum, shopQuorum, approvers = 2, 1, "anna, ben"
	case 4:
		listed = false
	}
	var b strings.Builder
	b.WriteString("services:\n")
	if listed {
		const health = `health: {url: "https://api.example.com/healthz"}`
		fmt.Fprintf(&b, "  api: {owner: o, "+health+", target: {type: cluster, name: %s}, fixes: [%s], approval: {quorum: %d, timeout: %s}}\n",
			cluster, apiFixes, apiQuorum, wait[0])
	}
	fmt.Fprintf(&b, "  shop: {owner: o, target: {type: cluster, name: a}, fixes: [%s], approval: {quorum: %d, timeout: %s, approvers: [%s]}}\n",
		shopFixes, shopQuorum, wait[1], approvers)
	fmt.Fprintf(&b, "  web: {owner: o, target: {type: simulated}, fixes: [restart-service, scale-out], approval: {timeout: %s, twoPersonFixes: [scale-out]}}\n",
		wait[2])
	if grouped {
		members := "api, shop, web"
		if !listed {
			members = "shop, web"
		}
		fmt.Fprintf(&b, "groups: {%s: {services: [%s], atOnce: %d}}\n", group, members, groupMax)
	}
	return b.String()
}

const variants = 5

// The group that all services are in, where there is one.
const (
	group    = "front"
	groupMax = 1
)

// NewFixtures parses everything.
func NewFixtures() (*Fixtures, error) {
	f := &Fixtures{}
	for n := range f.inventories {
		for _, wait := range timeouts {
			var byVariant []*inventory.Inventory
			for variant := range variants {
				inv, err := inventory.Load([]byte(servicesDoc(variant, wait, n == 1)), nil)
				if err != nil {
					return nil, err
				}
				byVariant = append(byVariant, inv)
			}
			f.inventories[n] = append(f.inventories[n], byVariant)
		}
	}
	other := bytes.ReplaceAll(statemachine.Definition, []byte(`"TimeoutSeconds": 75`), []byte(`"TimeoutSeconds": 90`))
	for _, text := range [][]byte{statemachine.Definition, other} {
		def, err := asl.Load(text)
		if err != nil {
			return nil, err
		}
		f.definitions = append(f.definitions, def)
	}
	var err error
	if f.keys, err = link.ParseKeys(strings.Repeat("5a", link.MinKeyBytes)); err != nil {
		return nil, err
	}
	f.url, err = link.ParsePublicURL("https://ops.example.com/prod")
	return f, err
}

// of is what may be deployed in a world.
func (f *Fixtures) of(p profile) []*inventory.Inventory {
	n := 0
	if p.grouped {
		n = 1
	}
	return f.inventories[n][p.timeouts]
}

// deployment is what a process is started with.
type deployment struct {
	number    int
	inventory *inventory.Inventory
	def       *asl.Definition
}
