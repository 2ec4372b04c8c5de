package docker

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// image is what is read of GET /images/{name}/json.
type image struct {
	ID                    string `json:"Id"`
	RepoTags, RepoDigests []string
	Created               time.Time
	Config                map[string]any
}

// name is what people know the image by.
func (i image) name() string {
	for _, all := range [][]string{i.RepoTags, i.RepoDigests} {
		if len(all) > 0 {
			return slices.Min(all)
		}
	}
	return "an image without a name"
}

func (s session) image(ctx context.Context, name string) (i image, err error) {
	if err := s.get(ctx, (&url.URL{Path: "/images/" + name + "/json"}).EscapedPath(), "image "+shown(name), &i); err != nil {
		return i, err
	}
	if i.ID == "" {
		return i, unreadable("image " + shown(name))
	}
	return i, nil
}

// previous is the image that a rollback runs.
func (e *Executor) previous(ctx context.Context, s session, present image, configured string) (image, error) {
	name := e.set.PreviousImage
	if name == "" {
		var err error
		if name, err = s.nextOlder(ctx, present, configured); err != nil {
			return image{}, err
		}
	}
	found, err := s.image(ctx, name)
	switch {
	case err != nil:
		return image{}, err
	case found.ID == present.ID:
		return image{}, incident.Bad(
			"%s, the image to go back to, is the one that runs; let each deployment tag the image that ran before", shown(name))
	}
	return found, nil
}

// nextOlder returns the id of the newest local image of the repository that is older than
// the present one. Dates are those of the images' making, and the engine gives seconds.
func (s session) nextOlder(ctx context.Context, present image, configured string) (string, error) {
	repo, err := repository(present, configured)
	if err != nil {
		return "", err
	}
	var all []struct {
		ID      string `json:"Id"`
		Created int64
	}
	if err := s.get(ctx, query("/images/json", "filters", filters("reference", repo)), "the images of "+shown(repo), &all); err != nil {
		return "", err
	}
	var id string
	var newest int64
	same := false
	for _, i := range all {
		switch {
		case i.ID == present.ID || i.Created >= present.Created.Unix() || i.Created < newest:
		case i.Created == newest:
			same = true
		default:
			id, newest, same = i.ID, i.Created, false
		}
	}
	switch {
	case id == "":
		return "", incident.Fail(incident.NotFound, incident.CodeNotFound,
			"no image of %s on this machine is older than the one that runs; "+
				"Docker keeps no history: keep the image before, or name it by previousImage of the target", shown(repo))
	case same:
		return "", incident.Bad(
			"two images of %s are equally old, so it is not known which ran before; "+
				"name it by previousImage of the target", shown(repo))
	}
	return id, nil
}

// repository is that of the name with which the container was made, or of the image where
// it was made by an id.
func repository(present image, configured string) (string, error) {
	const shortID = 12
	names, bare := []string{configured}, strings.TrimPrefix(configured, "sha256:")
	byID := len(bare) >= shortID && strings.HasPrefix(strings.TrimPrefix(present.ID, "sha256:"), bare)
	if byID || configured == "" {
		names = slices.Concat(present.RepoTags, present.RepoDigests)
	}
	repos := map[string]bool{}
	for _, name := range names {
		name, _, _ = strings.Cut(name, "@")
		if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
			name = name[:colon]
		}
		name = strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
		if name != "" && name != "<none>" {
			repos[name] = true
		}
	}
	if len(repos) != 1 {
		return "", incident.Bad(
			"the image that runs has no name, or names of %d repositories, so it is not known which ran before; "+
				"name it by previousImage of the target", len(repos))
	}
	return slices.Collect(maps.Keys(repos))[0], nil
}
