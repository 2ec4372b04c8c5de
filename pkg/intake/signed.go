package intake

import (
	"crypto/sha256"
	"encoding/hex"
)

// Hex decodes a signature that is written in hex; nil if it is none, which fits no
// message.
func Hex(text string) []byte {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil
	}
	return raw
}

// BodyName names a request by its body. It is for senders whose signature covers the
// body and nothing else: a header, such as a delivery's number, can be changed by
// anybody who caught the request.
func BodyName(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
