// Package browser drives a real headless Chromium, so that the black-box suite
// can look at OpsGuard's pages and use them as a person does: Install, Start,
// Browser.Open, then what a person does (Go, Click, Press, Back) and what one can
// see (Text, Problems, Screenshot).
//
// It speaks the DevTools protocol over a pipe: no port that another program could
// reach, and nothing to install beside Chromium itself. Chromium resolves no name
// but localhost's, so that no test reaches beyond this machine.
package browser
