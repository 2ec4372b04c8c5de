package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// conn is one kept-alive connection without the goroutines, pools and parsers of
// an http.Client: the less the load generator takes, the more is measured.
type conn struct {
	net.Conn
	in     *bufio.Reader
	addr   string
	token  string // that every call carries, if there is one
	out    []byte
	answer []byte // the last one's body
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, in: bufio.NewReader(c), addr: addr}, nil
}

func (c *conn) close() { c.Conn.Close() }

// patience bounds one call.
const patience = 30 * time.Second

// get returns the status and the body, which is good until the next call.
func (c *conn) get(path string) (int, []byte, error) {
	c.begin("GET", path)
	c.out = append(c.out, "\r\n"...)
	return c.call()
}

func (c *conn) post(path string, body []byte) (int, []byte, error) {
	c.begin("POST", path)
	c.out = fmt.Appendf(c.out, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
	c.out = append(c.out, body...)
	return c.call()
}

// begin writes what every call begins with.
func (c *conn) begin(method, path string) {
	c.out = fmt.Appendf(c.out[:0], "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, c.addr)
	if c.token != "" {
		c.out = fmt.Appendf(c.out, "Authorization: Bearer %s\r\n", c.token)
	}
}

func (c *conn) call() (int, []byte, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	if _, err := c.Write(c.out); err != nil {
		return 0, nil, err
	}
	status, length, err := c.head()
	if err != nil {
		return 0, nil, err
	}
	if cap(c.answer) < length {
		c.answer = make([]byte, length)
	}
	c.answer = c.answer[:length]
	_, err = io.ReadFull(c.in, c.answer)
	return status, c.answer, err
}

// head reads the status line and the headers, of which only the length counts:
// OpsGuard sends it with every answer.
func (c *conn) head() (status, length int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, 0, fmt.Errorf("not an answer of HTTP/1.1: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, fmt.Errorf("not a status: %q", line)
	}
	length = -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, 0, fmt.Errorf("not a length: %q", line)
			}
		}
	}
	if length < 0 {
		return 0, 0, errors.New("an answer without a Content-Length")
	}
	return status, length, nil
}

// logs is what an alert carries: the README's failure with the lines around it,
// about 1 KiB.
const logs = `2026-11-24T10:15:02.113Z api[7]: GET /v1/orders 200 31ms
2026-11-24T10:15:02.480Z api[7]: GET /v1/orders/export 200 2911ms rss=1489MB
<--- Last few GCs --->
[7:0x5f3e0c0]  1812437 ms: Mark-sweep 1391.2 (1425.6) -> 1390.8 (1425.6) MB, 1203.4 / 0.0 ms  (average mu = 0.082) allocation failure
[7:0x5f3e0c0]  1813689 ms: Mark-sweep 1391.9 (1425.9) -> 1391.5 (1426.1) MB, 1240.9 / 0.0 ms  (average mu = 0.044) allocation failure
<--- JS stacktrace --->
FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
 1: 0xb7c500 node::Abort() [node]
 2: 0xa8eaac  [node]
 3: 0xd67a50 v8::Utils::ReportOOMFailure(v8::internal::Isolate*, char const*, bool) [node]
 4: 0xd67df7 v8::internal::V8::FatalProcessOutOfMemory(v8::internal::Isolate*, char const*, bool) [node]
 5: 0xf65775  [node]
2026-11-24T10:15:04.020Z systemd[1]: api.service: Main process exited, code=dumped, status=6/ABRT
`

// quotedLogs is encoded once: an alert differs from the next only by its key.
var quotedLogs = func() string {
	quoted, err := json.Marshal(logs)
	if err != nil {
		panic(err) // cannot be: it is a string
	}
	return string(quoted)
}()

// alert is the body of a POST /ingest-alert; each key is an incident of its own.
// Service and key hold nothing that JSON escapes.
func alert(service, key string) []byte {
	return []byte(`{"dedupKey":"` + key + `","errorLogs":` + quotedLogs + `,"serverName":"` + service + `"}`)
}

const idLength = len("INC-") + 26

// send posts one alert, and fails unless it opened, or joined, an incident.
func (c *conn) send(body []byte, joins bool) (string, error) {
	status, answer, err := c.post("/ingest-alert", body)
	if err != nil {
		return "", err
	}
	_, rest, _ := bytes.Cut(answer, []byte(`"incidentId": "`))
	joined := bytes.Contains(rest, []byte(`"duplicate": true`))
	if status != http.StatusAccepted || len(rest) < idLength || joined != joins {
		return "", fmt.Errorf("POST /ingest-alert: %d %s", status, answer)
	}
	return string(rest[:idLength]), nil
}
