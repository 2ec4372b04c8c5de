package rules

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Address, as Rule.Whose, leaves it to the line: a refused connection to port 6379 is redis's trouble, one to the
// service's own probe its own.
const Address = "address"

// Elsewhere, as Match.Whose, is a program that the line does not make known.
const Elsewhere = "other"

// kind is a sort of thing that a service may depend on: how it shows in a line or in the name of a service.
type kind struct {
	ports []string
	words []string // what a name or a driver's package begins with
}

// kinds are those whose trouble a rule may say it is. They are asked for at every match.
var kinds = sync.OnceValue(func() map[string]kind {
	return map[string]kind{
		"postgres":      {[]string{"5432", "6432"}, []string{"postgres", "pgbouncer", "psycopg", "pgx", "npgsql", "pgpool", "pq", "pg"}},
		"mysql":         {[]string{"3306"}, []string{"mysql", "mariadb", "pymysql", "galera"}},
		"sqlserver":     {[]string{"1433"}, []string{"sqlserver", "mssql", "sqlclient"}},
		"oracle":        {[]string{"1521"}, []string{"oracle", "ora-"}},
		"mongodb":       {[]string{"27017", "27018", "27019"}, []string{"mongo", "pymongo"}},
		"redis":         {[]string{"6379", "6380", "26379"}, []string{"redis", "ioredis", "jedis", "lettuce", "valkey", "elasticache"}},
		"memcached":     {[]string{"11211"}, []string{"memcache"}},
		"kafka":         {[]string{"9092", "9093", "9094"}, []string{"kafka", "rdkafka", "msk"}},
		"rabbitmq":      {[]string{"5672", "5671", "15672"}, []string{"rabbit", "amqp", "pika"}},
		"elasticsearch": {[]string{"9200", "9300"}, []string{"elastic", "opensearch"}},
		"cassandra":     {[]string{"9042"}, []string{"cassandra", "scylla"}},
		"zookeeper":     {[]string{"2181"}, []string{"zookeeper"}},
		"etcd":          {[]string{"2379"}, []string{"etcd"}},
		"dns":           {[]string{"53"}, []string{"dns", "resolver", "coredns"}},
		"mail":          {[]string{"25", "465", "587"}, []string{"smtp", "mail"}},
		"aws":           {nil, []string{"aws", "amazonaws", "dynamodb", "sqs", "sns", "s3", "bedrock"}},
		"gcp":           {nil, []string{"gcp", "googleapis", "pubsub"}},
		"azure":         {nil, []string{"azure", "windows.net"}},
		"kubernetes":    {[]string{"6443"}, []string{"kube", "k8s", "apiserver", "cluster"}},
		"node":          {nil, []string{"node"}},
		"registry":      {nil, []string{"registry", "docker", "ecr", "gcr", "ghcr"}},
		"identity":      {nil, []string{"auth", "oauth", "oidc", "keycloak", "okta", "sso", "idp", "ldap", "vault"}},
		"proxy":         {nil, []string{"nginx", "haproxy", "envoy", "proxy", "gateway", "ingress", "istio"}},
		"storage":       {nil, []string{"storage", "nfs", "efs", "ebs", "ceph", "minio", "volume"}},
		"network":       {nil, []string{"network", "vpn", "firewall"}},
		"third-party":   {nil, []string{"stripe", "twilio", "sendgrid", "paypal", "payment", "openai"}},
		"upstream":      {nil, nil},
		"database":      {nil, []string{"database", "rds", "aurora", "sql", "db"}},
	}
})

// kindNames are their names, sorted.
var kindNames = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(kinds())) })

// Kinds returns the names that Rule.Whose may have beside Self and Address, sorted.
func Kinds() []string { return slices.Clone(kindNames()) }

// sql are the kinds that a service named orders-db may be.
func sql() []string {
	return []string{"postgres", "mysql", "sqlserver", "oracle", "mongodb", "cassandra", "database"}
}

// whose says whose trouble a match is. The latest line that counts decides.
func (m *Match) whose(in Input) (whose, dependency string) {
	shown := m.shown()
	if other := elsewhere(shown); other != "" {
		if slices.Contains(in.DependsOn, other) {
			return kindOf(other), other
		}
		return kindOf(other), ""
	}
	line := strings.ToLower(shown[len(shown)-1].Line)
	switch m.Rule.Whose {
	case Self:
		return Self, ""
	case Address:
		whose, dependency = addressed(line, in.DependsOn)
	default:
		whose, dependency = m.Rule.Whose, listed(m.Rule.Whose, line, in.DependsOn)
	}
	if own := kindOf(in.Service); dependency == "" && own == whose && own != Elsewhere {
		return Self, "" // redis's trouble, and this is the redis
	}
	return whose, dependency
}

// elsewhere returns the service that all hits are about, if it is not the incident's own.
func elsewhere(hits []Hit) string {
	for _, h := range hits {
		if h.service == "" {
			return ""
		}
	}
	return hits[0].service
}

var target = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:(localhost|127\.0\.0\.1|\[::1\]|::1|0\.0\.0\.0)|([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\]))(?:"?, port |[:/])(\d{2,5})\b`)
})

// ownCheck finds that it is the platform that connects, to this service.
var ownCheck = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:readiness|liveness|startup) probe|health[ -]?check|upstream: "https?://|while connecting to upstream|connect\(\) failed|no live upstreams|backend .* is down`)
})

// addressed says whose trouble a connection is that failed, by what the line says of its other end.
func addressed(line string, dependsOn []string) (whose, dependency string) {
	if ownCheck().MatchString(line) {
		return Self, ""
	}
	all := kinds()
	local := false
	for _, found := range target().FindAllStringSubmatch(line, 8) {
		for _, name := range kindNames() {
			if slices.Contains(all[name].ports, found[3]) {
				return name, listed(name, line, dependsOn)
			}
		}
		local = local || found[1] != ""
	}
	for _, name := range dependsOn {
		if hasWord(line, strings.ToLower(name)) {
			return kindOf(name), name
		}
	}
	words := strings.FieldsFunc(line, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' })
	for _, name := range kindNames() {
		if slices.ContainsFunc(words, func(w string) bool { return isKind(w, all[name].words) }) {
			return name, listed(name, line, dependsOn)
		}
	}
	if local {
		return Self, ""
	}
	return Elsewhere, ""
}

// listed returns the service of dependsOn that is of a kind: the one that the line names, else the only one.
func listed(kind, line string, dependsOn []string) string {
	var fit []string
	for _, name := range dependsOn {
		of := kindOf(name)
		same := of == kind || of == "database" && slices.Contains(sql(), kind)
		if hasWord(line, strings.ToLower(name)) {
			return name
		}
		if same {
			fit = append(fit, name)
		}
	}
	if len(fit) == 1 {
		return fit[0]
	}
	return ""
}

// kindOf returns what the name of a service says it is, or Elsewhere.
func kindOf(service string) string {
	words := strings.FieldsFunc(strings.ToLower(service), func(c rune) bool { return c == '-' || c == '_' || c == '.' || c == '/' })
	all := kinds()
	for _, name := range kindNames() {
		if name != "database" && slices.ContainsFunc(words, func(w string) bool { return isKind(w, all[name].words) }) {
			return name
		}
	}
	if slices.ContainsFunc(words, func(w string) bool { return isKind(w, all["database"].words) }) {
		return "database"
	}
	return Elsewhere
}

// isKind reports whether a word is one of these: a short one in full, a long one by how it begins.
func isKind(word string, begins []string) bool {
	return slices.ContainsFunc(begins, func(b string) bool { return word == b || len(b) > 4 && strings.HasPrefix(word, b) })
}

// hasWord reports whether the line has the name, and not as part of a longer one.
func hasWord(line, name string) bool {
	for from := 0; name != ""; {
		n := strings.Index(line[from:], name)
		if n < 0 {
			return false
		}
		at := from + n
		if !wordByte(line, at-1) && !wordByte(line, at+len(name)) {
			return true
		}
		from = at + len(name)
	}
	return false
}

func wordByte(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i] >= '0' && s[i] <= '9' || s[i] == '_' || s[i] == '-')
}
