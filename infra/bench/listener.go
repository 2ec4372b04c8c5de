package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// listener reads what a server prints for people and tells who waits for it what
// has become of an incident.
type listener struct {
	mu   sync.Mutex
	said map[string]chan string // incident -> its statuses, in order
}

// mostSaid is how many statuses one incident's life prints at most.
const mostSaid = 8

func newListener() *listener { return &listener{said: map[string]chan string{}} }

// read ends when the server does. A message has a line "STATUS, ..." and below it
// the line "INC-..., ...".
func (l *listener) read(from io.Reader) {
	status := ""
	for lines := bufio.NewScanner(from); lines.Scan(); {
		line := lines.Text()
		switch word, _, ok := strings.Cut(line, ", "); {
		case !ok:
		case word == "WAITING_FOR_APPROVAL", word == "RESOLVED", word == "ESCALATED":
			status = word
		case status != "" && strings.HasPrefix(word, "INC-"):
			select {
			case l.of(word) <- status:
			default: // nobody waits for it
			}
			status = ""
		}
	}
}

func (l *listener) of(id string) chan string {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.said[id]
	if !ok {
		c = make(chan string, mostSaid)
		l.said[id] = c
	}
	return c
}

// await returns when it was printed that the incident has that status. Who awaits
// RESOLVED asks for nothing more.
func (l *listener) await(ctx context.Context, id, wanted string) error {
	patience := time.NewTimer(patience)
	defer patience.Stop()
	said := l.of(id)
	for {
		select {
		case status := <-said:
			if wanted == "RESOLVED" && status == wanted {
				l.mu.Lock()
				delete(l.said, id)
				l.mu.Unlock()
			}
			if status == wanted {
				return nil
			}
			if status == "ESCALATED" {
				return fmt.Errorf("incident %s was escalated", id)
			}
		case <-patience.C:
			return fmt.Errorf("incident %s: the server has not printed that it is %s", id, wanted)
		case <-ctx.Done():
			return fmt.Errorf("waiting for incident %s to be %s: %w", id, wanted, ctx.Err())
		}
	}
}
