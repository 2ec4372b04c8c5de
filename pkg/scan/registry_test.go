package scan_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/scan"
)

const bom = `{"bomFormat": "CycloneDX", "components": [{"type": "library", "purl": "pkg:npm/left-pad@1.3.0"}]}`

// keep serves a manifest or a blob under its digest, and a tag where one is given.
func (w *world) keep(kind, body string, tags ...string) (digest string) {
	sum := sha256.Sum256([]byte(body))
	digest = "sha256:" + hex.EncodeToString(sum[:])
	for _, reference := range append(tags, digest) {
		w.serve["/v2/shop/api/"+kind+"/"+reference] = answer(200, body)
	}
	return digest
}

func (w *world) image(tag string) inventory.Dependency {
	return inventory.Dependency{Image: strings.TrimPrefix(w.URL, "http://") + "/shop/api:" + tag}
}

const noConfig = `"schemaVersion": 2, "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:44", "size": 2}`

// attach keeps an SBOM as the layer of a manifest.
func (w *world) attach(mediaType, predicate, body string) (digest string) {
	blob := w.keep("blobs", body)
	return w.keep("manifests", fmt.Sprintf(`{%s, "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "layers": [{"mediaType": %q, "digest": %q, "size": 1, "annotations": {"in-toto.io/predicate-type": %q}}]}`, noConfig, mediaType, blob, predicate))
}

func TestTheSBOMOfAnImageIsReadFromItsRegistry(t *testing.T) {
	statement := `{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://cyclonedx.org/bom", "subject": [], "predicate": ` + bom + `}`
	envelope := `{"payloadType": "application/vnd.in-toto+json", "payload": "` + base64.StdEncoding.EncodeToString([]byte(statement)) + `", "signatures": []}`
	plain := `{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {}, "layers": []}`
	referrers := func(w *world, artifact, digest string) string {
		return fmt.Sprintf(`{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
  "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": %q, "size": 1, "artifactType": %q}]}`, digest, artifact)
	}
	for name, build := range map[string]func(w *world){
		"BuildKit": func(w *world) {
			provenance := w.attach("application/vnd.in-toto+json", "https://slsa.dev/provenance/v0.2", `{"predicate": {"buildType": "x"}}`)
			sbom := w.attach("application/vnd.in-toto+json", "https://cyclonedx.org/bom", statement)
			w.keep("manifests", fmt.Sprintf(`{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
  {"digest": "sha256:11", "platform": {"os": "linux", "architecture": "amd64"}},
  {"digest": %q, "platform": {"os": "unknown", "architecture": "unknown"}, "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": "sha256:22"}},
  {"digest": %q, "platform": {"os": "unknown", "architecture": "unknown"}, "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": "sha256:11"}}]}`,
				provenance, sbom), "1.4")
		},
		"referrers": func(w *world) {
			image := w.keep("manifests", plain, "1.4")
			w.serve["/v2/shop/api/referrers/"+image] = answer(200, referrers(w, "application/vnd.cyclonedx+json", w.attach("application/vnd.cyclonedx+json", "", bom)))
		},
		"the tag in place of referrers": func(w *world) {
			image := w.keep("manifests", plain, "1.4")
			w.keep("manifests", referrers(w, "application/vnd.cyclonedx+json", w.attach("application/vnd.cyclonedx+json", "", bom)), strings.Replace(image, ":", "-", 1))
		},
		"an envelope": func(w *world) {
			image := w.keep("manifests", plain, "1.4")
			w.serve["/v2/shop/api/referrers/"+image] = answer(200, referrers(w, "application/vnd.in-toto+json", w.attach("application/vnd.dsse.envelope.v1+json", "", envelope)))
		},
		"a blob that is kept elsewhere": func(w *world) {
			image := w.keep("manifests", plain, "1.4")
			w.serve["/v2/shop/api/referrers/"+image] = answer(200, referrers(w, "application/vnd.cyclonedx+json", w.attach("application/vnd.cyclonedx+json", "", bom)))
			sum := sha256.Sum256([]byte(bom))
			w.serve["/v2/shop/api/blobs/sha256:"+hex.EncodeToString(sum[:])] = func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, w.URL+"/storage?signature=x", http.StatusTemporaryRedirect)
			}
			w.serve["/storage"] = func(rw http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					w.t.Error("the token was sent to the storage")
				}
				io.WriteString(rw, bom)
			}
		},
		"a token for everybody": func(w *world) {
			image := w.keep("manifests", plain, "1.4")
			w.serve["/v2/shop/api/referrers/"+image] = answer(200, referrers(w, "application/vnd.cyclonedx+json", w.attach("application/vnd.cyclonedx+json", "", bom)))
			for path, serve := range w.serve {
				w.serve[path] = func(rw http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Authorization") != "Bearer t0" {
						rw.Header().Set("WWW-Authenticate", `Bearer realm="`+w.URL+`/token",service="registry.example.com",scope="repository:shop/api:pull"`)
						rw.WriteHeader(http.StatusUnauthorized)
						return
					}
					serve(rw, r)
				}
			}
			w.serve["/token"] = func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("scope") != "repository:shop/api:pull" || r.URL.Query().Get("service") != "registry.example.com" {
					rw.WriteHeader(http.StatusBadRequest)
				}
				io.WriteString(rw, `{"token": "t0", "expires_in": 300}`)
			}
		},
	} {
		w := newWorld(t)
		build(w)
		got := w.scan(scan.Settings{}, w.image("1.4"))
		if got.Packages != 1 || len(got.Vulnerabilities) != 2 || len(got.Problems) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAnImageWhoseSBOMCannotBeReadIsSaid(t *testing.T) {
	for name, tt := range map[string]struct {
		build func(w *world)
		want  string
	}{
		"no image": {func(*world) {}, "the registry has no such image"},
		"no SBOM":  {func(w *world) { w.keep("manifests", `{"layers": []}`, "1.4") }, "its registry keeps no SBOM of it; build with"},
		"private":  {func(w *world) { w.serve["/v2/shop/api/manifests/1.4"] = answer(401, "") }, "does not let everybody read (401)"},
		"down":     {func(w *world) { w.serve["/v2/shop/api/manifests/1.4"] = answer(503, "") }, "the registry answered 503"},
		"HTML":     {func(w *world) { w.serve["/v2/shop/api/manifests/1.4"] = answer(200, "<html>") }, "the registry answered a page in place of JSON"},
		"exchanged": {func(w *world) {
			image := w.keep("manifests", `{"layers": []}`, "1.4")
			other := w.attach("application/spdx+json", "", bom)
			w.serve["/v2/shop/api/referrers/"+image] = answer(200, `{"manifests": [{"digest": "`+other+`", "artifactType": "application/spdx+json"}]}`)
			sum := sha256.Sum256([]byte(bom))
			w.serve["/v2/shop/api/blobs/sha256:"+hex.EncodeToString(sum[:])] = answer(200, `{"bomFormat": "CycloneDX"}`)
		}, "answered another SBOM than its digest says"},
	} {
		w := newWorld(t)
		tt.build(w)
		got := w.scan(scan.Settings{}, w.image("1.4"))
		if len(got.Problems) != 1 || !strings.Contains(got.Problems[0], tt.want) || !strings.Contains(got.Problems[0], "/shop/api:1.4") {
			t.Errorf("%s: %q, want %q", name, got.Problems, tt.want)
		}
	}
}
