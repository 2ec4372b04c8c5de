package awsfake

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// request finds the operation that a request is, and reads its input.
func (m model) request(r *http.Request, body []byte) (op operation, in map[string]any, err error) {
	in = map[string]any{}
	switch m.Metadata.Protocol {
	case "json":
		prefix, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if prefix != m.Metadata.TargetPrefix || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || r.URL.Path != "/" {
			return op, nil, fmt.Errorf("the target %s is not %s's", r.Header.Get("X-Amz-Target"), m.Metadata.TargetPrefix)
		}
		op = m.Operations[name]
		err = json.Unmarshal(body, &in)
	case "query", "ec2":
		form, broken := url.ParseQuery(string(body))
		if broken != nil || form.Get("Version") != m.Metadata.Version {
			return op, nil, fmt.Errorf("the version is %q and not %s", form.Get("Version"), m.Metadata.Version)
		}
		op = m.Operations[form.Get("Action")]
		form.Del("Action")
		form.Del("Version")
		if op.Name != "" {
			if v := m.fromForm(op.Input.Shape, "", form); v != nil {
				in, _ = v.(map[string]any)
			}
		}
		for left := range form {
			return op, in, fmt.Errorf("%s has no parameter %s", op.Name, left)
		}
	case "rest-json":
		return m.fromPath(r, body)
	}
	if op.Name == "" && err == nil {
		err = fmt.Errorf("an operation that the model does not have")
	}
	return op, in, err
}

// fromForm reads a shape out of the parameters with a prefix, and takes those that it used.
func (m model) fromForm(name, prefix string, form url.Values) any {
	s := m.Shapes[name]
	ec2 := m.Metadata.Protocol == "ec2"
	switch s.Type {
	case "structure":
		found := map[string]any{}
		if prefix != "" {
			prefix += "."
		}
		for field, inner := range s.Members {
			as := field
			switch {
			case inner.QueryName != "":
				as = inner.QueryName
			case inner.LocationName != "" && ec2:
				as = strings.ToUpper(inner.LocationName[:1]) + inner.LocationName[1:]
			case inner.LocationName != "":
				as = inner.LocationName
			}
			if v := m.fromForm(inner.Shape, prefix+as, form); v != nil {
				found[field] = v
			}
		}
		if len(found) == 0 {
			return nil
		}
		return found
	case "list":
		if !ec2 {
			as := s.Member.LocationName
			if as == "" {
				as = "member"
			}
			prefix += "." + as
		}
		var all []any
		for n := 1; ; n++ {
			v := m.fromForm(s.Member.Shape, prefix+"."+strconv.Itoa(n), form)
			if v == nil {
				break
			}
			all = append(all, v)
		}
		if all == nil {
			return nil
		}
		return all
	}
	return scalar(s, form, prefix)
}

func scalar(s shape, form url.Values, name string) any {
	if !form.Has(name) {
		return nil
	}
	text := form.Get(name)
	form.Del(name)
	switch s.Type {
	case "integer", "long":
		if n, err := strconv.Atoi(text); err == nil {
			return float64(n)
		}
	case "boolean":
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	}
	return text
}

func (m model) fromPath(r *http.Request, body []byte) (operation, map[string]any, error) {
	for _, op := range m.Operations {
		in, ok := match(op.HTTP.URI, r.URL.Path)
		if !ok || r.Method != op.HTTP.Method {
			continue
		}
		if len(body) > 0 {
			if err := json.Unmarshal(body, &in); err != nil {
				return op, nil, err
			}
		}
		for field, values := range r.URL.Query() {
			in[field] = values[0]
			if n, err := strconv.Atoi(values[0]); err == nil && m.Shapes[m.Shapes[op.Input.Shape].Members[field].Shape].Type == "integer" {
				in[field] = float64(n)
			}
		}
		return op, in, nil
	}
	return operation{}, nil, fmt.Errorf("%s %s is no operation of the model", r.Method, r.URL.Path)
}

func match(pattern, path string) (map[string]any, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	in := map[string]any{}
	if len(want) != len(got) {
		return nil, false
	}
	for i := range want {
		if name, ok := strings.CutPrefix(want[i], "{"); ok {
			in[strings.TrimSuffix(name, "}")] = got[i]
		} else if want[i] != got[i] {
			return nil, false
		}
	}
	return in, true
}

// answer writes an output as the protocol has it.
func (m model) answer(w http.ResponseWriter, op operation, out map[string]any) {
	switch m.Metadata.Protocol {
	case "json", "rest-json":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // to a caller that may be gone
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<%sResponse xmlns=%q>`, op.Name, m.Metadata.Namespace)
	if op.Output.Wrapper != "" {
		fmt.Fprintf(&b, "<%s>", op.Output.Wrapper)
	}
	m.toXML(&b, op.Output.Shape, "", "", out)
	if op.Output.Wrapper != "" {
		fmt.Fprintf(&b, "</%s>", op.Output.Wrapper)
	}
	fmt.Fprintf(&b, "</%sResponse>", op.Name)
	w.Header().Set("Content-Type", "text/xml")
	_, _ = w.Write([]byte(b.String()))
}

func (m model) toXML(b *strings.Builder, name, tag, itemTag string, value any) {
	s := m.Shapes[name]
	begin, end := "<"+tag+">", "</"+tag+">"
	if tag == "" {
		begin, end = "", ""
	}
	b.WriteString(begin)
	switch v := value.(type) {
	case map[string]any:
		for _, field := range slices.Sorted(maps.Keys(v)) {
			inner := s.Members[field]
			as := field
			if inner.LocationName != "" {
				as = inner.LocationName
			}
			m.toXML(b, inner.Shape, as, "", v[field])
		}
	case []any:
		as := s.Member.LocationName
		if as == "" {
			as = "member"
		}
		for _, one := range v {
			m.toXML(b, s.Member.Shape, as, "", one)
		}
	default:
		_ = xml.EscapeText(b, []byte(fmt.Sprint(v))) // to memory
	}
	b.WriteString(end)
}

// fail writes an error as the protocol has it.
func (m model) fail(w http.ResponseWriter, f Fault) {
	const words = "the vendor's own words"
	switch m.Metadata.Protocol {
	case "json":
		w.WriteHeader(f.Status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.service#%s","message":%q}`, f.Code, words)
	case "rest-json":
		w.Header().Set("X-Amzn-Errortype", f.Code+":http://internal.amazon.com/")
		w.WriteHeader(f.Status)
		fmt.Fprintf(w, `{"Type":"User","message":%q}`, words)
	case "ec2":
		w.WriteHeader(f.Status)
		fmt.Fprintf(w, "<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>1</RequestID></Response>",
			f.Code, words)
	default:
		w.WriteHeader(f.Status)
		fmt.Fprintf(w, `<ErrorResponse xmlns=%q><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error>`+
			`<RequestId>1</RequestId></ErrorResponse>`, m.Metadata.Namespace, f.Code, words)
	}
}
