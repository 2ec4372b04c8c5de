package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/opsguard/opsguard/pkg/body"
	"github.com/opsguard/opsguard/pkg/incident"
)

// exchange is one request, its answer, and what the log will say about both. It
// is the ResponseWriter that the router passes on.
type exchange struct {
	http.ResponseWriter
	r      *http.Request
	id     string         // X-Request-Id
	route  string         // the pattern that matched; "" if none did
	at     *served        // the row; nil if none has this pattern and method
	by     incident.Actor // who it turned out to be; "" if nobody
	status int            // 0 until the answer begins
	slug   string         // the problem's type, if the answer is one
	err    error          // why, for the log
	quiet  bool           // one of a flood, which the log need not hold
}

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	return x.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// send answers with a whole body; a HEAD gets its headers.
func (x *exchange) send(status int, contentType string, content []byte) error {
	h := x.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	x.WriteHeader(status)
	if x.r.Method == http.MethodHead {
		return nil
	}
	_, _ = x.Write(content) // it fails when the caller is gone, and there is nobody left to tell
	return nil
}

// json answers in two-space indented JSON with a newline at the end: it is read
// by people with curl as often as by programs.
func (x *exchange) json(status int, v any) error {
	return x.encode(status, "application/json", v)
}

func (x *exchange) encode(status int, contentType string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	return x.send(status, contentType, b.Bytes())
}

// fail answers with a problem.
func (x *exchange) fail(err error) {
	p := x.failing(err)
	setProblemHeaders(x.Header(), err, p)
	var shown any = p
	var decided *standing
	if errors.As(err, &decided) {
		d := decided.decision
		shown = decidedProblem{p, d.Action, d.By, incident.FormatTime(d.At)}
	}
	var choose *choosing
	if errors.As(err, &choose) {
		shown = choose.problem(p)
	}
	_ = x.encode(p.Status, "application/problem+json", shown) // plain structs always encode
}

// failing notes an error for the log and words it.
func (x *exchange) failing(err error) problem {
	p := problemOf(err)
	x.slug, x.err = p.Type, err
	return p
}

// standing carries, with the refusal of another decision, the one that stands.
type standing struct {
	error
	decision incident.Decision
}

func (s *standing) Unwrap() error { return s.error }

// query reads the query's parameters, those that the route takes.
func (x *exchange) query() (body.Values, error) {
	return body.ReadQuery(x.r.URL.RawQuery, x.at.query...)
}

// fields reads the body's fields, those that the route takes: at most body.MaxSize
// bytes, JSON or a form.
func (x *exchange) fields() (body.Values, error) {
	kind, raw, err := x.body()
	if err != nil {
		return nil, err
	}
	return body.Read(kind, raw, x.at.body...)
}

func (x *exchange) body() (body.Kind, []byte, error) {
	kind, ok := body.KindOf(x.r.Header.Get("Content-Type"))
	if !ok {
		return 0, nil, &refusal{status: http.StatusUnsupportedMediaType, slug: slugUnsupported,
			detail: "send the body as application/json or application/x-www-form-urlencoded, in UTF-8"}
	}
	if coding := x.r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return 0, nil, &refusal{status: http.StatusUnsupportedMediaType, slug: slugUnsupported, detail: "send the body without Content-Encoding"}
	}
	raw, err := x.raw(body.MaxSize)
	return kind, raw, err
}

// firstRoom is the most memory that is taken for a body before any of it has come, in
// bytes: the length that a caller announces costs the caller nothing.
const firstRoom = 16 << 10

// raw reads the body as it is, most bytes at most.
func (x *exchange) raw(most int64) ([]byte, error) { return x.rawIn(most, nil) }

// rawIn is raw. A body that is not smaller than smallBody waits for room first, unless
// room is nil; the caller gives the room back.
func (x *exchange) rawIn(most int64, room *largePlace) ([]byte, error) {
	if x.r.ContentLength > most {
		return nil, tooLarge(most)
	}
	var b bytes.Buffer
	if x.r.ContentLength > 0 {
		b.Grow(int(min(x.r.ContentLength, firstRoom)) + bytes.MinRead) // or ReadFrom grows it again to see the end
	}
	from := http.MaxBytesReader(x.ResponseWriter, x.r.Body, most)
	if room != nil {
		if _, err := b.ReadFrom(io.LimitReader(from, smallBody)); err != nil {
			return nil, broken(err, most)
		}
		if b.Len() < smallBody {
			return b.Bytes(), nil
		}
		if err := room.take(x.r.Context()); err != nil {
			return nil, err
		}
	}
	if _, err := b.ReadFrom(from); err != nil {
		return nil, broken(err, most)
	}
	return b.Bytes(), nil
}

func tooLarge(most int64) error {
	return &refusal{status: http.StatusRequestEntityTooLarge, slug: slugTooLarge,
		detail: fmt.Sprintf("the body is larger than %d bytes (%d KiB); send less", most, most>>10)}
}

// broken says why a body could not be read.
func broken(err error, most int64) error {
	var limit *http.MaxBytesError
	if errors.As(err, &limit) {
		return tooLarge(most)
	}
	broken := incident.BadField("", "the body did not arrive whole")
	broken.Err = err
	return broken
}
