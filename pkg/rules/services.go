package rules

import "slices"

func databases() []signature {
	return []signature{
		{
			name: "database-too-many-connections",
			cause: "The database, or the pool in front of it, has no connection left to give. Recycling the service's connections returns those " +
				"that are idle or leaked; working on less at a time keeps it from taking them all again.",
			fixes:      []string{recycle, reduceConcurrency},
			parameters: halfAsMuch,
			confidence: 0.9,
			clues: slices.Concat(
				says("too many clients already", "remaining connection slots are reserved", "too many connections for role",
					"too many connections for database", "er_con_count_error", "er_too_many_user_connections", "no more connections allowed (max_client_conn)",
					"max number of clients reached", "timed out fetching a new connection from the connection pool", "the pool is probably full",
					"cannot get a connection, pool error", "connection refused because too many open connections", "resourcerequest timed out",
					"has exceeded the 'max_user_connections' resource", "all pooled connections were in use and max pool size was reached",
					"ora-00018", "ora-12519", "ora-12516", "timeout exceeded when trying to connect", "could not obtain a database connection within"),
				saysWith("too many connections", `error 1040|\b1040\b.*too many connections|(?:error|exception|fatal|warning|failed)[^a-z].*too many connections`),
				saysWith("queuepool limit of size", `queuepool limit of size \d+ overflow \d+ reached`),
				saysWith("connection is not available, request timed out after", `pool`),
				saysWith("53300", `\b53300\b.*(?:connection|too_many)|(?:sqlstate|code)['":= ]+53300`),
			),
		},
		{
			name: "database-deadlock",
			cause: "Transactions in the database locked each other out, and it gave one of them up to let the others go on. Less work at a time " +
				"makes them meet less often; if it keeps happening, two code paths take their locks in different orders.",
			fixes:      []string{reduceConcurrency, recycle},
			parameters: halfAsMuch,
			confidence: 0.9,
			clues: slices.Concat(
				says("deadlock found when trying to get lock", "er_lock_deadlock", "chosen as the deadlock victim", "ora-00060",
					"lock wait timeout exceeded; try restarting transaction", "deadlockloserdataaccessexception", "latest detected deadlock"),
				saysWith("deadlock detected", `error|fatal|exception|failed|40p01|postgres|sqlstate`),
				saysWith("40p01", `\b40p01\b`),
				saysWith("deadlocked on", `transaction \(process id \d+\) was deadlocked on`),
			),
		},
		{
			name: "process-deadlock",
			cause: "The program's own threads wait for each other and none goes on. Only a restart frees it; the stack traces in the log say " +
				"which locks to look at.",
			fixes:      []string{restart, rollback},
			confidence: 0.9,
			clues:      says("all goroutines are asleep - deadlock!", "found one java-level deadlock", "found 1 deadlock."),
		},
	}
}

func network() []signature {
	return []signature{
		{
			name: "rate-limited",
			cause: "Requests are turned away because there are more of them than a limit allows, at a service that this one calls or at its own " +
				"door. Doing less at a time brings the rate under the limit; then they go through again.",
			fixes:      []string{reduceConcurrency},
			parameters: halfAsMuch,
			confidence: 0.85,
			clues: slices.Concat(
				says("throttlingexception", "throttling: rate exceeded", "toomanyrequestsexception", "provisionedthroughputexceededexception",
					"requestlimitexceeded", "too many requests", "please reduce your request rate", "rate limit exceeded", "rate_limit_exceeded",
					"ratelimitexceeded", "ratelimiterror", "rate limit reached for", "exceeded your current quota", "limiting requests, excess:",
					"requestthrottled", "throttlederror", "you are being rate limited", "secondary rate limit", "rejected by rate limit",
					"ratelimited: ", "transactioninprogressexception: throttl"),
				saysWithout(`larger than max|message size`, "resource_exhausted", "code = resourceexhausted"),
				saysWith("quota exceeded", `quota exceeded for (?:quota )?(?:metric|group|limit|project)`),
				saysWith("429", `(?:status(?: ?code)?|http(?:/[0-9.]+)?|code|response)["']?\s*(?:[:=]|is|of)?\s*["']?429\b|\b429 too many|" 429 \d`),
			),
		},
		{
			name: "dns-failure",
			cause: "A host name cannot be resolved, so nothing behind it can be reached. Flushing the cache drops a stale or negative answer; if " +
				"the name still fails, the resolver or the record itself is at fault.",
			fixes:      []string{flushDNS, restart},
			confidence: 0.85,
			clues: slices.Concat(
				says("getaddrinfo enotfound", "getaddrinfo eai_again", "eai_again", "temporary failure in name resolution", "name or service not known",
					"java.net.unknownhostexception", "could not resolve host", "nodename nor servname provided", "no servers could be reached",
					"host not found in upstream", "failed to resolve host", "failed to resolve '", "server can't find", "no such host is known",
					"err_name_not_resolved", "curl: (6)", "the remote name could not be resolved"),
				saysWith("no such host", `\blookup .*no such host|: no such host`),
				saysWith("lookup ", `\blookup \S+(?: on \S+)?: (?:i/o timeout|server misbehaving|read udp .*|.*no answer from dns server)`),
				saysWith("could not be resolved", `could not be resolved \(\d+:`),
				saysWith("servfail", `\bservfail\b.*(?:resolv|dns|query|lookup)|(?:resolv|dns|query|lookup).*\bservfail\b|status: servfail`),
				saysWith("nxdomain", `status: nxdomain|(?:resolv|lookup|dns)\S*.*\bnxdomain\b`),
			),
		},
		{
			name: "crash-loop",
			cause: "The service starts, fails and is started again, over and over. If a release came just before, going back to the one before it " +
				"restores service; otherwise its first lines after a start say what it lacks.",
			fixes:      []string{rollback, restart},
			confidence: 0.7,
			clues: slices.Concat(
				says("crashloopbackoff", "back-off restarting failed container", "start request repeated too quickly", "start-limit-hit",
					"too many start retries too quickly", "too many unstable restarts", "respawning too fast", "is restarting, wait until the container is running"),
				saysWith("back-off ", `back-off \d+m?\d+s restarting failed container`),
				// systemd counts every restart; one or two are no loop.
				saysWith("restart counter is at", `restart counter is at (?:[3-9]|\d\d+)\b`),
			),
		},
		{
			name: "connection-refused",
			cause: "Nothing listens where this service connects to: the other side is down, still starting, or bound elsewhere. Restarting it " +
				"brings the listener back; if it does not stay up, its last release is suspect.",
			fixes:      []string{restart, rollback},
			confidence: 0.7,
			clues: slices.Concat(
				says("econnrefused", "connection refused", "actively refused it", "connectionrefusederror", "could not connect to server: connection refused",
					"err_connection_refused"),
				saysWith("no live upstreams", `while connecting to upstream`),
			),
		},
		{
			name: "connection-reset",
			cause: "Connections that were open are cut off by the other side or by something between. Recycling them drops those that are already " +
				"dead in the pool, so that the next request does not take one.",
			fixes:      []string{recycle, restart},
			confidence: 0.6,
			clues: slices.Concat(
				says("econnreset", "socket hang up", "connectionreseterror",
					"upstream prematurely closed connection", "server closed the connection unexpectedly", "mysql server has gone away",
					"lost connection to mysql server during query", "terminating connection due to administrator command", "forcibly closed by the remote host",
					"remote end closed connection without response", "connection was closed by the peer", "write: broken pipe"),
				saysWith("epipe", `\bepipe\b`),
				saysWith("connection reset", `connection reset(?: by peer|$|[^a-z0-9\s_])`),
			),
		},
		{
			name: "connection-timed-out",
			cause: "Connections or answers take longer than the service waits: the other side is overloaded, hung or cut off. One more instance " +
				"takes load off; a restart frees one that hangs.",
			fixes:      []string{scaleOut, restart, recycle},
			parameters: oneInstanceMore,
			confidence: 0.5,
			clues: slices.Concat(
				says("etimedout", "esockettimedout", "connection timed out", "connect timed out", "read timed out",
					"sockettimeoutexception", "connecttimeouterror", "connecttimeoutexception", "readtimeouterror", "context deadline exceeded",
					"client.timeout exceeded", "upstream timed out", "504 gateway time", "i/o timeout", "err_connection_timed_out", "connection attempt timed out",
					"und_err_connect_timeout", "und_err_headers_timeout", "upstream request timeout", "the operation has timed out",
					"canceling statement due to statement timeout", "serverselectiontimeouterror", "deadline_exceeded"),
				saysWith("connection timeout", `error|fail|exception|fatal|unable|could not`),
				saysWith("task timed out after", `task timed out after \d`),
			),
		},
	}
}
