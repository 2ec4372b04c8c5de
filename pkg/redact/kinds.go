package redact

import (
	"slices"
	"strings"
)

// The kinds, as placeholders name them. They are part of the stored data (an alert's fingerprint is taken after
// redaction): add to them, do not rename them.
const (
	kindAWSKeyID       = "aws-access-key-id"
	kindAWSSecret      = "aws-secret-access-key"
	kindGCPKey         = "gcp-api-key"
	kindGCPOAuth       = "gcp-oauth-secret"
	kindAzureKey       = "azure-key"
	kindSignature      = "url-signature"
	kindGitHub         = "github-token"
	kindGitLab         = "gitlab-token"
	kindSlack          = "slack-token"
	kindSlackWebhook   = "slack-webhook"
	kindDiscord        = "discord-bot-token"
	kindDiscordWebhook = "discord-webhook"
	kindWebhook        = "webhook-url" // the secret part of an incoming webhook's address
	kindTelegram       = "telegram-bot-token"
	kindStripe         = "stripe-key"
	kindStripeWebhook  = "stripe-webhook-secret"
	kindTwilio         = "twilio-api-key"
	kindSendGrid       = "sendgrid-api-key"
	kindNPM            = "npm-token"
	kindPyPI           = "pypi-token"
	kindAnthropic      = "anthropic-api-key"
	kindOpenAI         = "openai-api-key"
	kindVendor         = "vendor-token" // a token by the prefix of a vendor not listed here
	kindJWT            = "jwt"
	kindPrivateKey     = "private-key"
	kindURLPassword    = "url-password"
	kindPassword       = "password"
	kindSecret         = "secret"
	kindToken          = "token"
	kindAPIKey         = "api-key"
	kindAuthorization  = "authorization"
	kindBearer         = "bearer-token"
	kindBasic          = "basic-auth"
	kindCookie         = "cookie"
	kindLinkToken      = "opsguard-link-token"
	kindOperatorKey    = "opsguard-key"

	kindAuth = "auth" // no placeholder's: user:password in base64, or something else
	kindWeak = "weak" // no placeholder's: a secret if the value looks random, see scanner.secret
)

var kinds = []string{
	kindAWSKeyID, kindAWSSecret, kindGCPKey, kindGCPOAuth, kindAzureKey, kindSignature, kindGitHub, kindGitLab, kindSlack,
	kindSlackWebhook, kindDiscord, kindDiscordWebhook, kindWebhook, kindTelegram, kindStripe, kindStripeWebhook, kindTwilio, kindSendGrid, kindNPM,
	kindPyPI, kindAnthropic, kindOpenAI, kindVendor, kindJWT, kindPrivateKey, kindURLPassword, kindPassword, kindSecret,
	kindToken, kindAPIKey, kindAuthorization, kindBearer, kindBasic, kindCookie, kindLinkToken, kindOperatorKey,
}

const (
	placeholderHead = "[REDACTED:"
	longestKind     = 24
)

func placeholder(kind string) string { return placeholderHead + kind + "]" }

// placeholderLen returns the length of the placeholder that s begins with, or 0. Only our own kinds count, so that
// "[REDACTED:" in front of a secret is no way to keep it.
func placeholderLen(s string) int {
	if !strings.HasPrefix(s, placeholderHead) {
		return 0
	}
	rest := s[len(placeholderHead):]
	end := strings.IndexByte(rest[:min(len(rest), longestKind+1)], ']')
	if end < 0 || !slices.Contains(kinds, rest[:end]) {
		return 0
	}
	return len(placeholderHead) + end + 1
}
