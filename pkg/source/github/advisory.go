package github

import (
	"cmp"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// repositoryAdvisory reads an advisory about the repository's own code. "reported" is a
// stranger's private report.
func repositoryAdvisory(doc intake.Value) (report, error) {
	return advisory(doc, "repository_advisory", "a vulnerability of this repository was ")
}

// securityAdvisory reads an advisory of GitHub's database. It names no repository.
func securityAdvisory(doc intake.Value) (report, error) {
	return advisory(doc, "security_advisory", "advisory ")
}

func advisory(doc intake.Value, kind, what string) (report, error) {
	action, it := doc.At("action").Text(), doc.At(kind)
	id := it.At("ghsa_id").Text()
	if err := doc.Err(); err != nil {
		return report{}, err
	}
	it = it.Apart()
	r := report{
		is: states(action, []string{"published", "reported"}, []string{"withdrawn"}), kind: kind, identity: []string{id},
		severity: intake.Severity(incident.High, it.At("severity").Written()), headline: what + action + ": " + it.At("summary").Written(),
		at:    intake.FirstTime(it.At("updated_at"), it.At("published_at"), it.At("created_at")),
		links: []string{it.At("html_url").Written(), "https://github.com/advisories/" + id},
	}
	e := &r.evidence
	var packages []string
	for _, hole := range it.At("vulnerabilities").List(maxListed) {
		hole = hole.Apart()
		affected := packageOf(hole) + " " + hole.At("vulnerable_version_range").Written()
		if fixed := cmp.Or(hole.At("first_patched_version", "identifier").Written(), hole.At("patched_versions").Written()); fixed != "" {
			affected += ", fixed in " + fixed
		}
		e.Add("package", affected)
		packages = append(packages, hole.At("package", "name").Written())
	}
	if len(packages) > 0 {
		r.service = packages[0]
		first := it.At("vulnerabilities").List(1)[0].Apart()
		r.labels = map[string]string{"package": packages[0], "ecosystem": first.At("package", "ecosystem").Written()}
	}
	if r.is == recovered {
		return r, nil
	}
	describe(e, it)
	for _, reference := range it.At("references").List(maxListed) {
		e.Add("see", strings.TrimSpace(reference.Apart().At("url").Written()))
	}
	return r, nil
}
