package rules

import (
	"slices"
	"sync"
)

// signatures are in order of priority: what explains another failure comes before it.
//
//  1. Memory. The kernel kills without regard to what the program was doing, so its word comes first; then the runtimes'
//     own; then the general "cannot allocate".
//  2. What a host runs out of: disk, open files. Either makes connections, databases and deployments fail.
//  3. A certificate that ran out, which shows as failing connections.
//  4. A release that cannot start: it explains the crash loop and the refused connections that follow.
//  5. The database refusing work, with its own words, before the timeouts that follow from it.
//  6. Being throttled, and names that do not resolve: both name their cause.
//  7. A crash loop: a symptom, but one that explains connections to the thing that loops.
//  8. Connections refused, reset, timed out: symptoms, the more definite first.
//
// They are made when they are first asked for: most functions link them and never do.
var signatures = sync.OnceValue(func() []signature {
	return slices.Concat(memory(), resources(), releases(), databases(), network())
})

// Fix ids of the catalogue.
const (
	restart           = "restart-service"
	scaleOut          = "scale-out"
	rollback          = "rollback-deployment"
	freeDisk          = "free-disk-space"
	renewCertificate  = "renew-certificate"
	flushDNS          = "flush-dns-cache"
	recycle           = "recycle-connections"
	reduceConcurrency = "reduce-concurrency"
)

var (
	oneInstanceMore = map[string]map[string]string{scaleOut: {"instances": "1"}}
	olderThanAWeek  = map[string]map[string]string{freeDisk: {"olderThanDays": "7"}}
	halfAsMuch      = map[string]map[string]string{reduceConcurrency: {"percent": "50"}}
)

func memory() []signature {
	return []signature{
		{
			name: "kernel-oom-kill",
			cause: "The Linux kernel killed the process because the machine or its container ran out of memory. A restart brings the " +
				"service back with its memory released; if it is killed again soon, it needs more memory or more instances to share the load.",
			fixes:      []string{restart, scaleOut},
			parameters: oneInstanceMore,
			confidence: 0.95,
			clues: slices.Concat(
				says("out of memory: killed process", "out of memory: kill process", "oom-kill:constraint=", "invoked oom-killer",
					"killed by the oom killer", "failed with result 'oom-kill'", "oom_reaper: reaped process", "systemd-oomd killed"),
				saysWith("oomkilled", `reason"?[:= ]+"?oomkilled|oomkilled"?[:= ]+"?true|\boomkilled\s+\d+|with oomkilled|\(oomkilled\)|was oomkilled|^\s*oomkilled\b|exit code 137`),
				saysWith("outofmemoryerror", `outofmemoryerror: container killed due to memory`),
			),
		},
		{
			name: "node-heap-oom",
			cause: "Node.js stopped because the JavaScript heap reached its limit and garbage collection freed nothing more. A restart empties " +
				"the heap and restores service; if it fills again, a leak came with a release: roll that back.",
			fixes:      []string{restart, rollback},
			confidence: 0.95,
			clues: says("javascript heap out of memory", "reached heap limit allocation failed", "ineffective mark-compacts near heap limit",
				"err_worker_out_of_memory", "runtime.outofmemory"),
		},
		{
			name: "jvm-oom",
			cause: "The Java virtual machine ran out of memory (heap, metaspace, direct buffers, or threads). After that error a JVM cannot be " +
				"trusted to go on; a restart gives it a clean one. If it comes back, more instances lower what each must hold.",
			fixes:      []string{restart, scaleOut, rollback},
			parameters: oneInstanceMore,
			confidence: 0.95,
			clues: slices.Concat(
				saysWithout(`container killed due to memory`, "java.lang.outofmemoryerror"),
				says("gc overhead limit exceeded", "there is insufficient memory for the java runtime environment"),
			),
		},
		{
			name: "go-oom",
			cause: "The Go runtime stopped the program because the operating system gave it no more memory. A restart releases what it held; " +
				"if it grows back, a leak came with a release: roll that back.",
			fixes:      []string{restart, rollback},
			confidence: 0.95,
			clues: says("fatal error: runtime: out of memory", "runtime: out of memory: cannot allocate", "fatal error: runtime: cannot allocate memory",
				"runtime: cannot allocate memory", "fatal error: out of memory"),
		},
		{
			name: "python-memory-error",
			cause: "Python could not allocate memory for what it was working on. A restart releases what the process held; if one large request " +
				"did it, fewer requests at a time leave room for it.",
			fixes:      []string{restart, reduceConcurrency},
			parameters: halfAsMuch,
			confidence: 0.9,
			clues: saysWith("memoryerror", `(?:^|[\s."'\[(])_?(?:array)?memoryerror(?:$|:|['")\]\s]*$)`+
				`|exceptions\._?arraymemoryerror|memoryerror: unable to allocate`),
		},
		{
			name: "process-out-of-memory",
			cause: "The operating system or the runtime refused the program memory it asked for. A restart releases what it held; if memory is " +
				"short again soon, the load needs more instances.",
			fixes:      []string{restart, scaleOut},
			parameters: oneInstanceMore,
			confidence: 0.8,
			clues: slices.Concat(
				says("cannot allocate memory", "std::bad_alloc", "system.outofmemoryexception", "nomemoryerror (failed to allocate memory)",
					"nomemoryerror: failed to allocate memory", "oom command not allowed when used memory > 'maxmemory'"),
				saysWith("memory allocation of", `memory allocation of \d+ bytes failed`),
				saysWith("allowed memory size of", `allowed memory size of \d+ bytes exhausted`),
				saysWith("out of memory", `error:  out of memory|sqlstate 53200|error: spawn enomem|enomem`),
				saysWith("enomem", `\benomem\b`),
			),
		},
	}
}

func resources() []signature {
	return []signature{
		{
			name: "disk-full",
			cause: "A disk is full, so writes fail: logs, temporary files, database pages. Deleting old logs and temporary files makes room at " +
				"once; after that, find what filled it.",
			fixes:      []string{freeDisk},
			parameters: olderThanAWeek,
			confidence: 0.95,
			clues: slices.Concat(
				saysWithout(`file watchers|inotify|shared memory`, "no space left on device", "enospc"),
				says("disk quota exceeded", "there is not enough space on the disk", "disk full (", "database or disk is full",
					"node has diskpressure", "nodehasdiskpressure", "node was low on resource: ephemeral-storage",
					"node had condition: [diskpressure]", "fails to write to disk: disk full", "ora-01653", "err_disk_full"),
				saysWith("disk watermark", `(?:flood stage|flood-stage|high) disk watermark.*exceeded`),
				saysWith("misconf", `misconf .*(?:unable to|able to) persist (?:to|on) disk`),
			),
		},
		{
			name: "too-many-open-files",
			cause: "The process reached its limit of open files and sockets, so it can accept or open nothing more; usually it leaks them. A " +
				"restart closes all of them. Fewer requests at a time keep it below the limit meanwhile.",
			fixes:      []string{restart, reduceConcurrency},
			parameters: halfAsMuch,
			confidence: 0.95,
			clues: slices.Concat(
				saysWithout(`connection refused because`, "too many open files"),
				saysWith("emfile", `\bemfile\b`),
				saysWith("enfile", `\benfile\b`),
				saysWith("file-max limit", `file-max limit \d+ reached`),
			),
		},
		{
			name:  "tls-certificate-expired",
			cause: "A TLS certificate has expired, so clients refuse the connection. Renewing it lets them connect again; nothing else has to change.",
			fixes: []string{renewCertificate},
			// A certificate that is not valid yet is a wrong clock, which no renewal mends: Go's text tells by the order.
			confidence: 0.95,
			clues: slices.Concat(
				saysWithout(`is before 20\d\d|expired["']?\s*[:=]\s*false`, "certificate has expired", "certificate is expired", "certificate expired", "cert_has_expired",
					"expired certificate", "certificateexpiredexception", "expired_cert", "cert_expired", "certificate_expired",
					"err_cert_date_invalid", "ssl alert number 45"),
				saysWith("the certificate is not valid", `not valid .*\bexpired`),
				saysWith("validity check failed", `java\.security\.cert|certpathvalidator`),
			),
		},
	}
}

func releases() []signature {
	return []signature{
		{
			name: "bad-deployment",
			cause: "The running release cannot start or does not fit its surroundings: an image, module, library, setting or database column is " +
				"missing or of the wrong kind. Restarting changes nothing; going back to the release before restores service.",
			fixes:      []string{rollback},
			confidence: 0.85,
			clues: slices.Concat(
				says("imagepullbackoff", "errimagepull", "errimageneverpull", "invalidimagename", "createcontainerconfigerror", "manifest unknown",
					"exceeded its progress deadline", "progressdeadlineexceeded", "deployment circuit breaker", "cannotpullcontainererror",
					"exec format error", "modulenotfounderror: no module named", "importmoduleerror", "runtime.handlernotfound",
					"unsupportedclassversionerror", "java.lang.nosuchmethoderror", "java.lang.noclassdeffounderror", "symbol lookup error:", "importerror: cannot import name",
					"error while loading shared libraries", "err_module_not_found", "missing required environment variable",
					"could not find or load main class", "application failed to start", "org.flywaydb.core.api.exception.flywayvalidateexception"),
				saysWith("cannot find module '", `\berror: cannot find module '`),
				saysWith("version `glibc", "' not found"),
				saysWith("does not exist", `error:\s+(?:column|relation) .* does not exist|sqlstate 42(?:p01|703)`),
				saysWith("unknown column", `unknown column '.*' in '(?:field list|where clause|order clause|on clause)'`),
				saysWith("no such file or directory", `exec: ".*": stat .*: no such file or directory|oci runtime create failed`),
				saysWith("executable file not found in $path", `oci runtime|runc|starting container|container process`),
			),
		},
	}
}
