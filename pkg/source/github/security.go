package github

import (
	"cmp"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

const maxListed = 20 // packages, weaknesses

// numbered begins the report of an alert that GitHub numbers within its repository.
func numbered(doc intake.Value, kind string, opens, ends []string) (r report, it intake.Value, err error) {
	action, it := doc.At("action").Text(), doc.At("alert")
	number := it.First("number", "id")
	if number == "" {
		it.At("number").Refuse("is missing; an alert is told apart by its number")
	}
	if err := doc.Err(); err != nil {
		return r, it, err
	}
	it = it.Apart()
	r = report{
		is: states(action, opens, ends), kind: kind, identity: []string{number}, severity: incident.High,
		at: intake.FirstTime(it.At("updated_at"), it.At("created_at")), links: []string{it.At("html_url").Written()},
	}
	r.evidence.Add("alert", "#"+number+" "+action)
	return r, it, nil
}

func dependabotAlert(doc intake.Value) (report, error) {
	r, it, err := numbered(doc, "dependabot_alert", []string{"created", "reopened", "reintroduced", "auto_reopened"}, []string{"fixed"})
	if err != nil {
		return r, err
	}
	advisory, hole, found := it.At("security_advisory"), it.At("security_vulnerability"), it.At("dependency")
	pack := cmp.Or(packageOf(found), packageOf(hole))
	r.severity = intake.Severity(incident.High, hole.At("severity").Written(), advisory.At("severity").Written())
	r.headline = "vulnerable dependency " + pack + ": " + advisory.At("summary").Written()
	if r.is == recovered {
		r.headline = "fixed: " + r.headline
	}
	r.labels = map[string]string{
		"package": found.At("package", "name").Written(), "ecosystem": found.At("package", "ecosystem").Written(),
		"manifest": found.At("manifest_path").Written(), "scope": found.At("scope").Written(),
	}
	e := &r.evidence
	e.Add("package", pack)
	e.Add("manifest", found.At("manifest_path").Written())
	e.Add("scope", found.At("scope").Written())
	e.Add("vulnerable", hole.At("vulnerable_version_range").Written())
	e.Add("fixed in", cmp.Or(hole.At("first_patched_version", "identifier").Written(), "no version yet"))
	if r.is == firing {
		describe(e, advisory)
	}
	return r, nil
}

// describe writes what a security advisory says.
func describe(e *intake.Evidence, advisory intake.Value) {
	e.Add("advisory", strings.TrimSpace(advisory.At("ghsa_id").Written()+" "+advisory.At("cve_id").Written()))
	e.Add("severity", advisory.At("severity").Written())
	if cvss := advisory.At("cvss"); cvss.At("score").Has() {
		e.Add("CVSS", strings.TrimSpace(cvss.At("score").Written()+" "+cvss.At("vector_string").Written()))
	}
	for _, cwe := range advisory.At("cwes").List(maxListed) {
		e.Add("weakness", strings.TrimSpace(cwe.At("cwe_id").Written()+" "+cwe.At("name").Written()))
	}
	e.Block(advisory.At("description").Written())
}

// packageOf is "ecosystem package".
func packageOf(v intake.Value) string {
	return strings.TrimSpace(v.At("package", "ecosystem").Written() + " " + v.At("package", "name").Written())
}

// repositoryVulnerabilityAlert reads what GitHub sent before there was dependabot_alert,
// and what older servers still send.
func repositoryVulnerabilityAlert(doc intake.Value) (report, error) {
	r, it, err := numbered(doc, "repository_vulnerability_alert", []string{"create", "reopen"}, []string{"resolve"})
	if err != nil {
		return r, err
	}
	pack := it.At("affected_package_name").Written()
	r.severity = intake.Severity(incident.High, it.At("severity").Written())
	r.headline = "vulnerable dependency " + pack + ": " + it.First("external_identifier", "ghsa_id")
	if r.is == recovered {
		r.headline = "fixed: " + r.headline
	}
	r.links = append(r.links, it.At("external_reference").Written())
	r.labels = map[string]string{"package": pack}
	e := &r.evidence
	e.Add("package", pack)
	e.Add("vulnerable", it.At("affected_range").Written())
	e.Add("fixed in", cmp.Or(it.At("fixed_in").Written(), "no version yet"))
	e.Add("advisory", strings.TrimSpace(it.At("ghsa_id").Written()+" "+it.At("external_identifier").Written()))
	e.Add("severity", it.At("severity").Written())
	return r, nil
}

func codeScanningAlert(doc intake.Value) (report, error) {
	opens := []string{"created", "reopened", "reopened_by_user", "appeared_in_branch"}
	r, it, err := numbered(doc, "code_scanning_alert", opens, []string{"fixed"})
	if err != nil {
		return r, err
	}
	rule, place := it.At("rule"), it.At("most_recent_instance", "location")
	tool := it.At("tool", "name").Written()
	r.severity = ruleSeverity(rule)
	r.headline = "code scanning: " + cmp.Or(rule.At("description").Written(), rule.First("name", "id"))
	if r.is == recovered {
		r.headline = "fixed: " + r.headline
	}
	ref := doc.Apart().At("ref").Written()
	r.labels = map[string]string{"rule": rule.At("id").Written(), "tool": tool, "branch": strings.TrimPrefix(ref, "refs/heads/")}
	e := &r.evidence
	e.Add("rule", rule.At("id").Written())
	e.Add("rule severity", rule.First("security_severity_level", "severity"))
	e.Add("tool", strings.TrimSpace(tool+" "+it.At("tool", "version").Written()))
	e.Add("ref", ref)
	e.Add("commit", short(doc.Apart().At("commit_oid").Written()))
	if file := place.At("path").Written(); file != "" {
		e.Add("at", file+":"+place.At("start_line").Written())
	}
	e.Block(it.At("most_recent_instance", "message", "text").Written())
	return r, nil
}

// ruleSeverity goes by how bad the hole is. What the tool calls a note or a warning is
// about the code, not about an attack.
func ruleSeverity(rule intake.Value) incident.Severity {
	switch level := rule.At("security_severity_level").Written(); {
	case level != "":
		return intake.Severity(incident.High, level)
	case rule.At("severity").Written() == "note":
		return incident.Low
	}
	return intake.Severity(incident.Medium, rule.At("severity").Written())
}

// secretScanningAlert reads that a secret was found. The secret itself is never shown.
func secretScanningAlert(doc intake.Value) (report, error) {
	r, it, err := numbered(doc, "secret_scanning_alert", []string{"created", "reopened", "publicly_leaked"}, []string{"resolved"})
	if err != nil {
		return r, err
	}
	kind := it.First("secret_type_display_name", "secret_type")
	r.severity = incident.Critical
	r.headline = "a secret was committed: " + kind
	if r.is == recovered {
		r.headline = "resolved: " + r.headline
	}
	r.labels = map[string]string{"secret_type": it.At("secret_type").Written()}
	e := &r.evidence
	e.Add("kind of secret", kind)
	e.Add("works", it.At("validity").Written())
	e.Add("public", it.At("publicly_leaked").Written())
	e.Add("resolution", it.At("resolution").Written())
	e.Add("comment", it.At("resolution_comment").Written())
	return r, nil
}
