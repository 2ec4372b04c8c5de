package engine

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/asl"
)

// A running execution is stored as a header of fixed size and JSON. The header holds all that opening the file needs, so that
// ten thousand waiting executions are found without decoding any.
//
//	byte 0       format, 1
//	byte 1       1 if a task was running
//	bytes 2-9    earliest timer, milliseconds since 1970, big endian; noTimer if there is none
//	bytes 10-41  SHA-256 of the definition
const (
	headerSize = 42
	format     = 1
	noTimer    = math.MaxInt64
)

type header struct {
	digest   string
	due      int64
	invoking bool
}

func encodeExecution(exec asl.Execution) ([]byte, error) {
	digest, err := hex.DecodeString(exec.Digest)
	if err != nil || len(digest) != 32 {
		return nil, fmt.Errorf("engine: execution %s: definition digest %q", exec.Name, exec.Digest)
	}
	var text bytes.Buffer
	text.WriteByte(format)
	text.WriteByte(boolByte(exec.Phase == asl.Invoking))
	text.Write(binary.BigEndian.AppendUint64(nil, uint64(dueAt(exec))))
	text.Write(digest)
	if err := encodeJSON(&text, exec); err != nil {
		return nil, fmt.Errorf("engine: execution %s: %w", exec.Name, err)
	}
	return text.Bytes(), nil
}

// openHeader checks a stored execution's checksum and reads its header.
func openHeader(name, stored []byte) (header, error) {
	value, err := runningSeal.Open(name, stored)
	if err != nil {
		return header{}, err
	}
	return decodeHeader(value)
}

// openExecution checks a stored execution's checksum and reads it.
func openExecution(name, stored []byte) (asl.Execution, error) {
	value, err := runningSeal.Open(name, stored)
	if err != nil {
		return asl.Execution{}, err
	}
	return decodeExecution(value)
}

func decodeHeader(value []byte) (header, error) {
	if len(value) < headerSize || value[0] != format {
		return header{}, errors.New("not an execution of this version")
	}
	return header{
		digest:   hex.EncodeToString(value[10:headerSize]),
		due:      int64(binary.BigEndian.Uint64(value[2:10])),
		invoking: value[1] == 1,
	}, nil
}

func decodeExecution(value []byte) (asl.Execution, error) {
	var exec asl.Execution
	if _, err := decodeHeader(value); err != nil {
		return exec, err
	}
	err := json.Unmarshal(value[headerSize:], &exec)
	return exec, err
}

// dueAt rounds up, so that at that millisecond the timer has come.
func dueAt(exec asl.Execution) int64 {
	timer, ok := exec.Due()
	if !ok {
		return noTimer
	}
	at := timer.At.UnixMilli()
	if timer.At.Nanosecond()%int(time.Millisecond) != 0 {
		at++
	}
	return at
}

// ended is what remains of an execution.
type ended struct {
	Status    asl.Status `json:"status"`
	StartedAt time.Time  `json:"startedAt"`
	EndedAt   time.Time  `json:"endedAt"`
	State     string     `json:"state"`
	Error     string     `json:"error,omitempty"`
	Cause     string     `json:"cause,omitempty"` // at most maxCause bytes
}

const maxCause = 1024

func endedRecord(exec asl.Execution) ended {
	cause := exec.Cause
	if len(cause) > maxCause {
		cut := maxCause
		for !utf8.RuneStart(cause[cut]) {
			cut--
		}
		cause = cause[:cut]
	}
	return ended{exec.Status, exec.StartedAt, exec.EndedAt, exec.State, exec.Error, cause}
}

// endedKey sorts ended executions by when they ended.
func endedKey(at time.Time, name string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli())), name...)
}

// splitEndedKey is its reverse, and names nobody for a key that is too short.
func splitEndedKey(key []byte) (atMilli int64, name string) {
	if len(key) < 8 {
		return 0, ""
	}
	return int64(binary.BigEndian.Uint64(key)), string(key[8:])
}

// encodeJSON leaves out HTML's escapes, which would make payloads up to six times as long.
func encodeJSON(to *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
