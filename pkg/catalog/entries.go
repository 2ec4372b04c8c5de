package catalog

// entries is the catalogue itself. It is a function, so that every caller gets
// its own copy and no caller can change what another sees.
func entries() []Fix {
	return []Fix{
		{
			ID: "restart-service", Title: "Restart the service", Risk: RiskMedium,
			Sentence:     "Restart {service}",
			Description:  "Stops and starts the service's processes, one after another where there are several. Helps against leaks, deadlocks and stuck workers; requests in flight may fail.",
			Verification: "every process was started after the fix began, and the health check passes",
		},
		{
			ID: "scale-out", Title: "Add instances", Risk: RiskMedium,
			Sentence:    "Add {instances:instance:instances} to {service}",
			Description: "Adds instances to the service. Helps when load is higher than the present ones can carry; it costs money until somebody scales in again.",
			Params: []Param{{Name: "instances", Kind: KindInteger, Min: 1, Max: 5, Default: 1,
				Description: "how many instances to add"}},
			Verification: "the added instances are in service, and the health check passes",
		},
		{
			ID: "rollback-deployment", Title: "Roll back the last deployment", Risk: RiskHigh,
			Sentence:     "Roll {service} back to the version before the last deployment",
			Description:  "Deploys the version that ran before the last deployment. Helps when the trouble began with it; what that deployment brought is gone again.",
			Verification: "the version before runs everywhere, and the health check passes",
		},
		{
			ID: "free-disk-space", Title: "Free disk space", Risk: RiskMedium,
			Sentence:    "Delete temporary files and rotated logs older than {olderThanDays:day:days} on {service}",
			Description: "Deletes temporary files and rotated logs of a certain age. Helps when a disk is full; what was deleted does not come back.",
			Params: []Param{{Name: "olderThanDays", Kind: KindInteger, Min: 1, Max: 30, Default: 7,
				Description: "how old a file must be to be deleted, in days"}},
			Verification: "less than 90 percent of the disk is used",
		},
		{
			ID: "renew-certificate", Title: "Renew the TLS certificate", Risk: RiskLow,
			Sentence:     "Renew the TLS certificate of {service}",
			Description:  "Orders a new TLS certificate for the same names and installs it. Helps when the present one has expired or is about to.",
			Verification: "the certificate that is served verifies and is good for at least 14 days",
		},
		{
			ID: "flush-dns-cache", Title: "Flush the DNS cache", Risk: RiskLow,
			Sentence:     "Flush the DNS cache of {service}",
			Description:  "Drops the cached DNS answers. Helps when an address changed and the old one is still used.",
			Verification: "the names of what the service depends on resolve",
		},
		{
			ID: "recycle-connections", Title: "Recycle connections", Risk: RiskLow,
			Sentence:     "Close and reopen the pooled connections of {service}",
			Description:  "Closes idle pooled connections to databases and other services and lets the pool open new ones. Helps when a pool is exhausted or holds dead connections.",
			Verification: "the pool has free connections, and the health check passes",
		},
		{
			ID: "reduce-concurrency", Title: "Reduce concurrency", Risk: RiskMedium,
			Sentence:    "Reduce the concurrency of {service} by {percent} percent",
			Description: "Lowers how many requests or jobs the service works on at once. Helps when it overloads what it depends on, or is throttled; callers wait longer.",
			Params: []Param{{Name: "percent", Kind: KindInteger, Min: 10, Max: 90, Default: 50,
				Description: "by how many percent to lower it"}},
			Verification: "the lower limit is in force, and the health check passes",
		},
		{
			ID: "replace-instance", Title: "Replace an instance", Risk: RiskMedium,
			Sentence:     "Replace the least healthy instance of {service}",
			Description:  "Removes the one instance that is worst off and lets the platform start another in its place. Helps when one of several instances is stuck; what it was working on is lost.",
			Verification: "the removed instance is gone, as many are in service as before, and the health check passes",
		},
		{
			ID: "cordon-node", Title: "Cordon the node", Risk: RiskMedium,
			Sentence:     "Keep new work off the node on which the least healthy instance of {service} runs",
			Description:  "Marks the node so that nothing new is placed on it; what runs there goes on. Helps when a node is at fault and not the service.",
			Verification: "the node takes no new work",
		},
		{
			ID: "fail-over", Title: "Fail over to the standby", Risk: RiskHigh,
			Sentence:     "Fail {service} over to its standby",
			Description:  "Makes the standby the primary. Helps when the present primary is at fault; connections break, and what was not replicated may be lost.",
			Verification: "another member is the primary and available, and the health check passes",
		},
		{
			ID: "sync-deployment", Title: "Sync with what is declared", Risk: RiskMedium,
			Sentence:     "Bring {service} back to what is declared for it",
			Description:  "Applies the declared state again. Helps when what runs has drifted from what is declared; changes made by hand are gone again.",
			Verification: "what runs is what is declared and is healthy",
		},
		{
			ID: "revert-change", Title: "Revert the last merged change", Risk: RiskHigh,
			Sentence:     "Open a pull request that reverts the last change merged into {service}",
			Description:  "Opens a pull request that takes the last merged change back. It does not merge it: the repository's own rules decide.",
			Verification: "the pull request is open",
		},
		{
			ID: "rerun-workflow", Title: "Run the deployment workflow again", Risk: RiskMedium,
			Sentence:     "Run the failed jobs of the last workflow run of {service} again",
			Description:  "Runs the jobs that failed in the last run of the workflow that services.yaml names. Helps when a deployment stopped halfway for a reason that has passed.",
			Verification: "the run ends with success",
		},
		{
			ID: "run-runbook", Title: "Run the runbook", Risk: RiskHigh,
			Sentence:     "Run the runbook that services.yaml names for {service}",
			Description:  "Starts the one runbook that services.yaml names, in the system that keeps it, with no input but the incident's id. What it does is that system's to say.",
			Verification: "the runbook reports success, and the health check passes",
		},
		{
			ID: "disable-flag", Title: "Turn the feature flag off", Risk: RiskMedium,
			Sentence:     "Turn off the feature flag that services.yaml names for {service}",
			Description:  "Turns one named feature flag off in one environment. Helps when what the flag brought is at fault.",
			Verification: "the flag is off, and the health check passes",
		},
	}
}
