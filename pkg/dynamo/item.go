package dynamo

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

// stringOf reads a text attribute; "" if it is none.
func stringOf(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// intOf reads a number attribute; an item without it is damaged.
func intOf(it item, name string) (int64, error) {
	n, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0, fmt.Errorf("an item is damaged: it has no number %s", name)
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("an item is damaged: its %s is no whole number", name)
	}
	return v, nil
}

func timeOf(it item, name string) (time.Time, error) {
	ms, err := intOf(it, name)
	return time.UnixMilli(ms).UTC(), err
}

// millis is a time as the table holds it, in a form that conditions can compare.
func millis(t time.Time) types.AttributeValue { return number(t.UnixMilli()) }

// bodyOf decodes an item's JSON.
func bodyOf(it item, into any) error {
	if err := json.Unmarshal([]byte(stringOf(it, attrBody)), into); err != nil {
		return fmt.Errorf("an item is damaged: its %s: %w", attrBody, err)
	}
	return nil
}

// with is a key and the attributes of one item.
func with(k item, attributes item) item {
	for name, v := range attributes {
		k[name] = v
	}
	return k
}

func metaItem(inc incident.Incident) (item, error) {
	body, err := json.Marshal(inc)
	if err != nil {
		return nil, fmt.Errorf("encode an incident: %w", err)
	}
	it := with(metaKey(inc.Ref), item{
		attrBody: text(string(body)), attrVersion: number(inc.Version), attrStatus: text(string(inc.Status)),
		attrService: text(inc.Service), attrList: text(listPartition(inc)), attrID: text(inc.ID),
	})
	if inc.Open() {
		it[attrDue] = millis(inc.Due())
	}
	return it, nil
}

func eventItem(ref incident.Ref, e incident.Event) (item, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	return with(eventKey(ref, e.Seq), item{attrBody: text(string(body)), attrHash: text(e.Hash)}), nil
}

// dedup is the open incident of a fingerprint.
type dedup struct {
	ID    string
	Count int64
	Seen  time.Time
	Says  string    // the digest of what the last alert said
	Until time.Time // from then on it is not joined; zero: while it is open
}

func dedupOf(it item) (d dedup, err error) {
	d.ID = stringOf(it, attrIncident)
	if d.Count, err = intOf(it, attrCount); err != nil {
		return d, err
	}
	if d.Seen, err = timeOf(it, attrSeen); err != nil {
		return d, err
	}
	d.Says = stringOf(it, attrSays)
	if _, limited := it[attrUntil]; limited {
		d.Until, err = timeOf(it, attrUntil)
	}
	return d, err
}

func (d dedup) values() item {
	v := item{attrIncident: text(d.ID), attrCount: number(d.Count), attrSeen: millis(d.Seen)}
	if d.Says != "" {
		v[attrSays] = text(d.Says)
	}
	if !d.Until.IsZero() {
		v[attrUntil] = millis(d.Until)
	}
	return v
}

func waitItem(w incident.Wait) item {
	return with(waitKey(w.Ref), item{
		attrToken: text(w.Token.Reveal()), attrEntered: millis(w.EnteredAt), attrRetries: number(w.RetryCount), attrDeadline: millis(w.Deadline),
	})
}

func waitOf(ref incident.Ref, it item) (w incident.Wait, err error) {
	w.Ref, w.Token = ref, incident.NewTaskToken(stringOf(it, attrToken))
	if w.EnteredAt, err = timeOf(it, attrEntered); err != nil {
		return w, err
	}
	if w.RetryCount, err = intOf(it, attrRetries); err != nil {
		return w, err
	}
	w.Deadline, err = timeOf(it, attrDeadline)
	return w, err
}
