package redact

import "strings"

// Fixture secrets are put together here from parts, so that no scanner takes this source for a leak.
var (
	alnum40  = "Zx9Kq2Lm7Pw4Rt6Vb8Nc1Df3Gh5Jk0QsYuIoAeWz"
	hexes32  = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
	awsID    = "AKIA" + "Q3EGRZ7LMN5TQ2XY"
	awsKey   = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzQ8rT1vKpL"
	gcpKey   = "AIza" + "SyD4kX8vQ2mN7pR1tW6yZ3bC5eF9gH0jKlM"
	github   = "ghp_" + alnum40[:36]
	githubV2 = "github_pat_" + "11AB5CDEF0" + alnum40[:12] + "_" + alnum40 + alnum40[:19]
	gitlab   = "glpat-" + "Ab3_dEf6-HiJ9kLmNoPq"
	slackBot = "xoxb-" + "263594206564-2343594206574-" + alnum40[:24]
	slackApp = "xapp-" + "1-A01B2C3D4E5-1234567890123-" + hexes32 + hexes32
	slackURL = "T00AB12CD/B00EF34GH/" + alnum40[:24]
	discord  = "MTA4NjY1NDMyMTk4NzY1NDMy" + ".GhT9xQ." + alnum40[:38]
	discURL  = alnum40 + alnum40[:28]
	stripe   = "sk_live_" + alnum40[:24]
	whsec    = "whsec_" + alnum40[:32]
	twilio   = "SK" + hexes32
	sendgrid = "SG." + alnum40[:22] + "." + alnum40 + "a_9"
	npm      = "npm_" + alnum40[:36]
	pypi     = "pypi-" + "AgEIcHlwaS5vcmc" + alnum40 + alnum40
	openai   = "sk-proj-" + alnum40 + "_" + alnum40
	openaiV1 = "sk-" + alnum40[:20] + "T3BlbkFJ" + alnum40[:20]
	claude   = "sk-ant-" + "api03-" + alnum40 + "-" + alnum40
	jwt      = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
	operator = "ogk_" + alnum40[:32]
	pemBody  = strings.Repeat(alnum40+alnum40[:24]+"\n", 3) + "Qm9iCg==\n"
	pem      = "-----BEGIN RSA PRIVATE " + "KEY-----\n" + pemBody + "-----END RSA PRIVATE " + "KEY-----"
)
