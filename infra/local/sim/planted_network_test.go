package sim

import "fmt"

// unreliable has acting calls arrive twice, or after their client has given up.
func unreliable(p *profile) { difficult(p); p.twice, p.heldUp, p.careless = 0.5, 0.3, true }

// networkPlants are bugs in how a platform is called.
func networkPlants() []plant {
	return []plant{
		{"the idempotency key is not sent", invOnce, Hooks{key: func(string, int) string { return "" }, profile: unreliable}},
		{"the idempotency key differs from try to try", invOnce, Hooks{key: func(key string, try int) string {
			return fmt.Sprintf("%s-%d", key, try)
		}, profile: func(p *profile) { unreliable(p); p.twice, p.badFix = 0, 0.6 }}},
		{"the session may do more than the plan says", invRights, Hooks{session: func(rights []string) []string {
			return append([]string{"everything on everything"}, rights...)
		}, profile: difficult}},
	}
}
