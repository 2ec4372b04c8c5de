package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Size is a screen.
type Size struct {
	Name          string
	Width, Height int // CSS pixels
	Touch         bool
}

// The screens that pages are looked at on.
var (
	Phone   = Size{"phone", 390, 844, true}
	Desktop = Size{"desktop", 1280, 800, false}
)

// Look is how a page is opened.
type Look struct {
	Size     Size
	Dark     bool // prefers-color-scheme
	NoScript bool
}

// Page is one tab.
type Page struct {
	b       *Browser
	session string
	target  string
	size    Size

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something happens
	loads   int
	noted   []string
	asked   []string
}

// Open opens an empty tab with cookies and a history of its own.
func (b *Browser) Open(l Look) (*Page, error) {
	var context struct {
		ID string `json:"browserContextId"`
	}
	var target struct {
		ID string `json:"targetId"`
	}
	var attached struct {
		Session string `json:"sessionId"`
	}
	if err := b.call("", "Target.createBrowserContext", map[string]any{"disposeOnDetach": true}, &context); err != nil {
		return nil, err
	}
	if err := b.call("", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": context.ID}, &target); err != nil {
		return nil, err
	}
	if err := b.call("", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &attached); err != nil {
		return nil, err
	}
	p := &Page{b: b, session: attached.Session, target: target.ID, size: l.Size, changed: make(chan struct{})}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	return p, p.prepare(l)
}

func (p *Page) prepare(l Look) error {
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	for _, step := range []struct {
		method string
		params map[string]any
	}{
		{"Page.enable", nil}, {"Runtime.enable", nil}, {"Log.enable", nil}, {"Network.enable", nil}, {"Audits.enable", nil},
		{"Emulation.setDeviceMetricsOverride", map[string]any{"width": l.Size.Width, "height": l.Size.Height, "deviceScaleFactor": 2, "mobile": l.Size.Touch}},
		{"Emulation.setTouchEmulationEnabled", map[string]any{"enabled": l.Size.Touch}},
		{"Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}},
		{"Emulation.setScriptExecutionDisabled", map[string]any{"value": l.NoScript}},
	} {
		if err := p.call(step.method, step.params, nil); err != nil {
			return err
		}
	}
	return nil
}

func (p *Page) call(method string, params map[string]any, result any) error {
	return p.b.call(p.session, method, params, result)
}

// Close closes the tab.
func (p *Page) Close() error {
	return p.b.call("", "Target.closeTarget", map[string]any{"targetId": p.target}, nil)
}

// happened notes an event. It is called by the reader of the pipe and must not
// wait for an answer.
func (p *Page) happened(method string, params json.RawMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch method {
	case "Page.loadEventFired":
		p.loads++
	case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening":
		p.noted = append(p.noted, method+" "+string(params))
	case "Audits.issueAdded":
		var issue struct {
			Issue struct{ Code string }
		}
		if json.Unmarshal(params, &issue) == nil && issue.Issue.Code == "ContentSecurityPolicyIssue" {
			p.noted = append(p.noted, method+" "+string(params))
		}
	case "Network.requestWillBeSent":
		var sent struct {
			Request struct{ Method, URL string }
		}
		if json.Unmarshal(params, &sent) == nil {
			p.asked = append(p.asked, sent.Request.Method+" "+sent.Request.URL)
		}
	default:
		return
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// Noted returns what Chromium had to say about the page so far: its console,
// exceptions, dialogs, and violations of its Content-Security-Policy.
func (p *Page) Noted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.noted)
}

// Requests returns what the tab asked for so far, as "GET http://...".
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// Await waits until done, which is asked again whenever something happens.
func (p *Page) Await(what string, done func(*Page) bool) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if done(p) {
			return nil
		}
		select {
		case <-changed:
		case <-p.b.gone:
			return fmt.Errorf("waiting for %s: Chromium ended", what)
		case <-deadline.C:
			return fmt.Errorf("waited %s for %s; it noted %q and asked for %q", patience, what, p.Noted(), p.Requests())
		}
	}
}

// Loading does something that makes the tab load a page, and waits until that has
// been loaded.
func (p *Page) Loading(act func() error) error {
	before := p.loaded()
	if err := act(); err != nil {
		return err
	}
	return p.Await("a page to load", func(p *Page) bool { return p.loaded() > before })
}

func (p *Page) loaded() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loads
}
