package docker

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// createBody is the body of POST /containers/create: a container's Config, and beside its
// fields HostConfig and NetworkingConfig.
type createBody struct {
	config     map[string]any
	host       map[string]any
	networking map[string]endpoint
	later      map[string]endpoint // networks to connect before it is started
}

// MarshalJSON writes it as the engine takes it.
func (b createBody) MarshalJSON() ([]byte, error) {
	all := maps.Clone(b.config)
	all["HostConfig"] = b.host
	if len(b.networking) > 0 {
		all["NetworkingConfig"] = map[string]any{"EndpointsConfig": b.networking}
	}
	return json.Marshal(all)
}

// like makes a container's double under another name, of the image with that id. It keeps
// every field that the engine reports, also those that this program does not know.
func like(c container, name, image, key string) createBody {
	b := createBody{config: maps.Clone(c.whole.Config), host: maps.Clone(c.whole.HostConfig)}
	if b.config == nil {
		b.config = map[string]any{}
	}
	b.config["Image"] = image
	labels := map[string]any{labelFix: key}
	for label, value := range c.Config.Labels {
		if label != labelFix {
			labels[label] = value
		}
	}
	b.config["Labels"] = labels
	mode := c.HostConfig.NetworkMode
	shares := strings.HasPrefix(mode, "container:")
	// The engine names a container after its id, and refuses a name of its own to one that
	// shares another's.
	if host, _ := b.config["Hostname"].(string); strings.HasPrefix(c.ID, host) || mode == "host" || shares || c.HostConfig.UTSMode == "host" {
		delete(b.config, "Hostname")
	}
	if shares {
		delete(b.config, "ExposedPorts")
	}
	if mode == "host" || mode == "none" || shares {
		return b
	}
	first := mode
	if first == "default" || first == "" {
		first = "bridge"
	}
	networks := c.NetworkSettings.Networks
	for _, network := range slices.Sorted(maps.Keys(networks)) {
		at := networks[network]
		at.Aliases = aliases(c, at.Aliases, name)
		if _, known := networks[first]; network == first || !known && b.networking == nil {
			b.networking = map[string]endpoint{network: at}
			continue
		}
		if b.later == nil {
			b.later = map[string]endpoint{}
		}
		b.later[network] = at
	}
	return b
}

// aliases are those that were configured: the engine adds the id, and Compose the name.
func aliases(c container, had []string, name string) (kept []string) {
	for _, alias := range had {
		switch {
		case strings.HasPrefix(c.ID, alias):
		case alias == c.Name:
			kept = append(kept, name)
		default:
			kept = append(kept, alias)
		}
	}
	return kept
}

// without takes away what a container has from its image, so that another image's own
// takes effect: a command of the old image need not exist in the new one.
func (b createBody) without(image map[string]any) createBody {
	own := func(field string) bool { return !reflect.DeepEqual(b.config[field], image[field]) }
	if !own("Entrypoint") {
		if !own("Cmd") {
			delete(b.config, "Cmd")
		}
		delete(b.config, "Entrypoint")
	}
	for _, field := range []string{"WorkingDir", "User", "StopSignal", "Healthcheck", "Shell", "OnBuild"} {
		if !own(field) {
			delete(b.config, field)
		}
	}
	if env, is := b.config["Env"].([]any); is {
		ofImage, _ := image["Env"].([]any)
		b.config["Env"] = slices.DeleteFunc(slices.Clone(env), func(v any) bool {
			return slices.ContainsFunc(ofImage, func(was any) bool { return reflect.DeepEqual(v, was) })
		})
	}
	for _, field := range []string{"Labels", "Volumes", "ExposedPorts"} {
		of, _ := image[field].(map[string]any)
		has, is := b.config[field].(map[string]any)
		if !is {
			continue
		}
		has = maps.Clone(has)
		maps.DeleteFunc(has, func(name string, value any) bool {
			was, there := of[name]
			return there && reflect.DeepEqual(was, value)
		})
		b.config[field] = has
	}
	return b
}

// keepVolumes hands the volumes without a name on, which a new container would get empty.
func (b createBody) keepVolumes(c container) createBody {
	binds := slices.Clone(c.HostConfig.Binds)
	for _, m := range c.Mounts {
		named := slices.ContainsFunc(c.HostConfig.Binds, func(bind string) bool {
			parts := strings.Split(bind, ":")
			return len(parts) > 1 && parts[1] == m.Destination
		})
		for _, mount := range c.HostConfig.Mounts {
			named = named || mount.Target == m.Destination
		}
		if m.Type == "volume" && m.Name != "" && !named {
			binds = append(binds, m.Name+":"+m.Destination)
		}
	}
	b.host["Binds"] = binds
	return b
}
