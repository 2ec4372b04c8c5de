package awsapi

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Refused is a call that AWS answered with an error code.
type Refused struct {
	Code string // AWS's own, such as DBInstanceNotFound
	told *incident.Error
}

// Error is for people: it names the call and the code, and nothing else of the answer.
func (r *Refused) Error() string { return r.told.Error() }

// Unwrap gives the kind: Unavailable, NotFound or Invalid.
func (r *Refused) Unwrap() error { return r.told }

// CodeOf returns the code that AWS answered, "" if err holds none.
func CodeOf(err error) string {
	var r *Refused
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// Codes of the services' API references, "Common Errors", and of the errors of each call.
func throttlingCodes() []string {
	return []string{"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"TooManyRequestsException", "RequestLimitExceeded", "EC2ThrottledException", "BandwidthLimitExceeded", "SlowDown",
		"PriorRequestNotComplete"}
}

func faultCodes() []string {
	return []string{"ServerException", "InternalServerError", "InternalServerException", "InternalFailure", "InternalError",
		"ServiceException", "ServiceUnavailable", "ServiceUnavailableException", "Unavailable", "ResourceContention", "IDPCommunicationError"}
}

func deniedCodes() []string {
	return []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}
}

func keyCodes() []string {
	return []string{"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
		"InvalidSignatureException", "AuthFailure", "RequestExpired", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
		"IncompleteSignature", "RequestTimeTooSkewed", "OptInRequired"}
}

// NotFound reports the codes by which a service says that what was named is not there.
func NotFound(code string) bool {
	return strings.Contains(code, "NotFound") ||
		slices.Contains([]string{"InvalidDocument", "InvalidDocumentVersion", "InvalidInstanceID.Malformed"}, code)
}

// refusal turns what Env.Do has made of an answer into a Refused, if the answer has a code.
// status is 0 where the answer was not judged: 5xx, or none at all.
func (s *Session) refusal(right string, status int, answer integration.Answer, err error) error {
	code := errorCode(status, answer.Header.Get("X-Amzn-Errortype"), answer.Body)
	if code == "" || answer.Status == http.StatusTooManyRequests {
		return err
	}
	service, _ := split(right)
	refused := &Refused{Code: code}
	fail := func(kind incident.Kind, slug incident.Code, format string, args ...any) error {
		refused.told = incident.Fail(kind, slug, "%s%s", fmt.Sprintf(format, args...), requestID(err))
		return refused
	}
	switch {
	case slices.Contains(throttlingCodes(), code):
		return fail(incident.Unavailable, incident.CodeUnavailable, "%s throttles calls (%s); repeat later", vendor(service), code)
	case slices.Contains(faultCodes(), code), status == 0:
		return fail(incident.Unavailable, incident.CodeUnavailable, "%s failed (%s); repeat later", vendor(service), code)
	case slices.Contains(deniedCodes(), code):
		return fail(incident.Invalid, incident.CodeInvalid, "AWS does not allow %s%s", right, s.remedy(service))
	case slices.Contains(keyCodes(), code):
		return fail(incident.Invalid, incident.CodeInvalid,
			"%s does not accept the credentials (%s); check the process's own AWS keys and clock", vendor(service), code)
	case NotFound(code):
		return fail(incident.NotFound, incident.CodeNotFound,
			"%s does not know what %s names (%s); check the target in services.yaml", vendor(service), right, code)
	}
	return fail(incident.Invalid, incident.CodeInvalid, "%s refused %s (%s)", vendor(service), right, code)
}

// requestID is what Env.Do has said of the request's id, by which AWS finds the call again.
func requestID(err error) string {
	var known *incident.Error
	if errors.As(err, &known) {
		if at := strings.LastIndex(known.Message, " (request id "); at >= 0 {
			return known.Message[at:]
		}
	}
	return ""
}

// remedy says where a right has to be given.
func (s *Session) remedy(service string) string {
	if service == "sts" {
		return "; list the role in the stack's TargetRoleArns or TargetReadRoleArns, and check " +
			"its trust policy: principal, external id, sts:SetSourceIdentity"
	}
	return " to the role " + s.role + "; allow it there, and look at its " +
		"permissions boundary and at the tag opsguard:allowed=true of the resource"
}

// codeForm is what AWS's error codes are made of. Anything else is no code.
var codeForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]{2,63}$`) })

// errorCode finds the code of an error: __type or code of JSON, Error/Code of XML. Lambda
// and EKS name it in the header X-Amzn-Errortype only; where a gateway left that out, the
// status says the same.
func errorCode(status int, header string, answer []byte) string {
	if len(answer) == 0 {
		return ""
	}
	var code string
	var j struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Fault   string `json:"Type"`
		Message string `json:"message"`
	}
	var x struct {
		Query string `xml:"Error>Code"`
		EC2   string `xml:"Errors>Error>Code"`
	}
	switch {
	case json.Unmarshal(answer, &j) == nil:
		if code = j.Type + j.Code; code == "" {
			code = header
		}
		if code == "" && (j.Fault == "User" || j.Message != "") {
			code = map[int]string{http.StatusForbidden: "AccessDeniedException", http.StatusNotFound: "ResourceNotFoundException",
				http.StatusConflict: "ResourceConflictException", http.StatusPreconditionFailed: "PreconditionFailedException"}[status]
		}
	case xml.Unmarshal(answer, &x) == nil:
		code = x.Query + x.EC2
	}
	if at := strings.LastIndexByte(code, '#'); at >= 0 { // com.amazonaws.ecs#ClientException
		code = code[at+1:]
	}
	code, _, _ = strings.Cut(code, ":")
	if !codeForm().MatchString(code) {
		return ""
	}
	return code
}

// throttled reports that a call was refused because there were too many, which is certain.
func throttled(err error) bool {
	return slices.Contains(throttlingCodes(), CodeOf(err)) || incident.WaitOf(err) > 0
}

// certain reports that a call which failed with err has changed nothing: AWS refused it, or
// no connection was made.
func certain(err error) bool {
	var dial *net.OpError
	return throttled(err) || incident.KindOf(err) != incident.Unavailable || errors.As(err, &dial) && dial.Op == "dial"
}

// described words a state that is in the way of a fix.
func described(kind incident.Kind, code incident.Code, format string, args ...any) error {
	return &incident.Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Missing is NotFound: the target is not there.
func Missing(format string, args ...any) error {
	return described(incident.NotFound, incident.CodeNotFound, format, args...)
}

// Cannot is Invalid: the fix cannot be done to the target as it is.
func Cannot(format string, args ...any) error {
	return described(incident.Invalid, incident.CodeInvalid, format, args...)
}
