package browser

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Go opens an address and waits until it has been loaded.
func (p *Page) Go(url string) error {
	return p.Loading(func() error {
		var got struct {
			ErrorText string `json:"errorText"`
		}
		if err := p.call("Page.navigate", map[string]any{"url": url}, &got); err != nil {
			return err
		}
		if got.ErrorText != "" {
			return fmt.Errorf("open %s: %s", url, got.ErrorText)
		}
		return nil
	})
}

// Reload is the browser's reload button; a form that led here is sent again.
func (p *Page) Reload() error {
	return p.Loading(func() error { return p.call("Page.reload", nil, nil) })
}

// Back is the browser's back button.
func (p *Page) Back() error {
	var history struct {
		CurrentIndex int
		Entries      []struct{ ID int }
	}
	if err := p.call("Page.getNavigationHistory", nil, &history); err != nil {
		return err
	}
	if history.CurrentIndex == 0 {
		return errors.New("there is nothing to go back to")
	}
	return p.Loading(func() error {
		return p.call("Page.navigateToHistoryEntry", map[string]any{"entryId": history.Entries[history.CurrentIndex-1].ID}, nil)
	})
}

// Stop is the browser's stop button.
func (p *Page) Stop() error { return p.call("Page.stopLoading", nil, nil) }

// Eval evaluates an expression in the page and decodes its JSON value into result
// unless that is nil. It works in pages whose own scripts are disabled, and is not
// subject to their policy.
func (p *Page) Eval(expression string, result any) error {
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	err := p.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &got)
	switch {
	case err != nil:
		return err
	case got.ExceptionDetails != nil:
		return fmt.Errorf("evaluate %.80s: %s", expression, got.ExceptionDetails)
	case result == nil || got.Result.Value == nil:
		return nil
	}
	return json.Unmarshal(got.Result.Value, result)
}

// Text returns what the page says, as a person who selects and copies it gets it.
func (p *Page) Text() (string, error) {
	var text string
	err := p.Eval("document.body.innerText", &text)
	return text, err
}

// Has reports whether the page has such an element.
func (p *Page) Has(selector string) (bool, error) {
	var has bool
	err := p.Eval("!!document.querySelector("+quote(selector)+")", &has)
	return has, err
}

// Click presses the middle of an element, scrolled to first, so many times in a
// row, as fast as it goes.
func (p *Page) Click(selector string, times int) error {
	var at *struct{ X, Y float64 }
	err := p.Eval(`(e => { if (!e) return null; e.scrollIntoView({block: "center", behavior: "instant"}); const r = e.getBoundingClientRect();
		return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })(document.querySelector(`+quote(selector)+`))`, &at)
	if err != nil {
		return err
	}
	if at == nil {
		return fmt.Errorf("there is no %s to click", selector)
	}
	for n := range times {
		for _, kind := range []string{"mousePressed", "mouseReleased"} {
			if err := p.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": n + 1}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Press presses and releases a key: "Tab" or "Enter".
func (p *Page) Press(key string) error {
	code, text := map[string]int{"Tab": 9, "Enter": 13}[key], ""
	if key == "Enter" {
		text = "\r"
	}
	if code == 0 {
		return fmt.Errorf("there is no key %s", key)
	}
	if err := p.call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text}, nil); err != nil {
		return err
	}
	return p.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
}

// Type types a text where the focus is.
func (p *Page) Type(text string) error {
	return p.call("Input.insertText", map[string]any{"text": text}, nil)
}

// Frames returns the addresses of the documents inside the page, frames within
// frames aside. One that was refused is at chrome-error://.
func (p *Page) Frames() ([]string, error) {
	var tree struct {
		FrameTree struct {
			ChildFrames []struct{ Frame struct{ URL string } }
		}
	}
	if err := p.call("Page.getFrameTree", nil, &tree); err != nil {
		return nil, err
	}
	var urls []string
	for _, child := range tree.FrameTree.ChildFrames {
		urls = append(urls, child.Frame.URL)
	}
	return urls, nil
}

// Screenshot returns the whole page, below what the screen shows too, as a PNG.
func (p *Page) Screenshot() ([]byte, error) {
	var shot struct{ Data string }
	if err := p.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(shot.Data)
}

// quote writes a string as JavaScript.
func quote(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}
