package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Object is what the API takes and gives.
type Object = map[string]any

// client calls the API as admin.
type client struct {
	url  string
	http *http.Client
}

func newClient(url string, authority *x509.CertPool) (*client, error) {
	return &client{url, &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: authority}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4,
	}}}, nil
}

func (c *client) send(ctx context.Context, method, path, contentType string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+AdminToken)
	req.Header.Set("Content-Type", contentType)
	return c.http.Do(req)
}

// Error is what the API refused a call with.
type Error struct {
	Status int
	Text   string
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Status, e.Text) }

func (c *client) do(ctx context.Context, method, path, contentType string, body, into any) error {
	resp, err := c.send(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return &Error{resp.StatusCode, method + " " + path + ": " + string(answer)}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// untilReady asks until the API can serve.
func (c *client) untilReady(ctx context.Context) error {
	for {
		err := c.do(ctx, http.MethodGet, "/readyz", "", nil, nil)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// watch calls see for each object of a collection and for each change of one, until see
// is done or ctx ends. gone reports that the object was deleted.
func (c *client) watch(ctx context.Context, path string, see func(o Object, gone bool) (done bool)) error {
	resp, err := c.send(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		answer, err := io.ReadAll(resp.Body)
		return fmt.Errorf("watching %s: %d %s %w", path, resp.StatusCode, answer, err)
	}
	for events := json.NewDecoder(resp.Body); ; {
		var event struct {
			Type   string
			Object Object
		}
		if err := events.Decode(&event); err != nil {
			return fmt.Errorf("watching %s: %w", path, err)
		}
		if event.Type == "ERROR" || event.Type == "BOOKMARK" {
			continue
		}
		if see(event.Object, event.Type == "DELETED") {
			return nil
		}
	}
}

// Get reads an object.
func (c *Cluster) Get(ctx context.Context, path string) (Object, error) {
	var o Object
	return o, c.api.do(ctx, http.MethodGet, path, "", nil, &o)
}

// Create makes an object of a collection.
func (c *Cluster) Create(ctx context.Context, collection string, o Object) error {
	return c.api.do(ctx, http.MethodPost, collection, "application/json", o, nil)
}

// Patch merges into an object, as RFC 7396 says.
func (c *Cluster) Patch(ctx context.Context, path string, o Object) error {
	return c.api.do(ctx, http.MethodPatch, path, "application/merge-patch+json", o, nil)
}

// Delete deletes an object, or a collection, and what is owned by it.
func (c *Cluster) Delete(ctx context.Context, path string) error {
	options := Object{"propagationPolicy": "Foreground", "gracePeriodSeconds": 0}
	return c.api.do(ctx, http.MethodDelete, path, "application/json", options, nil)
}

// Until waits until the object of that name in the collection is as it should be; nil is
// one that is not there.
func (c *Cluster) Until(ctx context.Context, collection, name string, done func(o Object) bool) error {
	query := url.Values{"fieldSelector": {"metadata.name=" + name}}
	var now struct {
		Metadata struct{ ResourceVersion string }
		Items    []Object
	}
	if err := c.api.do(ctx, http.MethodGet, collection+"?"+query.Encode(), "", nil, &now); err != nil {
		return err
	}
	var there Object
	if len(now.Items) > 0 {
		there = now.Items[0]
	}
	if done(there) {
		return nil
	}
	query.Set("watch", "1")
	query.Set("resourceVersion", now.Metadata.ResourceVersion)
	return c.api.watch(ctx, collection+"?"+query.Encode(), func(o Object, gone bool) bool {
		if gone {
			o = nil
		}
		return done(o)
	})
}

// Ask posts a review, which the API answers and does not keep.
func (c *Cluster) Ask(ctx context.Context, collection string, o Object) (Object, error) {
	var answer Object
	return answer, c.api.do(ctx, http.MethodPost, collection, "application/json", o, &answer)
}

// UntilAny waits until some object of the collection is as it should be.
func (c *Cluster) UntilAny(ctx context.Context, collection string, done func(o Object) bool) error {
	return c.api.watch(ctx, collection+"?watch=1", func(o Object, gone bool) bool { return !gone && done(o) })
}
