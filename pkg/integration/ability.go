package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Ability is one fix of the catalogue as an executor does it on its type of target. The
// docs and `opsguard fixes` are made of it.
type Ability struct {
	Fix      string // the catalogue's id
	Does     string // what it does there, in a sentence's words: "sets the annotation that restarts every pod"
	Undo     string // how it is undone; "" where it cannot be
	Verifies string // what it looks at to say that it worked
	Rights   string // what the executor's credential must be allowed to do
}

// Able returns what the type says of a fix; false if it cannot do it.
func (t Type) Able(fix string) (Ability, bool) {
	for _, a := range t.Abilities {
		if a.Fix == fix {
			return a, true
		}
	}
	return Ability{}, false
}

// Digest tells this description from any other, of this type or another. A plan carries
// it, so that an executor that does something else now makes what was approved stale.
func (a Ability) Digest(typeName string) string {
	text, err := json.Marshal([]string{"opsguard ability 1", typeName, a.Fix, a.Does, a.Undo, a.Verifies, a.Rights})
	if err != nil { // strings can always be written
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
