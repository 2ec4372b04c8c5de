package cloudevents

import (
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/steps"
)

const (
	structuredType = "application/cloudevents+json"
	batchedType    = "application/cloudevents-batch+json"
	familyType     = "application/cloudevents"
	headerPrefix   = "Ce-"
)

// events reads the mode out of the Content-Type, as the binding says, and then the events.
// problems are those of single events of a batch. JSON without the headers of the binary
// mode is taken for the structured or the batched mode: some senders do not say so.
func (s *Source) events(r steps.Request) (events []event, problems []error, err error) {
	written := r.Header.Get("Content-Type")
	mediaType, _, err := mime.ParseMediaType(written)
	if err != nil && written != "" {
		return nil, nil, incident.BadField("Content-Type", "cannot be read; send "+structuredType)
	}
	switch {
	case mediaType == structuredType:
		return structured(r.Body, "an object")
	case mediaType == batchedType:
		return structured(r.Body, "an array")
	case strings.HasPrefix(mediaType, familyType):
		return nil, nil, incident.BadField("Content-Type", "is a format that is not read; send "+structuredType)
	case r.Header.Get(headerPrefix+"Specversion") == "" && isJSON(mediaType):
		return structured(r.Body, "")
	case s.settings.Scheme == byWebhook:
		// Whoever caught a request could change what it says in its headers.
		return nil, nil, incident.BadField("Content-Type",
			"is that of the binary mode, whose ce- headers the signature does not cover; send "+structuredType)
	}
	e, err := binary(r.Header, r.Body, mediaType)
	return []event{e}, nil, err
}

// structured reads one event or a list of them; what says which it must be, "" either.
func structured(body []byte, what string) (events []event, problems []error, err error) {
	document, err := intake.ReadJSON(body)
	if err != nil {
		return nil, nil, err
	}
	if what == "an object" && !document.IsObject() || what == "an array" && !document.IsArray() || !document.IsObject() &&
		!document.IsArray() {
		return nil, nil, incident.BadField("", "the body must be %s", orWord(what, "an object or an array"))
	}
	if document.IsObject() {
		e, err := fromJSON(document)
		return []event{e}, nil, err
	}
	for _, item := range document.List(intake.MaxAlerts) {
		e, err := fromJSON(item)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		events = append(events, e)
	}
	if err := document.Err(); err != nil {
		problems = append(problems, err)
	}
	return events, problems, nil
}

func orWord(word, otherwise string) string {
	if word == "" {
		return otherwise
	}
	return word
}

// fromJSON reads an event of the JSON format. An attribute that is null is not set.
func fromJSON(item intake.Value) (event, error) {
	e := event{path: item.Path(), attributes: map[string]string{}, data: item.At("data")}
	if err := item.Err(); err != nil {
		return e, err
	}
	for _, name := range item.Names() {
		if value := item.At(name).Written(); isAttribute(name) && name != "data" && value != "" {
			e.attributes[name] = value
		}
	}
	e.check(func(name, what string) { item.At(name).Refuse("%s", what) })
	if encoded := item.At("data_base64"); encoded.Has() && e.data.Has() {
		encoded.Refuse("stands beside data; send one of them")
	} else if encoded.Has() {
		raw, err := base64.StdEncoding.DecodeString(encoded.Text())
		if err != nil {
			encoded.Refuse("is not base64")
		} else if e.data, e.leftOut, err = content(raw, mediaTypeOf(e.attributes["datacontenttype"])); err != nil {
			encoded.Refuse("holds something else than its datacontenttype says: %v", err)
		}
	}
	return e, item.Err()
}

func mediaTypeOf(text string) string {
	mediaType, _, err := mime.ParseMediaType(text)
	if err != nil {
		return strings.TrimSpace(text)
	}
	return mediaType
}

// binary reads an event whose attributes are headers and whose data is the body.
func binary(h http.Header, body []byte, mediaType string) (event, error) {
	e := event{attributes: map[string]string{}}
	for header, values := range h {
		name, ok := strings.CutPrefix(header, headerPrefix)
		if name = strings.ToLower(name); !ok || !isAttribute(name) {
			continue
		}
		if len(values) != 1 {
			return e, incident.BadField(strings.ToLower(header), "stands %d times; an attribute must stand once", len(values))
		}
		value, ok := headerValue(values[0])
		if !ok {
			return e, incident.BadField(strings.ToLower(header), "is not percent-encoded UTF-8")
		}
		if value != "" {
			e.attributes[name] = value
		}
	}
	if mediaType != "" {
		e.attributes["datacontenttype"] = mediaType
	}
	var wrong []error
	e.check(func(name, what string) { wrong = append(wrong, incident.BadField("ce-"+name, "%s", what)) })
	if len(wrong) > 0 {
		return e, wrong[0]
	}
	var err error
	if e.data, e.leftOut, err = content(body, mediaType); err != nil {
		return e, err
	}
	return e, nil
}

// headerValue undoes what the binding, 3.1.3.2, does to the value of an attribute.
func headerValue(s string) (string, bool) {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = unquoted(s[1 : len(s)-1])
	}
	plain, err := url.PathUnescape(s)
	return plain, err == nil && utf8.ValidString(plain)
}

// unquoted removes the backslashes of a quoted string.
func unquoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isText reports whether a person can read the bytes.
func isText(raw []byte) bool {
	return utf8.Valid(raw) && !strings.ContainsFunc(string(raw),
		func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) && r != '\x1b' })
}
