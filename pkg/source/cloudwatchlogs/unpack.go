package cloudwatchlogs

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"io"

	"github.com/opsguard/opsguard/pkg/intake"
)

// maxUnpacked bounds what a packed delivery may hold, in bytes: a small body can be made
// to unpack to gigabytes.
const maxUnpacked = 4 << 20

// unpacked is the delivery that a document is: {"awslogs": {"data": ...}} as CloudWatch
// Logs sends it, packed or opened already, or the delivery itself.
func unpacked(doc intake.Value) (intake.Value, error) {
	data := doc.At("awslogs", "data")
	if !doc.At("awslogs").Has() {
		return doc, doc.Err()
	}
	if data.Has() && data.Written() == "" && len(data.Names()) > 0 {
		return data, doc.Err()
	}
	text, err := unpack(data.Text())
	switch {
	case err != nil:
		data.Refuse("is not base64 of what gzip packed")
	case len(text) > maxUnpacked:
		data.Refuse("is more than 4 MiB when it is unpacked; send fewer lines at once")
	}
	if err := doc.Err(); err != nil {
		return doc, err
	}
	return intake.ReadJSON(text)
}

// unpack returns at most one byte more than maxUnpacked.
func unpack(text string) ([]byte, error) {
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	r, err := reader(packed)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxUnpacked+1))
}

// reader reads gzip, as CloudWatch Logs packs, or zlib, as libraries for its events take too.
func reader(packed []byte) (io.Reader, error) {
	if bytes.HasPrefix(packed, []byte{0x1f, 0x8b}) {
		return gzip.NewReader(bytes.NewReader(packed))
	}
	return zlib.NewReader(bytes.NewReader(packed))
}
