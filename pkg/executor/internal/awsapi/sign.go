package awsapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/integration"
)

// algorithm and its steps: AWS General Reference, "Create a signed AWS API request". A test
// compares this with the SDK's signer, which is not linked: executors are part of the
// one-machine program too, and that has no AWS client.
const algorithm = "AWS4-HMAC-SHA256"

const (
	stampForm = "20060102T150405Z"
	dayForm   = "20060102"
)

// sign adds the headers that authorise a call with this body.
func sign(h http.Header, method string, u *url.URL, body []byte, key integration.AWSKey, service, region string, at time.Time) {
	h.Set("X-Amz-Date", at.UTC().Format(stampForm))
	if key.Token != "" {
		h.Set("X-Amz-Security-Token", key.Token)
	}
	names, headers := canonicalHeaders(h, u.Host)
	request := strings.Join([]string{method, escapePath(u), canonicalQuery(u), headers, names, hexSum(body)}, "\n")
	scope := scopeOf(service, region, at)
	h.Set("Authorization", algorithm+" Credential="+key.ID+"/"+scope+", SignedHeaders="+names+", Signature="+signature(request, scope, key, at))
}

// presign returns the address of a GET that is authorised by its query alone: "Create a
// signed AWS API request", Add the signature to the query string. Who makes the call must
// send the headers of h. Whoever knows the address can make it.
func presign(u url.URL, h http.Header, key integration.AWSKey, service, region string, seconds int, at time.Time) string {
	scope := scopeOf(service, region, at)
	names, headers := canonicalHeaders(h, u.Host)
	q := u.Query()
	q.Set("X-Amz-Algorithm", algorithm)
	q.Set("X-Amz-Credential", key.ID+"/"+scope)
	q.Set("X-Amz-Date", at.UTC().Format(stampForm))
	q.Set("X-Amz-Expires", strconv.Itoa(seconds))
	q.Set("X-Amz-SignedHeaders", names)
	if key.Token != "" {
		q.Set("X-Amz-Security-Token", key.Token)
	}
	u.RawQuery = q.Encode()
	u.RawQuery = canonicalQuery(&u)
	request := strings.Join([]string{http.MethodGet, escapePath(&u), u.RawQuery, headers, names, hexSum(nil)}, "\n")
	u.RawQuery += "&X-Amz-Signature=" + signature(request, scope, key, at)
	return u.String()
}

// scopeOf is what a signature is good for: a day, a Region and a service.
func scopeOf(service, region string, at time.Time) string {
	return strings.Join([]string{at.UTC().Format(dayForm), region, service, "aws4_request"}, "/")
}

func signature(request, scope string, key integration.AWSKey, at time.Time) string {
	text := strings.Join([]string{algorithm, at.UTC().Format(stampForm), scope, hexSum([]byte(request))}, "\n")
	secret := []byte("AWS4" + key.Secret)
	for _, part := range strings.Split(scope, "/") {
		secret = mac(secret, part)
	}
	return hex.EncodeToString(mac(secret, text))
}

// canonicalHeaders signs all headers that are set so far, and the host.
func canonicalHeaders(h http.Header, host string) (names, lines string) {
	all := map[string]string{"host": host}
	for name, values := range h {
		all[strings.ToLower(name)] = strings.Join(strings.Fields(strings.Join(values, ",")), " ")
	}
	var sorted []string
	for name := range all {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		lines += name + ":" + all[name] + "\n"
	}
	return strings.Join(sorted, ";"), lines
}

// escapePath encodes the path that is sent once more, as every service but S3 wants it.
func escapePath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	var b strings.Builder
	for _, c := range []byte(path) {
		if c == '/' || unreserved(c) {
			b.WriteByte(c)
			continue
		}
		const digits = "0123456789ABCDEF"
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// canonicalQuery is sorted by name; Encode writes a space as +, the signature wants %20.
func canonicalQuery(u *url.URL) string { return strings.ReplaceAll(u.Query().Encode(), "+", "%20") }

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text)) // never fails
	return h.Sum(nil)
}
