package scan

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/lockfile"
)

// registry reads one repository of an image registry, by the OCI distribution
// specification 1.1. It reads as nobody: with a token that the registry gives to all, or with
// none.
type registry struct {
	env   integration.Env
	base  string // https://HOST/v2/REPOSITORY
	name  string // REPOSITORY
	token string // from the registry, after it has asked for one
}

// descriptor points to something in the registry.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	ArtifactType string            `json:"artifactType"`
	Annotations  map[string]string `json:"annotations"`
	Platform     struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
	} `json:"platform"`
}

// manifest is a manifest or an index of them.
type manifest struct {
	MediaType string       `json:"mediaType"`
	Manifests []descriptor `json:"manifests"` // of an index
	Layers    []descriptor `json:"layers"`
}

const (
	maxManifest = 4 << 20 // bytes, as registries hold them to
	// maxTried bounds how many of an image's attachments are looked at.
	maxTried = 10
)

// errNoSBOM says what to do.
var errNoSBOM = errors.New("its registry keeps no SBOM of it; " +
	"build with `docker buildx build --sbom=true`, or attach one with `oras attach`")

// sbom returns the SBOM of an image: one that BuildKit attached to the index, or one that
// refers to the image. Signatures are not checked; digests are.
func (s *Scanner) sbom(ctx context.Context, image inventory.Dependency) ([]byte, error) {
	r, reference := s.registry(image)
	index, digest, err := r.manifest(ctx, reference)
	if err != nil {
		return nil, err
	}
	for _, d := range attestations(index) {
		if data, err := r.attached(ctx, d.Digest); data != nil || err != nil {
			return data, err
		}
	}
	subjects := []string{digest}
	for _, d := range index.Manifests {
		if d.Platform.OS == "linux" && len(subjects) < maxTried {
			subjects = append(subjects, d.Digest)
		}
	}
	for _, subject := range subjects {
		referrers, err := r.referrers(ctx, subject)
		if err != nil {
			return nil, err
		}
		for _, d := range referrers[:min(maxTried, len(referrers))] {
			if data, err := r.attached(ctx, d.Digest); data != nil || err != nil {
				return data, err
			}
		}
	}
	return nil, errNoSBOM
}

func (s *Scanner) registry(d inventory.Dependency) (*registry, string) {
	host, name, reference := d.ImageParts()
	scheme := "https"
	only, _, err := net.SplitHostPort(host)
	if only = cmp.Or(only, host); err == nil && integration.Encrypted(&url.URL{Scheme: "http", Host: only}) {
		scheme = "http" // on this machine
	}
	return &registry{env: s.env, base: scheme + "://" + host + "/v2/" + name, name: name}, reference
}

// attestations are the manifests that BuildKit adds to an index, those of linux/amd64 first.
func attestations(index manifest) []descriptor {
	var all []descriptor
	platform := map[string]bool{}
	for _, d := range index.Manifests {
		if d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
			all = append(all, d)
		}
		platform[d.Digest] = d.Platform.OS == "linux" && d.Platform.Architecture == "amd64"
	}
	slices.SortStableFunc(all, func(a, b descriptor) int {
		return boolean(platform[b.Annotations["vnd.docker.reference.digest"]]) - boolean(platform[a.Annotations["vnd.docker.reference.digest"]])
	})
	return all[:min(maxTried, len(all))]
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// referrers lists what refers to a manifest: by the API, or, where the registry has none, by
// the tag that the specification has in its place.
func (r *registry) referrers(ctx context.Context, digest string) ([]descriptor, error) {
	a, err := r.call(ctx, "/referrers/"+digest, acceptIndex, maxManifest)
	if a.Status == http.StatusNotFound {
		a, err = r.call(ctx, "/manifests/"+strings.Replace(digest, ":", "-", 1), acceptIndex, maxManifest)
		if a.Status == http.StatusNotFound {
			return nil, nil
		}
	}
	if err != nil {
		return nil, err
	}
	var index manifest
	if err := decode("the registry", a.Body, &index); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(index.Manifests, func(d descriptor) bool { return !holdsSBOM(d) && !wraps(d.ArtifactType) }), nil
}

// holdsSBOM goes by the types and the notes that tools write.
func holdsSBOM(d descriptor) bool {
	says := strings.ToLower(d.MediaType + " " + d.ArtifactType + " " + d.Annotations["in-toto.io/predicate-type"] + " " +
		d.Annotations["predicateType"] + " " + d.Annotations["dev.sigstore.bundle.predicateType"])
	return strings.Contains(says, "spdx") || strings.Contains(says, "cyclonedx")
}

// wraps tells whether something of a type may hold a statement about anything.
func wraps(mediaType string) bool {
	return strings.Contains(mediaType, "in-toto") || strings.Contains(mediaType, "dsse") || strings.Contains(mediaType, "sigstore.bundle")
}

// attached returns the SBOM that a manifest holds as a layer, nil if it holds none.
func (r *registry) attached(ctx context.Context, digest string) ([]byte, error) {
	m, _, err := r.manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	for _, layer := range m.Layers[:min(maxTried, len(m.Layers))] {
		if !holdsSBOM(layer) && !wraps(layer.MediaType) {
			continue
		}
		data, err := r.blob(ctx, layer.Digest)
		if err != nil {
			return nil, err
		}
		if data = unwrap(data, 0); data != nil {
			return data, nil
		}
	}
	return nil, nil
}

// unwrap takes the SBOM out of an in-toto statement, and the statement out of a DSSE
// envelope or a sigstore bundle; nil if something else is inside.
func unwrap(data []byte, depth int) []byte {
	var it struct {
		Payload       []byte          `json:"payload"` // DSSE: base64
		Envelope      json.RawMessage `json:"dsseEnvelope"`
		PredicateType string          `json:"predicateType"`
		Predicate     json.RawMessage `json:"predicate"`
		CycloneDX     string          `json:"bomFormat"`
		SPDX          string          `json:"spdxVersion"`
	}
	if depth > 3 || json.Unmarshal(data, &it) != nil {
		return nil
	}
	switch {
	case it.Envelope != nil:
		return unwrap(it.Envelope, depth+1)
	case it.Payload != nil:
		return unwrap(it.Payload, depth+1)
	case it.Predicate != nil:
		return unwrap(it.Predicate, depth+1)
	case it.CycloneDX != "", it.SPDX != "":
		return data
	}
	return nil
}

const (
	acceptIndex    = "application/vnd.oci.image.index.v1+json"
	acceptManifest = acceptIndex + ", application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, " +
		"application/vnd.docker.distribution.manifest.v2+json"
)

// manifest reads a manifest by tag or digest, and returns its digest.
func (r *registry) manifest(ctx context.Context, reference string) (m manifest, digest string, err error) {
	a, err := r.call(ctx, "/manifests/"+reference, acceptManifest, maxManifest)
	if a.Status == http.StatusNotFound {
		return m, "", errors.New("the registry has no such image")
	}
	if err != nil {
		return m, "", err
	}
	if digest = digestOf(a.Body); strings.Contains(reference, ":") && reference != digest {
		return m, "", errors.New("the registry answered another manifest than its digest says")
	}
	return m, digest, decode("the registry", a.Body, &m)
}

// blob reads a layer. Registries send one on to where it is stored, which is an address from
// outside.
func (r *registry) blob(ctx context.Context, digest string) ([]byte, error) {
	a, err := r.call(ctx, "/blobs/"+digest, "*/*", lockfile.MaxFile)
	if to := a.Header.Get("Location"); a.Status >= 300 && a.Status < 400 && to != "" {
		address, bad := url.Parse(r.base + "/blobs/" + digest)
		if bad == nil {
			address, bad = address.Parse(to)
		}
		if bad != nil || address.Scheme != "https" && address.Scheme != "http" {
			return nil, errors.New("the registry sends the SBOM's reader to no address")
		}
		elsewhere := r.env
		elsewhere.HTTP = r.env.Outside
		a, err = elsewhere.Exchange(ctx, integration.Call{Vendor: "the registry's storage", Method: http.MethodGet, URL: address.String(),
			Max: lockfile.MaxFile + 1})
	}
	switch {
	case err != nil:
		return nil, err
	case len(a.Body) > lockfile.MaxFile:
		return nil, fmt.Errorf("its SBOM is larger than %d MiB, which is the most that is read", lockfile.MaxFile>>20)
	case digestOf(a.Body) != digest:
		return nil, errors.New("the registry answered another SBOM than its digest says")
	}
	return a.Body, nil
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// call reads from the repository. If the registry asks for a token, one is fetched, once.
func (r *registry) call(ctx context.Context, path, accept string, most int64) (integration.Answer, error) {
	for try := 0; ; try++ {
		header := http.Header{"Accept": {accept}}
		if r.token != "" {
			header.Set("Authorization", "Bearer "+r.token)
		}
		a, err := r.env.Exchange(ctx, integration.Call{
			Vendor: "the registry", Method: http.MethodGet, URL: r.base + path, Header: header, Max: most + 1,
			Judge: func(status int, _ []byte) string {
				if status == http.StatusUnauthorized || status == http.StatusForbidden {
					return fmt.Sprintf("the registry does not let everybody read (%d); give the url of an SBOM in place of the image", status)
				}
				return ""
			}})
		if a.Status != http.StatusUnauthorized || try > 0 {
			return a, err
		}
		challenge := a.Header.Get("Www-Authenticate")
		if r.token, _ = r.anonymous(ctx, challenge); r.token == "" {
			return a, err
		}
	}
}

// anonymous asks for the token that a registry gives to everybody:
// Bearer realm="https://auth.example.com/token",service="...",scope="..."
func (r *registry) anonymous(ctx context.Context, challenge string) (string, error) {
	rest, ok := strings.CutPrefix(challenge, "Bearer ")
	if !ok {
		return "", nil
	}
	given := map[string]string{}
	for _, part := range strings.Split(rest, `",`) {
		key, value, _ := strings.Cut(part, "=")
		given[strings.TrimSpace(key)] = strings.Trim(value, `"`)
	}
	realm, err := url.Parse(given["realm"])
	if err != nil || !integration.Encrypted(realm) || realm.Host == "" {
		return "", err
	}
	query := realm.Query()
	query.Set("service", given["service"])
	query.Set("scope", "repository:"+r.name+":pull")
	realm.RawQuery = query.Encode()
	body, err := r.env.Do(ctx, integration.Call{Vendor: "the registry's token service", Method: http.MethodGet, URL: realm.String()})
	if err != nil {
		return "", err
	}
	var answer struct {
		Token  string `json:"token"`
		Access string `json:"access_token"`
	}
	err = decode("the registry's token service", body, &answer)
	return cmp.Or(answer.Token, answer.Access), err
}
